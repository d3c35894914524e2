namespace CorrMesh.Features.Tests.Support;

/// <summary>A monotonic clock that moves when a test says so; the wall clock is the system's.</summary>
internal sealed class ManualTime : TimeProvider
{
    private long ticks;
    private int reads;

    /// <summary>How often the clock has been read.</summary>
    public int Reads => Volatile.Read(ref reads);

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp()
    {
        Interlocked.Increment(ref reads);
        return Interlocked.Read(ref ticks);
    }

    public void Advance(TimeSpan duration) => Interlocked.Add(ref ticks, duration.Ticks);
}
