using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;

namespace CorrMesh.Training;

/// <summary>Makes batches on a thread of their own, beside the device's work. Their order, and so a run's result, does not depend on who is faster.</summary>
internal static class Prefetch
{
    private const int Depth = 3;

    /// <summary>The batches of steps <paramref name="first"/> up to (excluding) <paramref name="end"/>, in order. What making one throws reaches the reader.</summary>
    /// <param name="build">Called from one thread, step by step.</param>
    public static IEnumerable<T> Run<T>(int first, int end, string threadName, Func<int, T> build, CancellationToken cancellation)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        using var queue = new BlockingCollection<T>(Depth);
        ExceptionDispatchInfo? failure = null;
        var producer = new Thread(Produce) { IsBackground = true, Name = threadName };
        producer.Start();
        try
        {
            foreach (T batch in queue.GetConsumingEnumerable(cancellation)) yield return batch;
            failure?.Throw();
        }
        finally
        {
            stop.Cancel();
            producer.Join();
        }

        void Produce()
        {
            try
            {
                for (int step = first; step < end; step++) queue.Add(build(step), stop.Token);
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                // The reader has gone or sees the same token.
            }
#pragma warning disable CA1031 // Whatever it is belongs to the reader, who gets it after the batches before it.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                failure = ExceptionDispatchInfo.Capture(exception);
            }
            finally
            {
                queue.CompleteAdding();
            }
        }
    }
}
