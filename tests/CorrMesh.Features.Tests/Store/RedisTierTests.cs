using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using CorrMesh.Features.Store;
using CorrMesh.Features.Tests.Support;
using CorrMesh.Hosting;
using CorrMesh.Hosting.Errors;
using CorrMesh.Protos.Common.V1;
using CorrMesh.Protos.Features.V1;
using CorrMesh.TestKit;
using CorrMesh.Vision.Features;
using Grpc.Core;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace CorrMesh.Features.Tests.Store;

/// <summary>The service in front of a real redis-server, and of all that may be wrong with one.</summary>
public sealed class RedisTierTests
{
    private const int Lost = 2010, Back = 2011, Refuses = 2012, Accepts = 2013;

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
        await WrittenAsync(redis, await ExtractAsync(host, 1));
        redis.Kill();
        for (int seed = 2; seed < 22; seed++) Assert.Equal(Expected(seed), (await ExtractAsync(host, seed)).Values.Data);
        await Eventually.HoldsAsync(() => Statistics(host).Redis == RedisState.Down, "the loss is seen");
        redis.Start();
        await UpAsync(host);
        await WrittenAsync(redis, await ExtractAsync(host, 30));
        Assert.Equal((1, 2), (log.Count(Lost), log.Count(Back)));
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
        redis.Call("CLIENT", "PAUSE", "20000", "ALL");
        long started = Stopwatch.GetTimestamp();
        for (int seed = 1; seed <= 20; seed++) Assert.Equal(Expected(seed), (await ExtractAsync(host, seed)).Values.Data);
        TimeSpan took = Stopwatch.GetElapsedTime(started);
        TestContext.Current.TestOutputHelper!.WriteLine($"20 calls with Redis paused: {took.TotalMilliseconds:0} ms");
        Assert.InRange(Statistics(host).RedisFailures, 3, 8);
        Assert.Equal(RedisState.Down, Statistics(host).Redis);
        Assert.Equal(1, log.Count(Lost));
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

    [Fact]
    public async Task Connect_WithPassword_IsUsedAndAWrongOneSaysSoWithoutShowingIt()
    {
        using RedisServer redis = RedisServer.Start("--requirepass", "open-sesame");
        using var file = new TempFile("open-sesame\n");
        foreach ((string key, string value) in new[] { ("Password", "open-sesame"), ("PasswordFile", file.Path) })
        {
            await using FeatureHost host = await FeatureHost.StartAsync([.. Settings(redis.Address), ($"CorrMesh:Redis:{key}", value)]);
            await UpAsync(host);
        }

        var log = new RecordedLog();
        await using FeatureHost wrong = await FeatureHost.StartAsync(null, log.AddTo, [.. Settings(redis.Address), ("CorrMesh:Redis:Password", "wrong-guess")]);
        await Eventually.HoldsAsync(() => log.Count(Lost) == 1, "the refusal is logged");
        Assert.Equal(Expected(1), (await ExtractAsync(wrong, 1)).Values.Data);
        Assert.Equal(RedisState.Down, Statistics(wrong).Redis);
        Assert.DoesNotContain(log.Lines, line => line.Text.Contains("wrong-guess", StringComparison.Ordinal));
        Assert.Contains(log.Lines, line => line.Id == Lost && line.Text.Contains("auth", StringComparison.OrdinalIgnoreCase));
    }

    // Goal: an ACL user needs no more than reading and writing under the prefix, and one that may only read still reads.
    [Fact]
    public async Task Connect_AsAclUser_NeedsLittleAndDoesWhatItMay()
    {
        using RedisServer redis = RedisServer.Start();
        redis.Call("ACL", "SETUSER", "mesh", "on", ">meshpass", "~corrmesh:*", "+getrange", "+setex", "+ping", "+echo", "+hello", "+client", "+select");
        redis.Call("ACL", "SETUSER", "reader", "on", ">readpass", "~corrmesh:*", "+getrange", "+ping", "+echo", "+hello", "+client", "+select");
        await using FeatureHost mesh = await FeatureHost.StartAsync([.. Settings(redis.Address), ("CorrMesh:Redis:User", "mesh"), ("CorrMesh:Redis:Password", "meshpass")]);
        await UpAsync(mesh);
        ExtractFeaturesResponse computed = await ExtractAsync(mesh, 1);
        await WrittenAsync(redis, computed);
        var log = new RecordedLog();
        await using FeatureHost reader = await FeatureHost.StartAsync(
            null, log.AddTo, [.. Settings(redis.Address), ("CorrMesh:Redis:User", "reader"), ("CorrMesh:Redis:Password", "readpass")]);
        await UpAsync(reader);
        Assert.Equal(computed.Values, (await ExtractAsync(reader, 1)).Values);
        Assert.Equal(0, reader.Engine.ImageCount);
        await ExtractAsync(reader, 2);
        await Eventually.HoldsAsync(() => log.Count(Refuses) == 1, "the refused write is logged");
        Assert.Equal(0, mesh.ServiceOf<FeatureMetrics>().RedisFailures);
    }

