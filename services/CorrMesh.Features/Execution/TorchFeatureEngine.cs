using CorrMesh.Models;
using CorrMesh.Vision.Adapters;
using CorrMesh.Vision.Backbones;
using CorrMesh.Vision.Execution;
using CorrMesh.Vision.Features;
using CorrMesh.Vision.Weights;
using TorchSharp;

namespace CorrMesh.Features.Execution;

/// <summary>Runs networks on one device, all of them on its one inference thread; loads weights when they are first needed.</summary>
public sealed class TorchFeatureEngine : IFeatureEngine, IDisposable
{
    private readonly InferenceThread thread;
    private readonly FeatureOptions options;

    // Touched by the inference thread only; the most recently used are last.
    private torch.Device? device;
    private readonly List<(string Weights, VisionTransformer Network)> networks = [];
    private readonly List<(string Weights, string? Adapter, FeatureModel Model)> models = [];

    /// <param name="options">Device, threads, and how many networks stay loaded. Torch itself is first touched by the first call.</param>
    public TorchFeatureEngine(FeatureOptions options)
    {
        this.options = options;
        thread = new InferenceThread(options.Device);
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<FeatureMap>> ExtractAsync(IReadOnlyList<ExtractionRequest> batch, CancellationToken cancellation) =>
        thread.RunAsync<IReadOnlyList<FeatureMap>>(
            () => Model(batch[0].Spec.Model, batch[0].Spec.Adapter).Extract([.. batch.Select(request => request.Image)], batch[0].Spec.Stage, cancellation), cancellation);

    public void Dispose()
    {
        if (thread.IsStopped) return;
        thread.RunAsync(() =>
        {
            foreach ((_, _, FeatureModel model) in models) model.Dispose();
            foreach ((_, VisionTransformer network) in networks) network.Dispose();
            return true;
        }).GetAwaiter().GetResult();
        thread.Dispose();
    }

    private FeatureModel Model(ModelEntry model, AdapterEntry? adapter)
    {
        VisionTransformer network = Network(model);
        int at = models.FindIndex(m => m.Weights == model.Weights && m.Adapter == adapter?.Digest);
        if (at >= 0)
        {
            (string Weights, string? Adapter, FeatureModel Model) used = models[at];
            models.RemoveAt(at);
            models.Add(used);
            return used.Model;
        }

        Adapter? weights = null;
        if (adapter is not null)
        {
            CheckDigest(adapter.Path, adapter.Digest, $"adapter '{adapter.Name}'");
            weights = AdapterFile.Read(adapter.Path);
        }

        try
        {
            if (adapter is not null && models.Count(m => m.Adapter is not null) >= options.LoadedAdapters) UnloadAdapter();
            var loaded = new FeatureModel(network, weights);
            models.Add((model.Weights, adapter?.Digest, loaded));
            return loaded;
        }
        catch (ArgumentException misfit)
        {
            // Nothing that the caller could have asked for otherwise.
            throw new InvalidDataException($"adapter '{adapter?.Name}' of model '{model.Name}': {misfit.Message}", misfit);
        }
    }

    private VisionTransformer Network(ModelEntry model)
    {
        int at = networks.FindIndex(n => n.Weights == model.Weights);
        if (at >= 0)
        {
            (string Weights, VisionTransformer Network) used = networks[at];
            networks.RemoveAt(at);
            networks.Add(used);
            return used.Network;
        }

        if (networks.Count == options.LoadedModels) Unload(networks[0]);
        CheckDigest(model.Path, model.Digest, $"model '{model.Name}'");
        var network = BackboneFile.Load(model.Path, model.Heads);
        VisionTransformerConfig shape = network.Config;
        if ((shape.PatchSize, shape.Width, shape.Depth, shape.Heads) != (model.PatchSize, model.Width, model.Depth, model.Heads))
        {
            network.Dispose();
            throw new InvalidDataException(
                $"model '{model.Name}': {model.Path} has patch {shape.PatchSize}, {shape.Width} channels and {shape.Depth} blocks; its manifest says {model.PatchSize}, {model.Width} and {model.Depth}");
        }

        network.to(device ??= OpenDevice());
        networks.Add((model.Weights, network));
        return network;
    }

    private torch.Device OpenDevice()
    {
        if (options.Threads > 0) torch.set_num_threads(options.Threads);
        return torch.device(options.Device);
    }

    private void Unload((string Weights, VisionTransformer Network) oldest)
    {
        foreach ((_, _, FeatureModel model) in models.Where(m => m.Weights == oldest.Weights)) model.Dispose();
        models.RemoveAll(m => m.Weights == oldest.Weights);
        networks.Remove(oldest);
        oldest.Network.Dispose();
    }

    private void UnloadAdapter()
    {
        int oldest = models.FindIndex(m => m.Adapter is not null);
        models[oldest].Model.Dispose();
        models.RemoveAt(oldest);
    }

    // Keys of cached maps carry the manifest's digest, so what is loaded must be what the manifest says.
    private static void CheckDigest(string path, string digest, string what)
    {
        string found = WeightFile.Digest(path);
        if (found != digest) throw new InvalidDataException($"{what}: {path} has digest {found}, its manifest says {digest}");
    }
}
