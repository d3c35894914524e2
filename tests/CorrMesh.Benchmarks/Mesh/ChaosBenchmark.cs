using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text.Json;
using CorrMesh.Protos.Common.V1;
using CorrMesh.Protos.Features.V1;
using Google.Protobuf;
using Grpc.Core;

namespace CorrMesh.Benchmarks.Mesh;

/// <summary>The real mesh (3 features processes, Redis, the built-in model) under load while its processes are killed, and while all are replaced.</summary>
internal static class ChaosBenchmark
{
    private const int Pairs = 12, Callers = 4;
    private static readonly TimeSpan Between = TimeSpan.FromSeconds(20), Total = TimeSpan.FromMinutes(5), Recovery = TimeSpan.FromSeconds(10);

    public static IReadOnlyList<BenchmarkRow> Run() => RunAsync().GetAwaiter().GetResult();

    private static async Task<IReadOnlyList<BenchmarkRow>> RunAsync()
    {
        // One image a batch: what is computed again after a kill is then equal bit for bit.
        using MeshProcesses mesh = MeshProcesses.Start(3, null, ("CorrMesh:Features:BatchCount", "1"));
        byte[][] pictures = [.. Enumerable.Range(0, 2 * Pairs).Select(ServiceBenchmark.Picture)];
        using var load = new Load(mesh, pictures);
        await load.LearnAsync().ConfigureAwait(false);

        load.Start();
        await Task.Delay(3000).ConfigureAwait(false);
        await mesh.ReplaceAllAsync().ConfigureAwait(false);
        await Task.Delay(2000).ConfigureAwait(false);
        await load.StopAsync().ConfigureAwait(false);
        var rows = new List<BenchmarkRow>
        {
            new("rolling restart of every process: failed calls", "", load.Failures.Count, 1, 0, 0, load.Answered > 0 && load.Wrong == 0, $"of {load.Answered + load.Failures.Count}; {load.Summary()}"),
        };

        load.Start();
        var (recoveries, kills) = (new List<(string Name, double Seconds)>(), 0);
        string[] names = mesh.Names;
        for (long started = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(started) < Total; kills++)
        {
            string name = names[kills % names.Length];
            long killed = Stopwatch.GetTimestamp();
            load.Victim = name;
            mesh.Kill(name);
            await Task.Delay(Between).ConfigureAwait(false);
            // From the kill to the last call that failed before it was answered again.
            long last = load.Failures.Where(failure => failure.At >= killed).Select(failure => failure.At).DefaultIfEmpty(killed).Max();
            recoveries.Add((name, Stopwatch.GetElapsedTime(killed, last).TotalSeconds));
        }

        await load.StopAsync().ConfigureAwait(false);
        int total = load.Answered + load.Failures.Count;
        string worst = string.Join(", ", recoveries.GroupBy(kill => kill.Name).Select(group => $"{group.Key} {group.Max(kill => kill.Seconds).ToString("F1", CultureInfo.InvariantCulture)} s"));
        rows.Add(new("kill -9 every 20 s for 5 min: wrong answers", "", load.Wrong, 1, 0, 0, load.Answered > 0, $"of {load.Answered}; {kills} kills, 4 callers"));
        rows.Add(new("kill -9: failures that are not typed", "", load.Failures.Count(failure => failure.Kind == Load.Untyped), 1, 0, 0, true, $"of {load.Failures.Count} failures in {total} calls; {load.Summary()}"));
        rows.Add(new("kill -9: unary calls failed by a features process", "", load.Failures.Count(failure => failure.Victim.StartsWith("features", StringComparison.Ordinal)), 1, 0, 0, true, "the others take its calls"));
        rows.Add(new("kill -9: slowest recovery", "s", recoveries.Max(kill => kill.Seconds), Recovery.TotalSeconds, null, 1, true, $"anchor: the bound; {worst}"));
        return rows;
    }

    /// <summary>Callers who compare every answer with the one of an undisturbed mesh.</summary>
    private sealed class Load(MeshProcesses mesh, byte[][] pictures) : IDisposable
    {
        public const string Untyped = "untyped";

        private readonly ConcurrentDictionary<string, string> expected = new();
        private Task[] callers = [];
        private CancellationTokenSource end = new();
        private int answered, wrong;

