using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using CorrMesh.Features.Store;
using CorrMesh.Features.Tests.Support;
using CorrMesh.Hosting.Errors;
using CorrMesh.Protos.Features.V1;
using CorrMesh.TestKit;
using Grpc.Core;
using Xunit;
using static CorrMesh.Features.Tests.Support.RedisHosts;

namespace CorrMesh.Features.Tests.Store;

/// <summary>The service in front of a redis-server that is down, slow, full or flushed, or holds what is no map.</summary>
public sealed class RedisFaultTests
{
    private static CancellationToken Test => TestContext.Current.CancellationToken;

    // Goal: a value that is not what it should be changes no answer: it is computed anew and written over. Method: each kind of damage done to a true value by hand.
    [Theory]
    [InlineData("flipped bit")]
    [InlineData("truncated")]
    [InlineData("longer")]
    [InlineData("oversized")]
    [InlineData("garbage")]
    [InlineData("another key's")]
    [InlineData("list")]
    [InlineData("hash")]
    public async Task Extract_DamagedValue_IsComputedAndOverwritten(string damage)
    {
        using RedisServer redis = RedisServer.Start();
        await using FeatureHost first = await StartAsync(redis), second = await StartAsync(redis, ("CorrMesh:Redis:ValueBytes", $"{1 << 20}"));
        ExtractFeaturesResponse expected = await ExtractAsync(first, 1), other = await ExtractAsync(first, 2);
        await WrittenAsync(redis, expected);
        await WrittenAsync(redis, other);
        string name = NameOf(expected);
        byte[] good = redis.Call("GET", name), flipped = [.. good];
        flipped[good.Length / 2] ^= 4;
        redis.Call("DEL", name);
        switch (damage)
        {
            case "list": redis.Call("RPUSH", name, "x"); break;
            case "hash": redis.Call("HSET", name, "x", "y"); break;
            default:
                redis.Call("SET", name, damage switch
                {
                    "flipped bit" => flipped,
                    "truncated" => good[..^1],
                    "longer" => [.. good, 0],
                    "oversized" => new byte[(1 << 20) + 1],
                    "garbage" => "\xFF\0"u8.ToArray(),
                    _ => redis.Call("GET", NameOf(other)),
                });
                break;
        }

        ExtractFeaturesResponse answer = await ExtractAsync(second, 1);
        Assert.Equal((expected.Values, expected.Reference), (answer.Values, answer.Reference));
        Assert.Equal(1, second.Engine.ImageCount);
        Assert.Equal((0, 1), (Statistics(second).RedisHits, Statistics(second).RedisCorrupt));
        await Eventually.HoldsAsync(() => redis.Text("TYPE", name) == "string" && redis.Call("GET", name).AsSpan().SequenceEqual(good), "the good value is back");
    }

    [Fact]
    public async Task Extract_ByKeyOfADamagedValue_HasExpired()
    {
        using RedisServer redis = RedisServer.Start();
        await using FeatureHost host = await StartAsync(redis);
        string key = new('2', 64);
        redis.Call("SET", "corrmesh:map:" + key, "damaged");
        var request = new ExtractFeaturesRequest { Source = Make.Key(key) };
        Assert.True((await host.Client.ExtractFeaturesAsync(request, cancellationToken: Test).FailsAsync(StatusCode.FailedPrecondition)).IsFeaturesExpired());
    }

    [Fact]
    public async Task Extract_Flushed_IsComputedAndWrittenAgain()
    {
        using RedisServer redis = RedisServer.Start();
        await using FeatureHost first = await StartAsync(redis), second = await StartAsync(redis);
        ExtractFeaturesResponse expected = await ExtractAsync(first, 1);
        await WrittenAsync(redis, expected);
        redis.Call("FLUSHALL");
        Assert.Equal(expected.Values, (await ExtractAsync(second, 1)).Values);
        await WrittenAsync(redis, expected);
    }

    // Goal: a Redis that is not there yet stops nobody, and is used as soon as it is. Method: start the service on the port of one that was killed.
    [Fact]
    public async Task Start_RedisDown_ServesAtOnceAndUsesItWhenItComes()
    {
        using RedisServer redis = RedisServer.Start();
        redis.Kill();
        var log = new RecordedLog();
        await using FeatureHost host = await FeatureHost.StartAsync(null, log.AddTo, Settings(redis.Address));
        Assert.Equal(Expected(1), (await ExtractAsync(host, 1)).Values.Data);
        Assert.Equal(RedisState.Down, Statistics(host).Redis);
        await Eventually.HoldsAsync(() => log.Count(Lost) == 1, "the loss is logged");
        redis.Start();
        await Eventually.HoldsAsync(() => Statistics(host).Redis == RedisState.Up, "Redis is found");
        await WrittenAsync(redis, await ExtractAsync(host, 2));
        Assert.Equal((1, 1), (log.Count(Lost), log.Count(Back)));
    }

