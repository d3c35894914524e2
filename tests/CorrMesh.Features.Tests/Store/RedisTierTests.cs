using System.Diagnostics;
using CorrMesh.Features.Store;
using CorrMesh.Features.Tests.Support;
using CorrMesh.Hosting;
using CorrMesh.Hosting.Errors;
using CorrMesh.Protos.Common.V1;
using CorrMesh.Protos.Features.V1;
using CorrMesh.TestKit;
using CorrMesh.Vision.Features;
using Grpc.Core;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;
using static CorrMesh.Features.Tests.Support.RedisHosts;

namespace CorrMesh.Features.Tests.Store;

/// <summary>The service in front of a real redis-server: what processes share through it, and what that costs.</summary>
public sealed class RedisTierTests
{
    private static CancellationToken Test => TestContext.Current.CancellationToken;

    // Goal: what one process computed the next one takes, bit for bit, by image and by key; and neither asks twice.
    [Fact]
    public async Task Extract_ComputedElsewhere_ComesFromRedisBitEqual()
    {
        using RedisServer redis = RedisServer.Start();
        await using FeatureHost first = await StartAsync(redis), second = await StartAsync(redis), third = await StartAsync(redis);
        ExtractFeaturesResponse computed = await ExtractAsync(first, 1, adapter: "tuned");
        await WrittenAsync(redis, computed);

        ExtractFeaturesResponse shared = await ExtractAsync(second, 1, adapter: "tuned"), byKey = await ByKeyAsync(third, computed.Reference.FeaturesKey);
        Assert.Equal((computed.Values, computed.Reference), (shared.Values, shared.Reference));
        Assert.Equal((computed.Values, computed.Reference), (byKey.Values, byKey.Reference));
        Assert.Equal((1, 0, 0), (first.Engine.ImageCount, second.Engine.ImageCount, third.Engine.ImageCount));
        Assert.True(shared.Timings.CacheNs > 0);
        Assert.Equal((0, 0, 0), (shared.Timings.DecodeNs, shared.Timings.QueueNs, shared.Timings.ComputeNs));

        Assert.Equal(computed.Values, (await ExtractAsync(second, 1, adapter: "tuned")).Values);
        FeatureStoreStatistics statistics = Statistics(second);
        Assert.Equal((1, 1, 0, RedisState.Up, 1), (statistics.MemoryHits, statistics.RedisHits, statistics.Computed, statistics.Redis, statistics.MemoryCount));
        Assert.Equal((0, 0, 1), (Statistics(first).MemoryHits, Statistics(first).RedisHits, Statistics(first).Computed));
    }

    [Fact]
    public async Task Extract_KeyThatIsNowhere_HasExpired()
    {
        using RedisServer redis = RedisServer.Start();
        await using FeatureHost host = await StartAsync(redis);
        var request = new ExtractFeaturesRequest { Source = Make.Key(new string('1', 64)) };
        RpcException error = await host.Client.ExtractFeaturesAsync(request, cancellationToken: Test).FailsAsync(StatusCode.FailedPrecondition);
        Assert.True(error.IsFeaturesExpired());
    }

    [Fact]
    public async Task Put_AMap_IsKeptForItsTimeToLive()
    {
        using RedisServer redis = RedisServer.Start();
        await using FeatureHost host = await StartAsync(redis, ("CorrMesh:Redis:TimeToLive", "00:10:00"), ("CorrMesh:Redis:KeyPrefix", "other:"));
        string key = (await ExtractAsync(host, 1)).Reference.FeaturesKey;
        await Eventually.HoldsAsync(() => redis.Text("EXISTS", "other:" + key) == "1", "the map is written");
        Assert.InRange(int.Parse(redis.Text("TTL", "other:" + key)), 1, 600);
    }

