using CorrMesh.Features.Tests.Support;
using CorrMesh.Models;
using CorrMesh.Protos.Common.V1;
using CorrMesh.Protos.Features.V1;
using Grpc.Core;
using Xunit;

namespace CorrMesh.Features.Tests.Models;

/// <summary>Models and adapters come and go while the service runs.</summary>
public sealed class LiveCatalogTests
{
    private const int Failed = 2015;

    private static CancellationToken Test => TestContext.Current.CancellationToken;

    [Fact]
    public void ReadGeneration_ManifestsThatComeAndGo_IsAnotherEachTime()
    {
        using var data = new TestData();
        Assert.Equal("", data.Layout.ReadGeneration());
        var seen = new HashSet<string>();
        for (int i = 0; i < 3; i++)
        {
            data.Layout.WriteManifest("adapters", "a", new AdapterManifest(1, "a", "tiny", "sha256:"), ManifestJson.Default.AdapterManifest);
            Assert.True(seen.Add(data.Layout.ReadGeneration()));
            Assert.Equal(data.Layout.ReadGeneration(), data.Layout.ReadGeneration());
        }

        Assert.True(data.Layout.DeleteManifest("adapters", "a"));
        Assert.True(seen.Add(data.Layout.ReadGeneration()));
        Assert.False(data.Layout.DeleteManifest("adapters", "a"));
        Assert.False(seen.Add(data.Layout.ReadGeneration()));
        File.SetLastWriteTimeUtc(data.PathOf("generation"), DateTime.UtcNow.AddSeconds(5));   // touch
        Assert.True(seen.Add(data.Layout.ReadGeneration()));
        Assert.Throws<ArgumentException>(() => data.Layout.DeleteManifest("adapters", "../a"));
        Assert.Equal(["generation"], Directory.GetFiles(data.Root).Select(Path.GetFileName));
    }

    [Fact]
    public void Refresh_NothingChanged_KeepsTheSnapshot()
    {
        using var data = new TestData();
        data.AddModel("tiny");
        LiveCatalog live = data.Live();
        ModelCatalog before = live.Current;
        Assert.False(live.Refresh());
        Publish(data, "tuned");
        Assert.True(live.Refresh());
        Assert.False(live.Refresh());
        Assert.NotSame(before, live.Current);
        Assert.Empty(before.Model("tiny").Adapters);
        Assert.Single(live.Current.Model("tiny").Adapters);
    }

    [Fact]
    public async Task Requests_ModelAndAdapterThatComeAndGo_AreServedWhileTheyAreThere()
    {
        await using FeatureHost host = await FeatureHost.StartAsync(("CorrMesh:Data:WatchInterval", "00:00:00.005"));
        TestData data = host.Data;
        await ExtractAsync(host, "", "");
        await ExtractAsync(host, "tiny", "later").FailsAsync(StatusCode.NotFound);

        string digest = Publish(data, "later");
        await ListedAsync(host, adapters => adapters.Any(a => a.Digest == digest));
        Assert.Equal(digest, (await ExtractAsync(host, "tiny", "later")).Reference.Identity.AdapterDigest);

        data.AddModel("fourth");
        await ExtractAsync(host, "fourth", "").FailsAsync(StatusCode.NotFound);
        File.WriteAllText(data.PathOf("generation"), "by hand");
        await Eventually.HoldsAsync(() => host.ServiceOf<LiveCatalog>().Current.Models.Any(m => m.Name == "fourth"), "a model added by hand is there once the generation changes");
        await ExtractAsync(host, "fourth", "");

        Assert.True(data.Layout.DeleteManifest("adapters", "later"));
        await ListedAsync(host, adapters => adapters.All(a => a.Name != "later"));
        await ExtractAsync(host, "tiny", "later").FailsAsync(StatusCode.NotFound);
    }

    // Goal: a request that runs ends with what it began with. Method: hold the network, take the adapter away, let go.
    [Fact]
    public async Task Request_AdapterVanishesWhileItRuns_EndsWithIt()
    {
        await using FeatureHost host = await FeatureHost.StartAsync(("CorrMesh:Data:WatchInterval", "00:00:00.005"));
        host.Engine.Hold();
        using AsyncUnaryCall<ExtractFeaturesResponse> running = ExtractAsync(host, "tiny", "tuned");
        await host.Engine.LaunchedAsync();
        host.Data.Layout.DeleteManifest("adapters", "tuned");
        await ListedAsync(host, adapters => !adapters.Any());
        host.Engine.Release();
        Assert.Equal("tuned", (await running).Reference.Identity.Adapter);
    }

    // Goal: a broken manifest takes nothing away and is told of once; the next good generation is taken. Also: it is tried again without a new generation.
    [Fact]
    public async Task Refresh_BrokenManifest_KeepsTheOldSnapshotAndSaysSoOnce()
    {
        var log = new RecordedLog();
        await using FeatureHost host = await FeatureHost.StartAsync(null, log.AddTo, ("CorrMesh:Data:WatchInterval", "00:00:00.005"));
        FeatureMetrics metrics = host.ServiceOf<FeatureMetrics>();
        host.Data.WriteManifest("adapters", "broken", "{");
        string digest = Publish(host.Data, "good");
        await Eventually.HoldsAsync(() => log.Count(Failed) == 1, "the failure is logged");
        await ExtractAsync(host, "tiny", "tuned");
        await ExtractAsync(host, "tiny", "good").FailsAsync(StatusCode.NotFound);
        await Task.Delay(100, Test);   // some twenty looks
        Assert.Equal((1, 1, 0), (log.Count(Failed), metrics.CatalogFailures, metrics.Reloads));
        Assert.Contains(log.Lines, line => line.Text.Contains("broken", StringComparison.Ordinal));

        string again = Publish(host.Data, "good", "other");
        await Eventually.HoldsAsync(() => log.Count(Failed) == 2, "the next generation's failure is logged");
        Directory.Delete(host.Data.PathOf("adapters", "broken"), recursive: true);
        await ListedAsync(host, adapters => adapters.Any(a => a.Digest == again));
        Assert.Equal((2, 1), (metrics.CatalogFailures, metrics.Reloads));
        Assert.NotEqual(digest, again);
    }

    private static string Publish(TestData data, string adapter, string content = "weights")
    {
        string digest = data.Layout.AddBlob(data.WriteFile("upload.bin", content));
        data.Layout.WriteManifest("adapters", adapter, new AdapterManifest(1, adapter, "tiny", "sha256:" + digest), ManifestJson.Default.AdapterManifest);
        File.Delete(data.PathOf("upload.bin"));
        return digest;
    }

    private static AsyncUnaryCall<ExtractFeaturesResponse> ExtractAsync(FeatureHost host, string model, string adapter) => host.Client.ExtractFeaturesAsync(
        new ExtractFeaturesRequest { Source = Make.Source(), Spec = new FeatureSpec { Model = model, Adapter = adapter } }, cancellationToken: Test);

    private static async Task ListedAsync(FeatureHost host, Func<IEnumerable<Adapter>, bool> condition)
    {
        while (!condition((await host.Client.ListModelsAsync(new ListModelsRequest(), cancellationToken: Test)).Models.Single(m => m.Name == "tiny").Adapters))
            await Task.Delay(2, Test);
    }
}
