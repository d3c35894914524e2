using CorrMesh.Hosting.Errors;

namespace CorrMesh.Features;

/// <summary>Bounds work on the processor outside the network (decoding, similarity): one piece a core, the rest waits, too many are refused.</summary>
/// <param name="capacity">Most pieces waiting or running.</param>
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
            throw new QueueFullException("similarity", capacity, TimeSpan.FromSeconds(0.5));
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

    public void Dispose() => cores.Dispose();
}
