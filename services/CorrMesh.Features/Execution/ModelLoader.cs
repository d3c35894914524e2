using CorrMesh.Features.Store;
using CorrMesh.Hosting;
using CorrMesh.Hosting.Health;
using CorrMesh.Models;
using CorrMesh.Vision.Features;
using CorrMesh.Vision.Images;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using TorchSharp;

namespace CorrMesh.Features.Execution;

/// <summary>Loads the default model and runs it once before the service says that it is ready.</summary>
internal sealed class ModelLoader(
    LiveCatalog catalog, IFeatureEngine engine, FeatureQueue queue, FeatureStore store, RedisTier redis, FeatureMetrics metrics, FeatureOptions options, ModuleHealth health,
    ILogger<ModelLoader> logger) : IHostedService
{
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        metrics.Observe(store, redis, () => queue.Count);
        health.NotReady("model", "loading");
        ModelEntry model = catalog.Current.Model("");
        try
        {
            await engine.ExtractAsync([WarmUp(model)], cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (NativeTorch.Diagnose(exception) is { } diagnosis)
        {
            FeatureLog.TorchMissing(logger, diagnosis.Reason, diagnosis.Advice);
            throw new MeshConfigurationException([$"{diagnosis.Reason}. {diagnosis.Advice}"]);
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            FeatureLog.ModelFailed(logger, model.Name, exception.Message);
            throw new MeshConfigurationException([$"model '{model.Name}': {exception.Message}"]);
        }

        FeatureLog.ModelLoaded(logger, model.Name, model.Digest, options.Device, torch.__version__, torch.get_num_threads());
        health.Ready("model");
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    // The first pass allocates and picks kernels; a caller should not pay for it.
    private static ExtractionRequest WarmUp(ModelEntry model)
    {
        var image = new RgbImage(4, 3, new byte[4 * 3 * 3]);
        InputGeometry geometry = InputGeometry.ForTokens(image.Width, image.Height, model.DefaultTokens, model.PatchSize);
        return new ExtractionRequest(PreparedImage.From(image, geometry), new ResolvedSpec(model, null, model.DefaultTokens, model.PatchSize, FeatureStage.Normalised, null));
    }
}