    // Goal: what waits to be written is bounded, whatever Redis does. Method: maps of half a mebibyte while it is paused.
    [Fact]
    public async Task Put_MoreThanTheQueueHolds_DropsTheRest()
    {
        using RedisServer redis = RedisServer.Start();
        using var metrics = new FeatureMetrics();
        await using var tier = new RedisTier(new RedisOptions { Address = redis.Address, WriteQueueBytes = 1 << 20, ValueBytes = 1 << 20 }, metrics, NullLogger<RedisTier>.Instance);
        await Eventually.HoldsAsync(() => tier.State == RedisState.Up, "Redis is found");
        redis.Call("CLIENT", "PAUSE", "1000", "ALL");
        StoredMap map = Sized(400_000);
        for (int i = 0; i < 10; i++) tier.Put(map with { Key = new string((char)('a' + i % 6), 64) });
        Assert.Equal(8, metrics.RedisDrops);
        Assert.InRange(tier.QueuedBytes, 800_000, 1 << 20);
        await Eventually.HoldsAsync(() => tier.QueuedBytes == 0, "the queue empties");
        tier.Put(Sized(1 << 20));
        Assert.Equal((9, 0), (metrics.RedisDrops, tier.QueuedBytes));
    }

    // Goal: the layout is the documented one, so that any language reads it. Method: a Python script that knows nothing but the document, against what the service answered.
    [Theory]
    [InlineData("")]
    [InlineData("a key of the mesh's own")]
    public async Task Read_FromPython_GivesWhatTheServiceAnswers(string signingKey)
    {
        using RedisServer redis = RedisServer.Start();
        await using FeatureHost host = await StartAsync(redis, ("CorrMesh:Redis:SigningKey", signingKey));
        var request = new ExtractFeaturesRequest
        {
            Source = Make.Source(96, 64, 3),
            Spec = new FeatureSpec { Adapter = "tuned", RegionOfInterest = new Rectangle { X = 5, Y = 6, Width = 70, Height = 40 } },
            ReturnValues = DataType.F32,
        };
        ExtractFeaturesResponse answer = await host.Client.ExtractFeaturesAsync(request, cancellationToken: Test);
        await WrittenAsync(redis, answer);
        using TempFile values = new(""), key = new(signingKey + "\n");
        int[] shape = [.. answer.Values.Shape.Select(size => (int)size)];
        NpyFile.Write(values.Path, System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(answer.Values.Data.Span), shape);
        string script = Path.Combine(Checkout.Root, "tests", "clients", "python", "read_feature_map.py");
        string[] signing = signingKey.Length == 0 ? [] : ["--signing-key-file", key.Path];
        using Process python = Process.Start(new ProcessStartInfo(
            "/usr/bin/python3", [script, redis.Address, answer.Reference.FeaturesKey, "--expect", values.Path, .. signing])
        { RedirectStandardOutput = true, RedirectStandardError = true })!;
        string output = await python.StandardOutput.ReadToEndAsync(Test) + await python.StandardError.ReadToEndAsync(Test);
        await python.WaitForExitAsync(Test);
        Assert.True(python.ExitCode == 0, output);
        Assert.Contains("to the bit", output, StringComparison.Ordinal);
        string[] about =
        [
            $"{shape[0]} x {shape[1]} tokens, 12 channels", "image_size: (96, 64)", "region: (5, 6, 70, 40)", "model: tiny", "adapter: tuned",
            $"model_digest: {answer.Reference.Identity.ModelDigest}", $"adapter_digest: {answer.Reference.Identity.AdapterDigest}", $"numerics: {FeatureKey.NumericsRevision}",
        ];
        Assert.All(about, line => Assert.Contains(line, output, StringComparison.Ordinal));
    }

