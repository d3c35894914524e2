using System.Diagnostics;
using CorrMesh.Protos.Common.V1;

namespace CorrMesh.Hosting;

/// <summary>Adds up where one request's time goes; parts may run side by side, so adding is thread-safe.</summary>
public sealed class RequestTimer
{
    private readonly long started = Stopwatch.GetTimestamp();
    private long decodeNs, queueNs, computeNs, cacheNs;

    public void AddDecode(TimeSpan duration) => Interlocked.Add(ref decodeNs, Nanoseconds(duration));

    public void AddQueue(TimeSpan duration) => Interlocked.Add(ref queueNs, Nanoseconds(duration));

    public void AddCompute(TimeSpan duration) => Interlocked.Add(ref computeNs, Nanoseconds(duration));

    public void AddCache(TimeSpan duration) => Interlocked.Add(ref cacheNs, Nanoseconds(duration));

    /// <summary>Includes the parts of a call to another service; its total is this request's own time already.</summary>
    public void Add(Timings? called)
    {
        if (called is null) return;
        Interlocked.Add(ref decodeNs, called.DecodeNs);
        Interlocked.Add(ref queueNs, called.QueueNs);
        Interlocked.Add(ref computeNs, called.ComputeNs);
        Interlocked.Add(ref cacheNs, called.CacheNs);
    }

    /// <summary>The message for the reply; the total runs from this object's making to now.</summary>
    public Timings ToTimings() => new()
    {
        DecodeNs = Interlocked.Read(ref decodeNs),
        QueueNs = Interlocked.Read(ref queueNs),
        ComputeNs = Interlocked.Read(ref computeNs),
        CacheNs = Interlocked.Read(ref cacheNs),
        TotalNs = Nanoseconds(Stopwatch.GetElapsedTime(started)),
    };

    private static long Nanoseconds(TimeSpan duration) => duration.Ticks * TimeSpan.NanosecondsPerTick;
}
