using System.Diagnostics;
using CorrMesh.Hosting;
using CorrMesh.Hosting.Errors;

namespace CorrMesh.Features;

/// <summary>Bounds work on the processor outside the network (decoding, sampling, similarity): one piece a core, the rest waits, too many are refused.</summary>
/// <param name="capacity">Most pieces waiting; those running come on top.</param>
public sealed class ComputeGate(int capacity) : IDisposable
{
    private readonly SemaphoreSlim cores = new(Environment.ProcessorCount);
    private int count;

    /// <exception cref="QueueFullException">Too many pieces wait already.</exception>
    public async Task<T> RunAsync<T>(Func<T> work, CancellationToken cancellation)
    {
        if (Interlocked.Increment(ref count) > capacity + Environment.ProcessorCount)
        {
            Interlocked.Decrement(ref count);
            throw new QueueFullException("processor", capacity, TimeSpan.FromSeconds(0.5));
        }

        try
        {
            await cores.WaitAsync(cancellation).ConfigureAwait(false);
            try
            {
                return await Task.Run(work, cancellation).ConfigureAwait(false);
            }
            finally
            {
                cores.Release();
            }
        }
        finally
        {
            Interlocked.Decrement(ref count);
        }
    }

    /// <summary>The same, with the waiting and the work on the request's account.</summary>
    /// <exception cref="QueueFullException">Too many pieces wait already.</exception>
    public Task<T> RunAsync<T>(Func<T> work, RequestTimer timer, CancellationToken cancellation)
    {
        long asked = Stopwatch.GetTimestamp();
        return RunAsync(
            () =>
            {
                long started = Stopwatch.GetTimestamp();
                timer.AddQueue(Stopwatch.GetElapsedTime(asked, started));
                T result = work();
                timer.AddCompute(Stopwatch.GetElapsedTime(started));
                return result;
            },
            cancellation);
    }

    public void Dispose() => cores.Dispose();
}
