using CorrMesh.Hosting.Errors;

namespace CorrMesh.Matching;

/// <summary>Admits as many matches at once as the devices' queues have places for; a match needs two, one for each image.</summary>
/// <remarks>
/// Without it, under overload the first images of many matches fill the queue, and then each match is refused for its second
/// one, its first computed for nothing.
/// </remarks>
/// <param name="capacity">Most matches at once.</param>
public sealed class MatchAdmission(int capacity)
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

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
