using CorrMesh.Features.Execution;
using CorrMesh.Features.Store;
using CorrMesh.Features.Tests.Support;
using CorrMesh.Hosting.Data;
using CorrMesh.Models;
using CorrMesh.Vision.Backbones;
using CorrMesh.Vision.Features;
using CorrMesh.Vision.Weights;
using TorchSharp;
using Xunit;

namespace CorrMesh.Features.Tests.Execution;

/// <summary>The real network, small and seeded.</summary>
[Collection(LiveTensors.Collection)]
public sealed class TorchFeatureEngineTests : IDisposable
{
    private readonly TestData data = new();
    private readonly ModelCatalog catalog;
    private readonly TorchFeatureEngine engine = new(new FeatureOptions { Threads = 1, LoadedModels = 2 });

    public TorchFeatureEngineTests()
    {
        foreach (string id in new[] { "tiny", "other", "third" })
            data.AddModelFile(id, RandomNetwork.Write(data.PathOf($"{id}.safetensors"), seed: id[0]), 14, 48, 3, 3, 16);
        catalog = data.Catalog();
    }

    private static CancellationToken Test => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        engine.Dispose();
        data.Dispose();
    }

    // Goal: what is served does not depend on company. Method: eight pictures in one batch against each alone, at the fp16 map that is served: at most one fp16 step apart, for
    // float32 sums may be made in another order; and against the float32 core within the 1e-3 that the services promise.
    [Fact]
    public async Task Extract_BatchOfEight_IsEightSingleCallsAndTheCore()
    {
        ExtractionRequest[] requests = [.. Enumerable.Range(0, 8).Select(seed => Request("tiny", seed))];
        IReadOnlyList<FeatureMap> batch = await engine.ExtractAsync(requests, Test);
        using VisionTransformer network = BackboneFile.Load(catalog.Model("tiny").Path, 3);
        using var core = new FeatureModel(network);
        for (int i = 0; i < requests.Length; i++)
        {
            FeatureMap single = (await engine.ExtractAsync([requests[i]], Test))[0];
            float[] served = StoredMap.Canonical(batch[i]).Values, alone = StoredMap.Canonical(single).Values, exact = core.Extract([requests[i].Image])[0].Values;
            for (int k = 0; k < served.Length; k++)
            {
                Assert.InRange(Math.Abs(Steps(served[k]) - Steps(alone[k])), 0, 1);
                Assert.InRange(Math.Abs(served[k] - exact[k]), 0, 1e-3 * Math.Max(1, Math.Abs(exact[k])));
            }
        }

        Assert.NotEqual(batch[0].Values, batch[1].Values);
    }

    [Fact]
    public async Task Extract_Repeated_IsBitEqual()
    {
        float[] first = (await engine.ExtractAsync([Request("tiny", 5)], Test))[0].Values;
        for (int i = 0; i < 3; i++) Assert.Equal(first, (await engine.ExtractAsync([Request("tiny", 5)], Test))[0].Values);
    }

    // Goal: nothing is left behind. Method: live tensors of the process after a first round over stages, strides, sizes and models, and again after 300 requests; the
    // number of loaded networks is the same at both times.
    [Fact]
    public async Task Extract_ManyMixedRequests_LeaveNoTensors()
    {
        async Task Round(int count)
        {
            for (int i = 0; i < count; i++)
            {
                ResolvedSpec spec = Make.Spec(tokens: 8 + i % 3, stride: i % 2 == 0 ? 14 : 7, model: catalog.Model(i % 5 == 0 ? "other" : "tiny"), stage: i % 4 == 0 ? FeatureStage.PreNorm : FeatureStage.Normalised);
                await engine.ExtractAsync([.. Enumerable.Range(0, 1 + i % 3).Select(k => Make.Request(Make.Picture(48, 32 + i % 2 * 16, k), spec))], Test);
            }
        }

        await Round(12);
        long before = torch.Tensor.TotalCount;
        await Round(300);
        Assert.Equal(before, torch.Tensor.TotalCount);
    }

    [Fact]
    public async Task Extract_MoreModelsThanAreKept_UnloadsTheOldestAndAnswersTheSame()
    {
        float[] first = (await engine.ExtractAsync([Request("tiny", 1)], Test))[0].Values;
        await engine.ExtractAsync([Request("other", 1)], Test);
        long withTwo = torch.Tensor.TotalCount;
        await engine.ExtractAsync([Request("third", 1)], Test);
        Assert.Equal(withTwo, torch.Tensor.TotalCount);
        Assert.Equal(first, (await engine.ExtractAsync([Request("tiny", 1)], Test))[0].Values);
        Assert.Equal(withTwo, torch.Tensor.TotalCount);
    }

    // Goal: adapters that come and go leave nothing behind, and those that left are loaded again when they are asked for. Method: seven adapters of two networks round and
    // round, three kept; live tensors after each round, and each answer against the adapter's first.
    [Fact]
    public async Task Extract_MoreAdaptersThanAreKept_UnloadsTheLeastRecentlyUsed()
    {
        using var bounded = new TorchFeatureEngine(new FeatureOptions { Threads = 1, LoadedModels = 2, LoadedAdapters = 3 });
        ResolvedSpec[] specs =
        [
            .. Enumerable.Range(0, 7).Select(i =>
            {
                string path = WriteAdapter($"adapter-{i}.safetensors", i);
                return Make.Spec(8, model: catalog.Model(i % 2 == 0 ? "tiny" : "other"), adapter: new AdapterEntry($"a{i}", TestData.DigestOf(path), path));
            }),
        ];
        async Task<float[]> Answer(ResolvedSpec spec) => (await bounded.ExtractAsync([Make.Request(Make.Picture(48, 32), spec)], Test))[0].Values;
        float[][] first = new float[specs.Length][];
        for (int i = 0; i < specs.Length; i++) first[i] = await Answer(specs[i]);
        Assert.Equal(specs.Length, first.Select(values => values[0]).Distinct().Count());
        long before = torch.Tensor.TotalCount;
        for (int round = 0; round < 20; round++)
        {
            for (int i = 0; i < specs.Length; i++) Assert.Equal(first[i], await Answer(specs[i]));
            Assert.Equal(before, torch.Tensor.TotalCount);
        }

        // The one used last stays: its file may go.
        File.Delete(specs[6].Adapter!.Path);
        Assert.Equal(first[6], await Answer(specs[6]));
        foreach (int i in new[] { 0, 1, 6, 2, 3, 6 }) Assert.Equal(first[i], await Answer(specs[i]));
        for (int i = 0; i < 3; i++) await Answer(specs[i]);
        await Assert.ThrowsAsync<FileNotFoundException>(() => Answer(specs[6]));
    }

    [Fact]
    public async Task Extract_OtherHeads_IsAnotherNetwork()
    {
        ModelEntry model = catalog.Model("tiny");
        float[] three = (await engine.ExtractAsync([Request(model, 1)], Test))[0].Values, four = (await engine.ExtractAsync([Request(model with { Heads = 4 }, 1)], Test))[0].Values;
        Assert.NotEqual(three, four);
    }

    [Fact]
    public async Task Extract_FileThatIsNotItsManifests_IsRefusedAndTheEngineGoesOn()
    {
        ModelEntry model = catalog.Model("tiny");
        File.Copy(catalog.Model("other").Path, data.PathOf("swapped"));
        Assert.Contains("digest", (await Assert.ThrowsAsync<InvalidDataException>(() => engine.ExtractAsync([Request(model with { Path = data.PathOf("swapped") }, 1)], Test))).Message, StringComparison.Ordinal);
        Assert.Contains("manifest says", (await Assert.ThrowsAsync<InvalidDataException>(() => engine.ExtractAsync([Request(model with { Depth = 4 }, 1)], Test))).Message, StringComparison.Ordinal);
        data.WriteFile("broken", "not weights");
        await Assert.ThrowsAsync<WeightFileException>(() => engine.ExtractAsync([Request(model with { Path = data.PathOf("broken"), Digest = TestData.DigestOf(data.PathOf("broken")) }, 1)], Test));
        Assert.NotEmpty(await engine.ExtractAsync([Request("tiny", 1)], Test));
    }

    [Fact]
    public void Import_ModelFiles_AreAddedOrRefusedBeforeAnythingIsWritten()
    {
        var builtIn = new DataDirectory(data.PathOf("built-in"));
        string file = data.PathOf("tiny.safetensors");
        ModelManifest manifest = ModelImport.AddModel(builtIn, data.Layout, "imported", file, 3, 20);
        Assert.Equal((1, "imported", $"sha256:{TestData.DigestOf(file)}", 14, 48, 3, 3, 20),
            (manifest.SchemaVersion, manifest.Id, manifest.Digest, manifest.PatchSize, manifest.Width, manifest.Depth, manifest.Heads, manifest.DefaultTokens));
        Assert.Equal((3, 20), (data.Catalog().Model("imported").Heads, data.Catalog().Model("imported").DefaultTokens));

        int files = Directory.GetFiles(data.Root, "*", SearchOption.AllDirectories).Length + 2;
        data.WriteFile("damaged.pth", "no");
        data.WriteFile("built-in.json", "");
        foreach (string name in new[] { "../x", "", "X", "a/b" }) Assert.Throws<ArgumentException>(() => ModelImport.AddModel(builtIn, data.Layout, name, file, 3, 20));
        foreach (int tokens in new[] { 7, 161 }) Assert.Throws<ArgumentException>(() => ModelImport.AddModel(builtIn, data.Layout, "x", file, 3, tokens));
        Assert.Throws<ArgumentException>(() => ModelImport.AddModel(builtIn, data.Layout, "x", file, 5, 20));
        Assert.Throws<ArgumentException>(() => ModelImport.AddModel(data.Layout, data.Layout, "tiny", file, 3, 20));   // a built-in model's name
        Assert.Throws<WeightFileException>(() => ModelImport.AddModel(builtIn, data.Layout, "x", data.PathOf("damaged.pth"), 3, 20));
        Assert.Throws<ArgumentException>(() => ModelImport.AddAdapter(builtIn, data.Layout, "tuned", file, "nothing"));
        Assert.Throws<WeightFileException>(() => ModelImport.AddAdapter(builtIn, data.Layout, "tuned", file, "tiny"));
        Assert.Equal(files, Directory.GetFiles(data.Root, "*", SearchOption.AllDirectories).Length);
    }

    [Fact]
    public void Import_Adapter_IsThereForItsModelAndServed()
    {
        WriteAdapter("a.safetensors", 3);
        AdapterManifest manifest = ModelImport.AddAdapter(new DataDirectory(data.PathOf("built-in")), data.Layout, "tuned", data.PathOf("a.safetensors"), "tiny");
        ModelEntry model = data.Catalog().Model("tiny");
        Assert.Equal("sha256:" + Assert.Single(model.Adapters).Digest, manifest.Digest);
        float[] bare = Answer(null), tuned = Answer(model.Adapters[0]);
        Assert.NotEqual(bare, tuned);
        float[] Answer(AdapterEntry? with) => engine.ExtractAsync([Make.Request(Make.Picture(48, 32), Make.Spec(8, model: model, adapter: with))], Test).GetAwaiter().GetResult()[0].Values;
    }

    private string WriteAdapter(string name, int seed)
    {
        var random = new Random(seed);
        float[] Values(int count) => [.. Enumerable.Range(0, count).Select(_ => (float)random.NextDouble() - 0.5f)];
        Vision.Adapters.AdapterFile.Write(data.PathOf(name), new Vision.Adapters.Adapter(48, 2, [new(Values(96), Values(96), Values(96), Values(96))], []));
        return data.PathOf(name);
    }

    private ExtractionRequest Request(string model, int seed) => Request(catalog.Model(model), seed);

    private static ExtractionRequest Request(ModelEntry model, int seed) => Make.Request(Make.Picture(96, 64, seed), Make.Spec(model: model));

    // Places of fp16 numbers in their order.
    private static int Steps(float value)
    {
        short bits = BitConverter.HalfToInt16Bits((Half)value);
        return bits >= 0 ? bits : -(bits & 0x7FFF);
    }
}
