using System.Text.Json;
using CorrMesh.Vision.Backbones;
using CorrMesh.Vision.Weights;
using Xunit;

namespace CorrMesh.Training.Tests;

public sealed class CompactExportTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("corrmesh-export-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    // Goal: what is written can be served. Method: export the full-size network with recognisable values, load the file as a backbone,
    // compare with the values rounded to fp16; manifest and digest agree; the file keeps the promised size of 12 MB.
    [Fact]
    public void Write_TrainedNetwork_LoadsAsBackboneWithItsManifest()
    {
        var recipe = new CompactRecipe();
        using var network = new VisionTransformer(recipe.Network);
        var random = new Random(11);
        var arrays = network.named_parameters().ToDictionary(
            p => p.name, p => (p.parameter.shape, Enumerable.Range(0, (int)p.parameter.numel()).Select(_ => (float)(random.NextDouble() - 0.5)).ToArray()));
        CompactExport.Write(folder, recipe, threads: 1, new TrainedWeights(arrays), [new TrainingProgress(20, 5.5, 0.1, 8, TimeSpan.Zero)]);

        string file = Path.Combine(folder, "compact.safetensors");
        Assert.True(new FileInfo(file).Length <= 12_000_000);
        using JsonDocument manifest = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "manifest.json")));
        Assert.Equal("sha256:" + WeightFile.Digest(file), manifest.RootElement.GetProperty("digest").GetString());
        using VisionTransformer loaded = BackboneFile.Load(file, manifest.RootElement.GetProperty("heads").GetInt32());
        Assert.Equal(recipe.Network, loaded.Config);
        foreach ((string name, var parameter) in loaded.named_parameters().Where(p => p.name != "mask_token"))
            Assert.Equal(arrays[name].Item2.Select(v => (float)(Half)v), parameter.data<float>().ToArray());
    }
}
