using CorrMesh.Hosting;
using CorrMesh.Hosting.Errors;

namespace CorrMesh.Pose.Pnp;

/// <summary>Lets as many searches run at once as there are cores, and a bounded number wait.</summary>
/// <param name="running">Most at work.</param>
/// <param name="waiting">Most that wait beside them.</param>
internal sealed class SolverQueue(int running, int waiting) : IDisposable
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

    private readonly SemaphoreSlim places = new(running, running);
    private int count;

    /// <summary>At work or waiting.</summary>
    public int Count => Volatile.Read(ref count);

    public int Capacity => running + waiting;

    /// <summary>Runs a search on a thread of the pool when its turn comes.</summary>
    /// <exception cref="QueueFullException">As many wait as may.</exception>
    /// <exception cref="OperationCanceledException">Cancelled before its turn.</exception>
    public async Task<T> RunAsync<T>(Func<T> search, RequestTimer? timer, CancellationToken cancellation)
    {
        try
        {
            if (Interlocked.Increment(ref count) > Capacity) throw new QueueFullException("pose", Capacity, RetryAfter);
            long queued = System.Diagnostics.Stopwatch.GetTimestamp();
            await places.WaitAsync(cancellation).ConfigureAwait(false);
            try
            {
                long started = System.Diagnostics.Stopwatch.GetTimestamp();
                timer?.AddQueue(System.Diagnostics.Stopwatch.GetElapsedTime(queued, started));
                T result = await Task.Run(search, cancellation).ConfigureAwait(false);
                timer?.AddCompute(System.Diagnostics.Stopwatch.GetElapsedTime(started));
                return result;
            }
            finally
            {
                places.Release();
            }
        }
        finally
        {
            Interlocked.Decrement(ref count);
        }
    }

    public void Dispose() => places.Dispose();
}
