using System.Collections.Concurrent;
using System.Diagnostics;
using CorrMesh.Features.Execution;
using CorrMesh.Gateway;
using CorrMesh.Hosting;
using CorrMesh.Hosting.Errors;
using CorrMesh.Hosting.Routing;
using CorrMesh.Matching;
using CorrMesh.Pose;
using CorrMesh.Protos.Features.V1;
using CorrMesh.Training;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace CorrMesh.Benchmarks.Mesh;

/// <summary>What several features processes are good for, and what too much work and impatient callers do; devices are simulated, everything else is real.</summary>
internal static class ReplicasBenchmark
{
    private const double DeviceMs = 50, SlowMs = 500;
    private const int Pictures = 300, Lookups = 3000;
    private const long StoreBytes = 24L << 20;
    private static readonly TimeSpan Measured = TimeSpan.FromSeconds(15);
    private static int next = 1_000_000;

    public static IReadOnlyList<BenchmarkRow> Run() => RunAsync().GetAwaiter().GetResult();

    private static async Task<IReadOnlyList<BenchmarkRow>> RunAsync()
    {
        double oneRatio, threeRatio, oneRate, threeRate;
        using (MeshProcesses one = MeshProcesses.Start(1, 0, Store(1))) oneRatio = await HitRatioAsync(one).ConfigureAwait(false);
        using (MeshProcesses three = MeshProcesses.Start(3, 0, Store(3))) threeRatio = await HitRatioAsync(three).ConfigureAwait(false);
        var rows = new List<BenchmarkRow>
        {
            new("lookups that miss: 3 features processes", "%", 100 * (1 - threeRatio), 100 * (1 - oneRatio), null, (1 - oneRatio + 0.02) / (1 - oneRatio), true,
                $"anchor: 1 process with as much memory; {Lookups} lookups among {Pictures} pictures, Zipf; bound: 2 points more; without Redis"),
        };

        (string, string)[] single = [("CorrMesh:Features:BatchCount", "1"), NoRedis];
        double oneP99;
        using (MeshProcesses one = MeshProcesses.Start(1, DeviceMs, single))
        {
            oneRate = await ThroughputAsync(one, 24).ConfigureAwait(false);
            rows.AddRange(await OverloadAsync(one, oneRate).ConfigureAwait(false));
        }

        using (MeshProcesses three = MeshProcesses.Start(3, DeviceMs, single))
        {
            threeRate = await ThroughputAsync(three, 72).ConfigureAwait(false);
            (oneP99, _) = await OthersAsync(three, SlowHome).ConfigureAwait(false);
            three.Slow(SlowHome, SlowMs);
            (double othersP99, int othersFailed) = await OthersAsync(three, SlowHome).ConfigureAwait(false);
            rows.Add(new("a slow process: p99 of calls to the others", "ms", othersP99, oneP99, null, 2, othersFailed == 0, $"anchor: before; one of 3 takes {SlowMs} ms an image for {DeviceMs} ms; 8 calls/s"));
        }

        rows.Insert(1, new("time for an image: 3 features processes", "ms", 1000 / threeRate, 1000 / oneRate, DeviceMs / 3, 1 / 2.7, true,
            $"anchor: 1 process; {DeviceMs} ms of device an image, all images new; {oneRate:F1} and {threeRate:F1} images/s, {threeRate / oneRate:F2}x"));
        rows.AddRange(await CancellationAsync().ConfigureAwait(false));
        return rows;
    }

    private static (string, string) NoRedis => ("CorrMesh:Redis:Address", "127.0.0.1:1");

    private static string SlowHome => "features-1";

    private static (string, string)[] Store(int replicas) => [("CorrMesh:Features:StoreBytes", $"{StoreBytes / replicas}"), NoRedis];

    private static FeatureService.FeatureServiceClient Client(ChannelBase channel) => new(channel);

    // Pictures are asked for as often as words are used: the n-th 1/n as often as the first.
    private static async Task<double> HitRatioAsync(MeshProcesses mesh)
    {
        var random = new Random(1);
        double[] sums = new double[Pictures];
        for (int i = 0; i < Pictures; i++) sums[i] = (i > 0 ? sums[i - 1] : 0) + 1.0 / (i + 1);
        int hits = 0;
        for (int i = 0; i < Lookups; i++)
        {
            int picture = Math.Min(Pictures - 1, Math.Abs(Array.BinarySearch(sums, random.NextDouble() * sums[^1])));
            var response = await Client(mesh.Grpc).ExtractFeaturesAsync(RawPictures.Request(picture)).ConfigureAwait(false);
            if (response.Timings.ComputeNs == 0 && response.Timings.DecodeNs == 0) hits++;
        }

        return (double)hits / Lookups;
    }