    // Goal: what the tier adds to a request, as numbers to look at. Method: maps of the built-in model's and of a ViT-B's size, straight from the tier, with Redis there,
    // killed and paused; what is asserted is that every look-up gives the map or nothing.
    [Theory]
    [InlineData("40 x 30 tokens, 192 channels", 40, 30, 192)]
    [InlineData("80 x 60 tokens, 768 channels", 80, 60, 768)]
    public async Task Find_UpKilledAndPaused_TakesTheTimesPrinted(string what, int columns, int rows, int channels)
    {
        using RedisServer redis = RedisServer.Start();
        using var metrics = new FeatureMetrics();
        await using var tier = new RedisTier(new RedisOptions { Address = redis.Address }, metrics, NullLogger<RedisTier>.Instance);
        await Eventually.HoldsAsync(() => tier.State == RedisState.Up, "Redis is found");
        var random = new Random(1);
        float[] values = [.. Enumerable.Range(0, columns * rows * channels).Select(_ => (float)(Half)(random.NextDouble() - 0.5))];
        StoredMap map = Make.Map() with { Map = new FeatureMap(96, 64, new TokenAxis(columns, 0.1f, -0.5f), new TokenAxis(rows, 0.1f, -0.5f), channels, values) };
        tier.Put(map);
        await Eventually.HoldsAsync(() => tier.QueuedBytes == 0, "the map is written");

        async Task<string> TimeAsync(string state, int count, bool isThere)
        {
            var times = new double[count];
            for (int i = 0; i < count; i++)
            {
                long started = Stopwatch.GetTimestamp();
                StoredMap? found = await tier.FindAsync(map.Key, Test);
                times[i] = Stopwatch.GetElapsedTime(started).TotalMilliseconds;
                if (found is null) Assert.False(isThere && metrics.RedisFailures == 0, "no map, and no failure");
                else Assert.Equal(map.Map.Values, found.Map.Values);
            }

            Array.Sort(times);
            return $"{state} median {times[count / 2]:0.000} ms, 90 % {times[count * 9 / 10]:0.000} ms, sum of {count} {times.Sum():0} ms";
        }

        string up = await TimeAsync("up", 60, isThere: true);
        redis.Call("CLIENT", "PAUSE", "5000", "ALL");
        string paused = await TimeAsync("paused", 60, isThere: false);
        redis.Kill();
        await Eventually.HoldsAsync(() => tier.State == RedisState.Down, "the loss is seen");
        string killed = await TimeAsync("killed", 60, isThere: false);
        TestContext.Current.TestOutputHelper!.WriteLine($"{what} ({MapFormat.SizeOf(map) / 1e6:0.00} MB): {up}; {paused}; {killed}");
    }

    [Fact]
    public async Task Find_Off_SaysNothingAndCostsNothing()
    {
        using var metrics = new FeatureMetrics();
        await using var tier = new RedisTier(new RedisOptions(), metrics, NullLogger<RedisTier>.Instance);
        Assert.Null(await tier.FindAsync(new string('a', 64), Test));
        tier.Put(Make.Map());
        Assert.Equal((RedisState.Off, 0, 0), (tier.State, tier.QueuedBytes, metrics.RedisDrops));
    }

    [Theory]
    [InlineData("Address", "nowhere", "Address: HOST:PORT needed, 'nowhere' given")]
    [InlineData("Address", "host:0", "Address: HOST:PORT needed, 'host:0' given")]
    [InlineData("Address", "user:secret@host:1", "Address: HOST:PORT needed")]
    [InlineData("Budget", "00:01:00", "Budget")]
    [InlineData("ValueBytes", "10", "ValueBytes")]
    [InlineData("PasswordFile", "/nowhere/at/all", "PasswordFile: a file that can be read needed, '/nowhere/at/all' given")]
    [InlineData("TlsAuthority", "/etc/hostname", "TlsAuthority: allowed with Tls only")]
    [InlineData("SigningKey", "too short", "SigningKey: at least 16 bytes needed, 9 given")]
    [InlineData("Addres", "host:1", "Addres")]
    public async Task Start_OptionOutOfBounds_IsRefusedByName(string key, string value, string fault)
    {
        var error = await Assert.ThrowsAsync<MeshConfigurationException>(() => FeatureHost.StartAsync(($"CorrMesh:Redis:{key}", value)));
        Assert.Contains($"CorrMesh:Redis", Assert.Single(error.Faults), StringComparison.Ordinal);
        Assert.Contains(fault, error.Faults[0], StringComparison.Ordinal);
        if (key == "SigningKey") Assert.DoesNotContain(value, error.Faults[0], StringComparison.Ordinal);
    }

    private static async Task<ExtractFeaturesResponse> ByKeyAsync(FeatureHost host, string key) => await host.Client.ExtractFeaturesAsync(
        new ExtractFeaturesRequest { Source = Make.Key(key), ReturnValues = DataType.F32 }, cancellationToken: Test);

    private static StoredMap Sized(int bytes)
    {
        int channels = bytes / 2 / 100;
        var axis = new TokenAxis(10, 0.1f, -0.5f);
        StoredMap map = Make.Map();
        return map with { Map = new FeatureMap(96, 64, axis, axis, channels, new float[100 * channels]) };
    }
}
