using System.Collections.Concurrent;
using System.Diagnostics;
using CorrMesh.Features.Execution;
using CorrMesh.Features.Store;
using CorrMesh.Features.Tests.Support;
using CorrMesh.Hosting;
using CorrMesh.Hosting.Data;
using CorrMesh.Models;
using CorrMesh.Protos.Common.V1;
using CorrMesh.Protos.Features.V1;
using CorrMesh.TestKit;
using CorrMesh.Vision.Adapters;
using CorrMesh.Vision.Features;
using Google.Protobuf;
using Grpc.Net.Client;
using Microsoft.Extensions.DependencyInjection;
using TorchSharp;
using Xunit;
using Contract = CorrMesh.Protos.Features.V1.FeatureService;

namespace CorrMesh.Features.Tests;

/// <summary>The real network, small; adapters published again and again under one name while requests run.</summary>
[Collection(LiveTensors.Collection)]
public sealed class AdapterSwapTests
{
    private const int Swaps = 1000, Contents = 6, Pictures = 40, Tokens = 8;

    private static CancellationToken Test => TestContext.Current.CancellationToken;

    // Goal: no answer is stale and none mixes weights: a request begun after the service lists an adapter's new content is answered by it (or by a newer one), and every
    // reply's values are those of the digest that it names. Method: two hosts share a data directory and a Redis; one thread publishes a content of six after another
    // through the operator's own import, and asks both hosts once they list it; clients ask all the while and check against the contents that were current between their
    // request and its reply. Memory holds a part of the maps only and Redis keeps them for seconds, so that memory, Redis and network answer all the time.
    [Fact]
    public async Task Swap_AThousandTimesUnderOneName_NoAnswerIsStale()
    {
        using var data = new TestData();
        using RedisServer redis = RedisServer.Start();
        data.AddModelFile("tiny", RandomNetwork.Write(data.PathOf("tiny.safetensors")), 14, 48, 3, 3, Tokens);
        var builtIn = new DataDirectory(data.PathOf("built-in"));
        string[] files = [.. Enumerable.Range(0, Contents).Select(i => WriteAdapter(data.PathOf($"adapter-{i}.safetensors"), seed: i))];
        string[] digests = [.. files.Select(TestData.DigestOf)];
        byte[][] pictures = [.. Enumerable.Range(0, Pictures).Select(seed => Make.Png(48, 32, seed))];
        Dictionary<(string Digest, int Picture), ByteString> expected = await ReferencesAsync(data, files);

        ModelImport.AddAdapter(builtIn, data.Layout, "tuned", files[0], "tiny");
        await using var first = await Host.StartAsync(data, redis);
        await using var second = await Host.StartAsync(data, redis);
        Host[] hosts = [first, second];
        int published = 0, requests = 0;   // the contents' turn is its number modulo their count
        var wrong = new ConcurrentQueue<string>();
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(Test);

        async Task AskAsync(Host host, int picture)
        {
            int from = host.Listed;
            ExtractFeaturesResponse reply = await host.Client.ExtractFeaturesAsync(
                new ExtractFeaturesRequest { Source = Make.Source(pictures[picture]), Spec = new FeatureSpec { Adapter = "tuned" }, ReturnValues = DataType.F16 }, cancellationToken: Test);
            int to = Volatile.Read(ref published);
            Interlocked.Increment(ref requests);
            string digest = reply.Reference.Identity.AdapterDigest;
            if (!Enumerable.Range(from, to - from + 1).Any(turn => digests[turn % Contents] == digest)) wrong.Enqueue($"stale: {digest} is of none of the turns {from} to {to}");
            if (!expected[(digest, picture)].Equals(reply.Values.Data)) wrong.Enqueue($"values are not those of {digest}, picture {picture}");
        }

        async Task KeepAskingAsync(Host host, int seed)
        {
            var random = new Random(seed);
            while (!ending.IsCancellationRequested) await AskAsync(host, random.Next(Pictures));
        }

        Task[] clients = [.. hosts.SelectMany((host, i) => new[] { KeepAskingAsync(host, i), KeepAskingAsync(host, 10 + i) })];
        long started = Stopwatch.GetTimestamp();
        long tensors = 0;
        for (int turn = 1; turn <= Swaps; turn++)
        {
            Volatile.Write(ref published, turn);
            ModelImport.AddAdapter(builtIn, data.Layout, "tuned", files[turn % Contents], "tiny");
            foreach (Host host in hosts)
            {
                await host.ListsAsync(digests[turn % Contents]);
                host.Listed = turn;
            }

            await Task.WhenAll(hosts.Select(host => AskAsync(host, turn % Pictures)));
            if (turn == 50) tensors = torch.Tensor.TotalCount;
        }

        TimeSpan took = Stopwatch.GetElapsedTime(started);
        await ending.CancelAsync();
        await Task.WhenAll(clients);
        int stale = wrong.Count(line => line.StartsWith("stale", StringComparison.Ordinal));
        FeatureStoreStatistics[] statistics = [.. hosts.Select(host => host.Statistics)];
        TestContext.Current.TestOutputHelper!.WriteLine(
            $"{Swaps} swaps, {requests} requests, {stale} stale, {wrong.Count - stale} with other values; {statistics.Sum(s => s.MemoryHits)} from memory, "
            + $"{statistics.Sum(s => s.RedisHits)} from Redis, {statistics.Sum(s => s.Computed)} computed; {took.TotalSeconds:0.0} s");
        Assert.Empty(wrong);
        Assert.All(statistics, s => Assert.True(s is { MemoryHits: > 0, Redis: RedisState.Up, RedisCorrupt: 0 }));
        Assert.True(statistics.Sum(s => s.RedisHits) > 0 && statistics.Sum(s => s.Computed) > 0);
        // What is alive is the networks and at most two adapters each; in turn 50 it was those and the tensors of requests that ran.
        Assert.InRange(torch.Tensor.TotalCount, 1, tensors);
    }