    /// <summary>Images a second with so many callers who each ask for one new image after the other.</summary>
    private static async Task<double> ThroughputAsync(MeshProcesses mesh, int callers)
    {
        var client = Client(mesh.Grpc);
        int done = 0;
        using var end = new CancellationTokenSource();
        Task[] tasks = [.. Enumerable.Range(0, callers).Select(_ => Task.Run(async () =>
        {
            while (!end.IsCancellationRequested)
            {
                try
                {
                    await client.ExtractFeaturesAsync(RawPictures.Request(Interlocked.Increment(ref next))).ConfigureAwait(false);
                    Interlocked.Increment(ref done);
                }
                catch (RpcException refused) when (refused.StatusCode == StatusCode.ResourceExhausted)
                {
                    await Task.Delay(50).ConfigureAwait(false);
                }
            }
        }))];
        await Task.Delay(3000).ConfigureAwait(false);
        int from = Volatile.Read(ref done);
        long started = Stopwatch.GetTimestamp();
        await Task.Delay(Measured).ConfigureAwait(false);
        double rate = (Volatile.Read(ref done) - from) / Stopwatch.GetElapsedTime(started).TotalSeconds;
        await end.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(tasks).ConfigureAwait(false);
        return rate;
    }

    /// <summary>Calls at five times the rate that the mesh can answer.</summary>
    private static async Task<IReadOnlyList<BenchmarkRow>> OverloadAsync(MeshProcesses mesh, double peak)
    {
        var client = Client(mesh.Grpc);
        var (admitted, refused) = (new ConcurrentBag<double>(), new ConcurrentBag<bool>());
        var calls = new List<Task>();
        TimeSpan duration = Measured * 2, gap = TimeSpan.FromSeconds(1 / (5 * peak));
        long started = Stopwatch.GetTimestamp();
        for (int sent = 0; Stopwatch.GetElapsedTime(started) < duration; sent++)
        {
            TimeSpan wait = gap * sent - Stopwatch.GetElapsedTime(started);
            if (wait > TimeSpan.Zero) await Task.Delay(wait).ConfigureAwait(false);
            calls.Add(Task.Run(async () =>
            {
                long asked = Stopwatch.GetTimestamp();
                try
                {
                    await client.ExtractFeaturesAsync(RawPictures.Request(Interlocked.Increment(ref next))).ConfigureAwait(false);
                    admitted.Add(Stopwatch.GetElapsedTime(asked).TotalMilliseconds);
                }
                catch (RpcException refusal)
                {
                    refused.Add(refusal.StatusCode == StatusCode.ResourceExhausted && refusal.RetryDelay() > TimeSpan.Zero);
                }
            }));
        }

        await Task.WhenAll(calls).ConfigureAwait(false);
        double goodput = admitted.Count / Stopwatch.GetElapsedTime(started).TotalSeconds;
        int impolite = refused.Count(polite => !polite);
        return
        [
            new("overload 5x: time for an answered call", "ms", 1000 / goodput, 1000 / peak, DeviceMs, 1 / 0.9, true, $"anchor: at the peak, {peak:F1} calls/s; {admitted.Count} answered, {refused.Count} refused"),
            // The queue of 64 and what is on the device, and the way there and back.
            new("overload 5x: p99 of admitted calls", "ms", Percentile([.. admitted], 0.99), 65 * DeviceMs, null, 1.25, true, "anchor: the whole queue before it"),
            new("overload 5x: refusals without RetryInfo", "", impolite, 1, 0, 0, !refused.IsEmpty, $"of {refused.Count}"),
        ];
    }