    [Fact]
    public async Task Extract_KilledAndRestarted_AnswersAndConnectsAgain()
    {
        using RedisServer redis = RedisServer.Start();
        var log = new RecordedLog();
        await using FeatureHost host = await FeatureHost.StartAsync(null, log.AddTo, Settings(redis.Address));
        await UpAsync(host);
        (int lost, int back) = (log.Count(Lost), log.Count(Back));   // a busy machine can take longer to connect than is waited for
        await WrittenAsync(redis, await ExtractAsync(host, 1));
        redis.Kill();
        for (int seed = 2; seed < 22; seed++) Assert.Equal(Expected(seed), (await ExtractAsync(host, seed)).Values.Data);
        await Eventually.HoldsAsync(() => Statistics(host).Redis == RedisState.Down, "the loss is seen");
        redis.Start();
        await UpAsync(host);
        await WrittenAsync(redis, await ExtractAsync(host, 30));
        Assert.Equal((1, 1), (log.Count(Lost) - lost, log.Count(Back) - back));
    }

    // Goal: a Redis that has stopped answering costs a few requests their budget and the others nothing. Method: 20 different pictures while all its clients are paused;
    // attempts are counted, for the circuit does not let any through once it is open, and it stays open for the test.
    [Fact]
    public async Task Extract_Paused_AnswersWithinTheBudgetAndThenWithoutAsking()
    {
        using RedisServer redis = RedisServer.Start();
        var log = new RecordedLog();
        await using FeatureHost host = await FeatureHost.StartAsync(null, log.AddTo, [.. Settings(redis.Address), ("CorrMesh:Redis:Pause", "00:05:00")]);
        await UpAsync(host);
        int lost = log.Count(Lost);
        redis.Call("CLIENT", "PAUSE", "20000", "ALL");
        long started = Stopwatch.GetTimestamp();
        for (int seed = 1; seed <= 20; seed++) Assert.Equal(Expected(seed), (await ExtractAsync(host, seed)).Values.Data);
        TimeSpan took = Stopwatch.GetElapsedTime(started);
        TestContext.Current.TestOutputHelper!.WriteLine($"20 calls with Redis paused: {took.TotalMilliseconds:0} ms");
        Assert.InRange(Statistics(host).RedisFailures, 3, 8);
        Assert.Equal(RedisState.Down, Statistics(host).Redis);
        Assert.Equal(1, log.Count(Lost) - lost);
        Assert.True(took < TimeSpan.FromSeconds(20), $"{took}: as long as Redis was paused");
    }

    [Fact]
    public async Task Extract_PausedAndBack_IsUsedAgain()
    {
        using RedisServer redis = RedisServer.Start();
        await using FeatureHost host = await StartAsync(redis, ("CorrMesh:Redis:Pause", "00:00:00.5"));
        redis.Call("CLIENT", "PAUSE", "1500", "ALL");
        int seed = 0;
        while (Statistics(host).Redis == RedisState.Up) Assert.Equal(Expected(++seed), (await ExtractAsync(host, seed)).Values.Data);
        while (Statistics(host).Redis == RedisState.Down)
        {
            Assert.Equal(Expected(++seed), (await ExtractAsync(host, seed)).Values.Data);
            await Task.Delay(20, Test);
        }

        await WrittenAsync(redis, await ExtractAsync(host, ++seed));
    }

    [Fact]
    public async Task Extract_SocketThatNeverAnswers_Answers()
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        await using FeatureHost host = await FeatureHost.StartAsync(Settings($"127.0.0.1:{((IPEndPoint)silent.LocalEndpoint).Port}"));
        for (int seed = 1; seed <= 20; seed++) Assert.Equal(Expected(seed), (await ExtractAsync(host, seed)).Values.Data);
        Assert.Equal(RedisState.Down, Statistics(host).Redis);
    }

    // Goal: a full Redis refuses writes and still answers reads; said once, and taken back once there is room.
    [Fact]
    public async Task Put_Full_IsDroppedAndReadsGoOn()
    {
        using RedisServer redis = RedisServer.Start();
        await using FeatureHost first = await StartAsync(redis);
        ExtractFeaturesResponse there = await ExtractAsync(first, 1);
        await WrittenAsync(redis, there);
        redis.Call("CONFIG", "SET", "maxmemory", "1");
        var log = new RecordedLog();
        await using FeatureHost second = await FeatureHost.StartAsync(null, log.AddTo, Settings(redis.Address));
        await UpAsync(second);
        for (int seed = 2; seed < 12; seed++) Assert.Equal(Expected(seed), (await ExtractAsync(second, seed)).Values.Data);
        Assert.Equal(there.Values, (await ExtractAsync(second, 1)).Values);
        await Eventually.HoldsAsync(() => Statistics(second).RedisDropped == 10, "ten maps are dropped");
        Assert.Equal((1, RedisState.Up, 1), (Statistics(second).RedisHits, Statistics(second).Redis, log.Count(Refuses)));
        redis.Call("CONFIG", "SET", "maxmemory", "0");
        await WrittenAsync(redis, await ExtractAsync(second, 20));
        await Eventually.HoldsAsync(() => log.Count(Accepts) == 1, "the end of it is logged");
    }
}