    // The network alone, one image at a time as the hosts are told to: rounded to fp16, as it is served.
    private static async Task<Dictionary<(string, int), ByteString>> ReferencesAsync(TestData data, string[] files)
    {
        var references = new Dictionary<(string, int), ByteString>();
        using var engine = new TorchFeatureEngine(new FeatureOptions { Threads = 1 });
        ModelEntry model = data.Catalog().Model("tiny");
        foreach (string file in files)
        {
            var adapter = new AdapterEntry("tuned", TestData.DigestOf(file), file);
            for (int seed = 0; seed < Pictures; seed++)
            {
                ExtractionRequest request = Make.Request(Make.Picture(48, 32, seed), Make.Spec(Tokens, model: model, adapter: adapter));
                FeatureMap map = (await engine.ExtractAsync([request], Test))[0];
                references.Add((adapter.Digest, seed), WireTensors.Encode(map.Values, DataType.F16, map.Y.Count, map.X.Count, map.Channels)!.Data);
            }
        }

        Assert.Equal(references.Count, references.Values.Distinct().Count());
        return references;
    }

    private static string WriteAdapter(string path, int seed)
    {
        var random = new Random(seed);
        float[] Values(int count) => [.. Enumerable.Range(0, count).Select(_ => (float)random.NextDouble() - 0.5f)];
        AdapterFile.Write(path, new Vision.Adapters.Adapter(48, 2, [new(Values(96), Values(96), Values(96), Values(96))], []));
        return path;
    }

    /// <summary>A features process, but for the process.</summary>
    private sealed class Host : IAsyncDisposable
    {
        private readonly Mesh mesh;
        private readonly GrpcChannel channel;
        private int listed;

        private Host(Mesh mesh)
        {
            this.mesh = mesh;
            channel = GrpcChannel.ForAddress(mesh.Endpoints[0].Grpc);
            Client = new Contract.FeatureServiceClient(channel);
        }

        public Contract.FeatureServiceClient Client { get; }

        /// <summary>The last turn that it was seen to list.</summary>
        public int Listed
        {
            get => Volatile.Read(ref listed);
            set => Volatile.Write(ref listed, value);
        }

        public FeatureStoreStatistics Statistics => FeatureStoreStatistics.Of(
            Part<FeatureStore>(), Part<RedisTier>(), Part<FeatureMetrics>());

        public static async Task<Host> StartAsync(TestData data, RedisServer redis)
        {
            Mesh mesh = await Mesh.StartAsync(
                FeatureHost.Settings(
                    ("CorrMesh:Data:Directory", data.Root), ("CorrMesh:Data:WatchInterval", "00:00:00.005"), ("CorrMesh:Features:DefaultModel", "tiny"), ("CorrMesh:Redis:Address", redis.Address), ("CorrMesh:Redis:TimeToLive", "00:00:05"),
                    ("CorrMesh:Features:BatchCount", "1"), ("CorrMesh:Features:Threads", "1"), ("CorrMesh:Features:LoadedAdapters", "2"), ("CorrMesh:Features:StoreBytes", $"{1 << 20}")),
                [new FeaturesModule()], cancellationToken: Test);
            var host = new Host(mesh);
            await Eventually.HoldsAsync(() => host.Statistics.Redis == RedisState.Up, "Redis is found");
            return host;
        }

        public async Task ListsAsync(string digest)
        {
            while ((await Client.ListModelsAsync(new ListModelsRequest(), cancellationToken: Test)).Models.Single(m => m.Name == "tiny").Adapters.Single().Digest != digest)
                await Task.Delay(2, Test);
        }

        public async ValueTask DisposeAsync()
        {
            channel.Dispose();
            await mesh.DisposeAsync();
        }

        private T Part<T>()
            where T : notnull => mesh.ServicesOf(MeshTopology.Features).GetRequiredService<T>();
    }
}