    /// <summary>p99 of calls about images whose home is another process than the named one.</summary>
    private static async Task<(double P99, int Failed)> OthersAsync(MeshProcesses mesh, string named)
    {
        var client = Client(mesh.Grpc);
        var homes = new ReplicaSet("features", [.. Enumerable.Range(0, 3).Select(i => new Replica(mesh.Addresses[$"features-{i}.grpc"], TimeProvider.System))], int.MaxValue);
        var (times, calls) = (new ConcurrentBag<double>(), new List<Task>());
        int failed = 0;
        for (long started = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(started) < Measured * 2;)
        {
            ExtractFeaturesRequest request = RawPictures.Request(Interlocked.Increment(ref next));
            bool other = homes.Pick(CallAffinity.Of(request)).Address != mesh.Addresses[named + ".grpc"];
            calls.Add(Task.Run(async () =>
            {
                long asked = Stopwatch.GetTimestamp();
                try
                {
                    await client.ExtractFeaturesAsync(request).ConfigureAwait(false);
                    if (other) times.Add(Stopwatch.GetElapsedTime(asked).TotalMilliseconds);
                }
                catch (RpcException) when (other)
                {
                    Interlocked.Increment(ref failed);
                }
                catch (RpcException)
                {
                    // The slow one's share.
                }
            }));
            await Task.Delay(125).ConfigureAwait(false);
        }

        await Task.WhenAll(calls).ConfigureAwait(false);
        return (Percentile([.. times], 0.99), failed);
    }

    /// <summary>10,000 calls of which nine in ten are given up after a moment; the mesh runs in this process, so that the device can be asked.</summary>
    private static async Task<IReadOnlyList<BenchmarkRow>> CancellationAsync()
    {
        const int Calls = 10_000, AtOnce = 100, Callers = 10;
        var device = new SimulatedDevice(() => 5);
        var settings = new ConfigurationBuilder().AddInMemoryCollection([
            new("CorrMesh:Listen:PortBase", "0"), new("CorrMesh:Listen:HttpPort", "0"), new("CorrMesh:Listen:GrpcPort", "0"), new("CorrMesh:Limits:QueueLength", "200"),
        ]).Build();
        await using Hosting.Mesh mesh = await Hosting.Mesh.StartAsync(settings, [new SimulatedFeatures(device), new MatchingModule(), new TrainingModule([Environment.ProcessPath!]), new PoseModule(), new GatewayModule()]).ConfigureAwait(false);
        // Ten callers, a connection each: the gateway closes connections on which it sees little but resets.
        GrpcChannel[] channels = [.. Enumerable.Range(0, Callers).Select(_ => GrpcChannel.ForAddress(mesh.Endpoints[^1].Grpc))];
        var queue = mesh.ServicesOf(MeshTopology.Features).GetRequiredService<FeatureQueue>();
        using var places = new SemaphoreSlim(AtOnce);
        int answered = 0, cancelled = 0;
        var others = new ConcurrentBag<string>();
        var (spentBefore, wastedBefore) = device.Time;
        await Task.WhenAll(Enumerable.Range(0, Calls).Select(async i =>
        {
            await places.WaitAsync().ConfigureAwait(false);
            try
            {
                using var gone = new CancellationTokenSource();
                if (i % 10 != 0) gone.CancelAfter(new Random(i).Next(1, 100));
                await Client(channels[i / 7 % Callers]).ExtractFeaturesAsync(RawPictures.Request(Interlocked.Increment(ref next)), cancellationToken: gone.Token).ConfigureAwait(false);
                Interlocked.Increment(ref answered);
            }
            catch (RpcException exception)
            {
                if (exception.StatusCode == StatusCode.Cancelled) Interlocked.Increment(ref cancelled);
                else others.Add($"{exception.StatusCode}: {exception.Status.Detail}");
            }
            finally
            {
                places.Release();
            }
        })).ConfigureAwait(false);
        long ended = Stopwatch.GetTimestamp();
        while (queue.Count > 0 && Stopwatch.GetElapsedTime(ended) < TimeSpan.FromSeconds(10)) await Task.Delay(5).ConfigureAwait(false);
        double emptyMs = Stopwatch.GetElapsedTime(ended).TotalMilliseconds;
        var (spent, wasted) = device.Time;
        foreach (GrpcChannel channel in channels) channel.Dispose();
        return
        [
            new("10,000 calls, 9 in 10 cancelled: queue empty after", "ms", emptyMs, 1000, null, 1, others.IsEmpty && answered >= Calls / 10,
                $"anchor: the bound; {answered} answered, {cancelled} cancelled{string.Concat(others.GroupBy(other => other).Select(group => $", {group.Count()} {group.Key}"))}"),
            new("10,000 calls, 9 in 10 cancelled: device time wasted", "%", 100 * (wasted - wastedBefore) / (spent - spentBefore), 5, null, 1, true, $"anchor: the bound; of {(spent - spentBefore).TotalSeconds:F1} s"),
        ];
    }

    private static double Percentile(double[] values, double share)
    {
        Array.Sort(values);
        return values.Length == 0 ? double.NaN : values[Math.Min(values.Length - 1, (int)(share * values.Length))];
    }
}
