using CorrMesh.Hosting.Errors;
using CorrMesh.Hosting.Options;

namespace CorrMesh.Matching;

/// <summary>Admits as many matches at once as the device's queue has places for; a match needs two, one for each image.</summary>
/// <remarks>
/// Without it, under overload the first images of many matches fill the queue, and then each match is refused for its second
/// one, its first computed for nothing.
/// </remarks>
public sealed class MatchAdmission(MeshLimits limits)
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

    private readonly int capacity = Math.Max(1, limits.QueueLength / 2);
    private int count;

    /// <summary>Matches at work.</summary>
    public int Count => Volatile.Read(ref count);

    /// <summary>Most matches at work.</summary>
    public int Capacity => capacity;

    /// <exception cref="QueueFullException">All places are taken.</exception>
    public async Task<T> RunAsync<T>(Func<Task<T>> match)
    {
        try
        {
            if (Interlocked.Increment(ref count) > capacity) throw new QueueFullException("matching", capacity, RetryAfter);
            return await match().ConfigureAwait(false);
        }
        finally
        {
            Interlocked.Decrement(ref count);
        }
    }
}