        public int Answered => Volatile.Read(ref answered);

        public int Wrong => Volatile.Read(ref wrong);

        public ConcurrentBag<(long At, string Kind, string Victim)> Failures { get; private set; } = [];

        /// <summary>Whom failures from now on are put down to.</summary>
        public string Victim { get; set; } = "nobody";

        public async Task LearnAsync()
        {
            for (int pair = 0; pair < Pairs; pair++)
            {
                expected[$"match {pair}"] = await MatchAsync(pair).ConfigureAwait(false);
                expected[$"features {pair}"] = await FeaturesAsync(pair).ConfigureAwait(false);
            }
        }

        public void Start()
        {
            end.Dispose();
            (Failures, answered, wrong, end) = ([], 0, 0, new CancellationTokenSource());
            callers = [.. Enumerable.Range(0, Callers).Select(caller => Task.Run(() => CallAsync(caller)))];
        }

        public async Task StopAsync()
        {
            await end.CancelAsync().ConfigureAwait(false);
            await Task.WhenAll(callers).ConfigureAwait(false);
        }

        public void Dispose() => end.Dispose();

        public string Summary() => Failures.IsEmpty ? "none failed" : string.Join(", ", Failures.GroupBy(failure => $"{failure.Victim}: {failure.Kind}").Select(group => $"{group.Count()} {group.Key}"));

        private async Task CallAsync(int caller)
        {
            var random = new Random(caller);
            while (!end.IsCancellationRequested)
            {
                int pair = random.Next(Pairs);
                bool match = caller % 2 == 0;
                try
                {
                    string answer = match ? await MatchAsync(pair).ConfigureAwait(false) : await FeaturesAsync(pair).ConfigureAwait(false);
                    Interlocked.Increment(ref answered);
                    if (answer != expected[$"{(match ? "match" : "features")} {pair}"]) Interlocked.Increment(ref wrong);
                }
                catch (Exception exception) when (exception is RpcException or HttpRequestException or IOException or TaskCanceledException)
                {
                    Failures.Add((Stopwatch.GetTimestamp(), KindOf(exception), Victim));
                    await Task.Delay(100).ConfigureAwait(false);
                }

                await Task.Delay(20).ConfigureAwait(false);
            }
        }

        // A broken or refused connection is what a client sees of a gateway that was killed; everything else has a code.
        private static string KindOf(Exception exception) => exception switch
        {
            RpcException { StatusCode: StatusCode.Unavailable or StatusCode.Aborted } rpc => rpc.StatusCode.ToString(),
            RpcException rpc when rpc.StatusCode == StatusCode.Internal && rpc.InnerException is HttpRequestException or IOException => "connection lost",
            HttpRequestException { StatusCode: { } status } => $"HTTP {(int)status}",
            HttpRequestException or IOException => "connection lost",
            RpcException rpc => $"{Untyped} {rpc.StatusCode}"[..Untyped.Length],
            _ => Untyped,
        };

        private async Task<string> MatchAsync(int pair)
        {
            using var form = new MultipartFormDataContent
            {
                { new ByteArrayContent(pictures[2 * pair]), "source", "source.jpg" },
                { new ByteArrayContent(pictures[2 * pair + 1]), "target", "target.jpg" },
                { new StringContent("6"), "grid" },
            };
            using HttpResponseMessage response = await mesh.Http.PostAsync("/v1/match", form).ConfigureAwait(false);
            string body = await response.Content.ReadAsStringAsync().ConfigureAwait(false);
            if (!response.IsSuccessStatusCode) throw new HttpRequestException(body, null, response.StatusCode);
            return JsonDocument.Parse(body).RootElement.GetProperty("matches").GetRawText();
        }

        private async Task<string> FeaturesAsync(int pair)
        {
            var image = new Image { Encoded = UnsafeByteOperations.UnsafeWrap(pictures[2 * pair]) };
            ExtractFeaturesResponse response = await new FeatureService.FeatureServiceClient(mesh.Grpc).ExtractFeaturesAsync(
                new ExtractFeaturesRequest { Source = new FeatureSource { Image = image }, ReturnValues = DataType.F16 }).ConfigureAwait(false);
            return response.Reference.FeaturesKey + Convert.ToHexString(SHA256.HashData(response.Values.Data.Span));
        }
    }
}
