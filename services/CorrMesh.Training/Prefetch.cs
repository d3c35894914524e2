using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace CorrMesh.Training;

/// <summary>Makes batches on a thread of their own, beside the device's work. Their order, and so a run's result, does not depend on who is faster.</summary>
internal static partial class Prefetch
{
    private const int Depth = 3, CallingThread = 0, LowestPriority = 19;

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
            // The network's threads wait for one another at every layer, so each moment in which one of them is kept from its core costs all of them. This thread
            // takes what they leave, and the whole core once nothing is left in the queue. 13 -> 18 images/s on 2 cores. Where it fails, it is slower.
            _ = SetPriority(CallingThread, 0, LowestPriority);
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

    // In Linux a priority is one thread's own; .NET's Thread.Priority does nothing there.
    [LibraryImport("libc", EntryPoint = "setpriority")]
    private static partial int SetPriority(int which, uint who, int priority);
}
