using System.Collections.Concurrent;

namespace CorrMesh.Vision.Execution;

/// <summary>The one thread that touches a device's tensors; work runs in the order it was given.</summary>
/// <remarks>
/// Dispose scopes, grad mode and OpenMP teams belong to a thread. What crosses into and out of here is plain arrays, and
/// completions never run the caller's continuation on this thread.
/// </remarks>
public sealed class InferenceThread : IDisposable
{
    private readonly BlockingCollection<Action> work = [];
    private readonly Thread thread;

    /// <param name="name">Shown by debuggers, such as the device's name.</param>
    public InferenceThread(string name)
    {
        thread = new Thread(Loop) { IsBackground = true, Name = $"inference {name}" };
        thread.Start();
    }

    /// <summary>Runs a function on the thread.</summary>
    /// <param name="function">Must leave no tensor behind that another thread would touch.</param>
    /// <param name="cancellation">Looked at when the function's turn comes; a function that has begun is not interrupted.</param>
    /// <exception cref="ObjectDisposedException">The thread has been stopped.</exception>
    public Task<T> RunAsync<T>(Func<T> function, CancellationToken cancellation = default)
    {
        var completion = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        try
        {
            work.Add(() => Complete(completion, function, cancellation), CancellationToken.None);
        }
        catch (InvalidOperationException)
        {
            throw new ObjectDisposedException(nameof(InferenceThread));
        }

        return completion.Task;
    }

    /// <summary>Whether <see cref="Dispose"/> has been called.</summary>
    public bool IsStopped => work.IsAddingCompleted;

    /// <summary>Finishes what has been given and stops. Waits for the function that is running.</summary>
    public void Dispose()
    {
        if (work.IsAddingCompleted) return;
        work.CompleteAdding();
        thread.Join();
        work.Dispose();
    }

    private static void Complete<T>(TaskCompletionSource<T> completion, Func<T> function, CancellationToken cancellation)
    {
        if (cancellation.IsCancellationRequested)
        {
            completion.TrySetCanceled(cancellation);
            return;
        }

        try
        {
            completion.TrySetResult(function());
        }
#pragma warning disable CA1031 // Whatever the function throws belongs to its caller; this thread must go on.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            completion.TrySetException(exception);
        }
    }

    private void Loop()
    {
        foreach (Action action in work.GetConsumingEnumerable()) action();
    }
}
