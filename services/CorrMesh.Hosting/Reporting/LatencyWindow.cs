using System.Runtime.InteropServices;
using CorrMesh.Protos.Common.V1;
using CorrMesh.Protos.Status.V1;

namespace CorrMesh.Hosting.Reporting;

/// <summary>Where the time of the calls of the last minute went.</summary>
/// <remarks>
/// Exact over what it holds: the calls of the last <see cref="Span"/>, but no more than the latest <see cref="Capacity"/>. Adding
/// allocates nothing; reading sorts a copy. Thread-safe.
/// </remarks>
internal sealed class LatencyWindow(TimeProvider time)
{
    /// <summary>Most calls held: 68 a second for a minute.</summary>
    public const int Capacity = 4096;

    public static readonly TimeSpan Span = TimeSpan.FromSeconds(60);

    private readonly Lock gate = new();
    private readonly Call[] calls = new Call[Capacity];
    private int next, count;

    public void Add(Timings timings)
    {
        var call = new Call(time.GetTimestamp(), timings.DecodeNs, timings.QueueNs, timings.ComputeNs, timings.CacheNs, timings.TotalNs);
        lock (gate)
        {
            calls[next] = call;
            next = (next + 1) % Capacity;
            count = Math.Min(count + 1, Capacity);
        }
    }

    public RecentLatency Read()
    {
        var recent = Recent();
        var latency = new RecentLatency { WindowNs = (long)Span.TotalNanoseconds, Count = (uint)recent.Count };
        if (recent.Count == 0) return latency;
        latency.Decode = Part(recent, call => call.Decode);
        latency.Queue = Part(recent, call => call.Queue);
        latency.Compute = Part(recent, call => call.Compute);
        latency.Cache = Part(recent, call => call.Cache);
        latency.Total = Part(recent, call => call.Total);
        return latency;
    }

    private List<Call> Recent()
    {
        var recent = new List<Call>();
        lock (gate)
        {
            for (int age = 1; age <= count; age++)
            {
                var call = calls[(next - age + Capacity) % Capacity];
                if (time.GetElapsedTime(call.Ended) > Span) break;
                recent.Add(call);
            }
        }

        return recent;
    }

    private static PartLatency Part(List<Call> calls, Func<Call, long> read)
    {
        long[] sorted = [.. calls.Select(read)];
        Array.Sort(sorted);
        return new PartLatency { MeanNs = (long)sorted.Average(), P50Ns = Rank(sorted, 0.5), P99Ns = Rank(sorted, 0.99) };
    }

    // Nearest rank: the smallest value that at least the fraction does not exceed.
    private static long Rank(long[] sorted, double fraction) => sorted[Math.Max(0, (int)Math.Ceiling(fraction * sorted.Length) - 1)];

    /// <param name="Ended">The clock's timestamp.</param>
    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Call(long Ended, long Decode, long Queue, long Compute, long Cache, long Total);
}