    // Goal: the connection is encrypted and the server is who it says. Method: certificates made here; the right authority, another one, and another name.
    [Theory]
    [InlineData("127.0.0.1", true, RedisState.Up)]
    [InlineData("127.0.0.1", false, RedisState.Down)]
    [InlineData("127.0.0.2", true, RedisState.Down)]
    public async Task Connect_WithTls_ChecksAuthorityAndName(string name, bool rightAuthority, RedisState expected)
    {
        using X509Certificate2 authority = Authority(), other = Authority(), certificate = Issue(authority, IPAddress.Parse(name));
        using TempFile authorityFile = new((rightAuthority ? authority : other).ExportCertificatePem()), certificateFile = new(certificate.ExportCertificatePem()),
            keyFile = new(certificate.GetRSAPrivateKey()!.ExportPkcs8PrivateKeyPem());
        using RedisServer redis = RedisServer.Start(
            "--port", "0", "--tls-port", "{port}", "--tls-cert-file", certificateFile.Path, "--tls-key-file", keyFile.Path, "--tls-ca-cert-file", certificateFile.Path, "--tls-auth-clients", "no");
        var log = new RecordedLog();
        await using FeatureHost host = await FeatureHost.StartAsync(
            null, log.AddTo, [.. Settings(redis.Address), ("CorrMesh:Redis:Tls", "true"), ("CorrMesh:Redis:TlsAuthority", authorityFile.Path)]);
        await Eventually.HoldsAsync(() => log.Count(Lost) + log.Count(Back) > 0, "the connection is made or refused");
        Assert.Equal(expected, Statistics(host).Redis);
        Assert.Equal(Expected(1), (await ExtractAsync(host, 1)).Values.Data);
    }

    // Goal: whoever can write to Redis but lacks the key cannot plant features. Method: the same map written by hosts with and without keys.
    [Fact]
    public async Task Extract_SigningKey_TakesOnlyWhatCarriesIt()
    {
        using RedisServer redis = RedisServer.Start();
        (string, string) ours = ("CorrMesh:Redis:SigningKey", "a key of the mesh's own"), others = ("CorrMesh:Redis:SigningKey", "a key of somebody else");
        await using FeatureHost writer = await StartAsync(redis, ours);
        ExtractFeaturesResponse computed = await ExtractAsync(writer, 1);
        await WrittenAsync(redis, computed);
        byte[] good = redis.Call("GET", NameOf(computed));
        foreach (((string, string)[] settings, bool isTaken) in new[] { (new[] { ours }, true), ([others], false), (Array.Empty<(string, string)>(), false) })
        {
            redis.Call("SET", NameOf(computed), good);
            await using FeatureHost reader = await StartAsync(redis, settings);
            Assert.Equal(computed.Values, (await ExtractAsync(reader, 1)).Values);
            Assert.Equal((isTaken ? 0 : 1, isTaken ? 0 : 1), (reader.Engine.ImageCount, Statistics(reader).RedisCorrupt));
        }
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

    private static (string Key, string Value)[] Settings(string address) => [("CorrMesh:Redis:Address", address)];

    private static async Task<FeatureHost> StartAsync(RedisServer redis, params (string Key, string Value)[] settings)
    {
        FeatureHost host = await FeatureHost.StartAsync([.. Settings(redis.Address), .. settings]);
        await UpAsync(host);
        return host;
    }

    private static Task UpAsync(FeatureHost host) => Eventually.HoldsAsync(() => Statistics(host).Redis == RedisState.Up, "Redis is found");

    private static FeatureStoreStatistics Statistics(FeatureHost host) =>
        FeatureStoreStatistics.Of(host.ServiceOf<FeatureStore>(), host.ServiceOf<RedisTier>(), host.ServiceOf<FeatureMetrics>());

    private static async Task<ExtractFeaturesResponse> ExtractAsync(FeatureHost host, int seed, string adapter = "") => await host.Client.ExtractFeaturesAsync(
        new ExtractFeaturesRequest { Source = Make.Source(96, 64, seed), Spec = new FeatureSpec { Adapter = adapter }, ReturnValues = DataType.F32 }, cancellationToken: Test);

    private static async Task<ExtractFeaturesResponse> ByKeyAsync(FeatureHost host, string key) => await host.Client.ExtractFeaturesAsync(
        new ExtractFeaturesRequest { Source = Make.Key(key), ReturnValues = DataType.F32 }, cancellationToken: Test);

    // What a service without any cache answers: the network's map, through fp16.
    private static Google.Protobuf.ByteString Expected(int seed) => WireTensors.Encode(Make.Map(96, 64, seed).Map.Values, DataType.F32, 10, 16, 12)!.Data;

    private static string NameOf(ExtractFeaturesResponse response) => "corrmesh:map:" + response.Reference.FeaturesKey;

    private static Task WrittenAsync(RedisServer redis, ExtractFeaturesResponse response) =>
        Eventually.HoldsAsync(() => redis.Text("EXISTS", NameOf(response)) == "1", "the map is written");

    private static StoredMap Sized(int bytes)
    {
        int channels = bytes / 2 / 100;
        var axis = new TokenAxis(10, 0.1f, -0.5f);
        StoredMap map = Make.Map();
        return map with { Map = new FeatureMap(96, 64, axis, axis, channels, new float[100 * channels]) };
    }

    private static X509Certificate2 Authority()
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=Test authority", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
    }

    private static X509Certificate2 Issue(X509Certificate2 authority, IPAddress address)
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=redis", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(address);
        request.CertificateExtensions.Add(names.Build());
        using X509Certificate2 issued = request.Create(authority, DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddHours(1), [1, 2, 3, 4]);
        return issued.CopyWithPrivateKey(key);
    }

    private sealed class TempFile : IDisposable
    {
        public TempFile(string content) => File.WriteAllText(Path, content);

        public string Path { get; } = System.IO.Path.GetTempFileName();

        public void Dispose() => File.Delete(Path);
    }
}
