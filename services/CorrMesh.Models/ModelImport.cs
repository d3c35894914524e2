using CorrMesh.Hosting.Data;
using CorrMesh.Vision.Adapters;
using CorrMesh.Vision.Backbones;
using CorrMesh.Vision.Weights;

namespace CorrMesh.Models;

/// <summary>Brings weight files into a data directory. A file is read in full, and refused, before anything is written.</summary>
public static class ModelImport
{
    /// <summary>Adds a backbone, in the place of one with the same name that was added before.</summary>
    /// <param name="builtIn">The directory that ships with the program; its names are taken.</param>
    /// <param name="heads">Attention heads, which the file does not tell; null for the public checkpoints' rule.</param>
    /// <exception cref="WeightFileException">The file is damaged or not a weight file.</exception>
    /// <exception cref="ArgumentException">It is not a DINOv2 checkpoint, or the name cannot be one.</exception>
    public static ModelManifest AddModel(DataDirectory builtIn, DataDirectory data, string name, string file, int? heads, int defaultTokens)
    {
        CheckName(name);
        // A mesh with two models of one name would not start.
        if (builtIn.ReadManifests("models", ManifestJson.Default.ModelManifest).Any(m => m.Manifest.Id == name)) throw new ArgumentException($"name: '{name}' is the built-in model's");
        if (defaultTokens is < 8 or > 160) throw new ArgumentException($"tokens: 8 to 160 allowed, {defaultTokens} given");
        VisionTransformerConfig config = VisionTransformerConfig.FromShapes(WeightFile.Read(file).Shapes, heads);
        var manifest = new ModelManifest(1, name, "sha256:" + data.AddBlob(file), null, config.PatchSize, config.Width, config.Depth, config.Heads, defaultTokens);
        data.WriteManifest("models", name, manifest, ManifestJson.Default.ModelManifest);
        return manifest;
    }

    /// <summary>Publishes an adapter under a name; see <see cref="AdapterNames"/>.</summary>
    /// <param name="origin">What made it, for people; empty when it came as a file.</param>
    /// <exception cref="WeightFileException">The file is damaged or not an adapter.</exception>
    /// <exception cref="ArgumentException">It does not fit the backbone, there is no such backbone, or the name cannot be one.</exception>
    public static AdapterManifest AddAdapter(DataDirectory builtIn, DataDirectory data, string name, string file, string model, string origin = "", TimeProvider? time = null)
    {
        CheckName(name);
        ModelManifest backbone = builtIn.ReadManifests("models", ManifestJson.Default.ModelManifest)
            .Concat(data.ReadManifests("models", ManifestJson.Default.ModelManifest))
            .Select(m => m.Manifest).FirstOrDefault(m => m.Id == model) ?? throw new ArgumentException($"model: there is no '{model}'");
        Adapter adapter = AdapterFile.Read(file);
        if (adapter.Width != backbone.Width || adapter.Blocks.Count > backbone.Depth)
            throw new ArgumentException($"{file}: made for {adapter.Width} channels and at least {adapter.Blocks.Count} blocks, '{model}' has {backbone.Width} and {backbone.Depth}");
        return new AdapterNames(data).Publish(name, new AdapterVersion("sha256:" + data.AddBlob(file), model, (time ?? TimeProvider.System).GetUtcNow(), origin));
    }

    private static void CheckName(string name)
    {
        if (!DataDirectory.IsId(name)) throw new ArgumentException($"name: a-z, 0-9, dot, dash, underscore, at most 64, beginning with a letter or digit; '{name}' given");
    }
}
