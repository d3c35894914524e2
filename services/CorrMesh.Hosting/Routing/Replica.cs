using System.IO.Hashing;
using System.Text;

namespace CorrMesh.Hosting.Routing;

/// <summary>One process of a service, as a caller sees it: where it is, whether it serves, how much waits for it.</summary>
/// <remarks>All members may be called from any thread.</remarks>
public sealed class Replica
{
    // A refusal or a broken connection says something about the next moment, not about the next minute; the health watch says the rest.
    private static readonly TimeSpan Penalty = TimeSpan.FromSeconds(1), ReportLife = TimeSpan.FromSeconds(1);

    private readonly TimeProvider time;
    private readonly ulong seed;
    private volatile bool serving = true;
    private int inFlight, queue;
    private long avoidUntil, reportedAt = long.MinValue;

    public Replica(Uri address, TimeProvider time)
    {
        this.time = time;
        Address = address;
        seed = XxHash3.HashToUInt64(Encoding.UTF8.GetBytes(address.GetLeftPart(UriPartial.Authority)));
    }

    public Uri Address { get; }

    /// <summary>What its health says; true until it has been heard.</summary>
    public bool IsServing => serving;

    /// <summary>Whether calls should go to it: it serves, and the last second brought no broken connection and no refusal.</summary>
    public bool IsAvailable => serving && time.GetTimestamp() >= Interlocked.Read(ref avoidUntil);

    /// <summary>Calls of this process that it has not answered.</summary>
    public int InFlight => Volatile.Read(ref inFlight);

    /// <summary>How much is before a new call: what it last reported to wait for its device, if that is fresh, or the calls in flight if they are more.</summary>
    public int Load
    {
        get
        {
            long reported = Interlocked.Read(ref reportedAt);
            bool fresh = reported != long.MinValue && time.GetElapsedTime(reported) < ReportLife;
            return Math.Max(InFlight, fresh ? Volatile.Read(ref queue) : 0);
        }
    }

    /// <summary>Its place in the order of an affinity: rendezvous hashing, so that a replica that comes or goes moves only its own share.</summary>
    public ulong ScoreOf(uint affinity)
    {
        Span<byte> both = stackalloc byte[sizeof(ulong) + sizeof(uint)];
        BitConverter.TryWriteBytes(both, seed);
        BitConverter.TryWriteBytes(both[sizeof(ulong)..], affinity);
        return XxHash3.HashToUInt64(both);
    }

    internal void Sent() => Interlocked.Increment(ref inFlight);

    internal void Answered() => Interlocked.Decrement(ref inFlight);

    /// <summary>It said how many requests wait for its device.</summary>
    internal void Reported(int length)
    {
        Volatile.Write(ref queue, length);
        Interlocked.Exchange(ref reportedAt, time.GetTimestamp());
    }

    /// <summary>A connection broke, or it refused: others first for a moment.</summary>
    internal void Avoid() => Interlocked.Exchange(ref avoidUntil, time.GetTimestamp() + (long)(Penalty.TotalSeconds * time.TimestampFrequency));

    /// <summary>Its health changed. A replica that serves again is forgiven what it did before.</summary>
    /// <returns>Whether that is news.</returns>
    internal bool Heard(bool isServing)
    {
        bool news = serving != isServing;
        serving = isServing;
        if (news && isServing) Interlocked.Exchange(ref avoidUntil, 0);
        return news;
    }
}
