using System.Diagnostics;
using System.Threading.Channels;
using CorrMesh.Hosting.Errors;
using CorrMesh.Vision.Features;

namespace CorrMesh.Features.Execution;

/// <summary>A computed map and how its time went.</summary>
public readonly record struct Extraction(FeatureMap Map, TimeSpan Queued, TimeSpan Computed, int BatchCount);

/// <summary>The bounded queue before the device: groups requests of one shape into batches, drops those nobody waits for.</summary>
/// <remarks>
/// Refusal is early: a request beyond the bound is turned away when it comes, with an estimate of when to try again. A request
/// whose caller has gone, or whose deadline has passed, leaves before launch and costs the device nothing.
/// </remarks>
public sealed class FeatureQueue : IAsyncDisposable
{
    private readonly IFeatureEngine engine;
    private readonly FeatureMetrics metrics;
    private readonly int capacity, batchCount;
    private readonly Channel<Entry> arrivals = Channel.CreateUnbounded<Entry>(new UnboundedChannelOptions { SingleReader = true });
    private readonly LinkedList<Entry> waiting = [];
    private readonly Task loop;
    private int count;
    private double secondsPerRequest = 0.1;   // running mean; only feeds the retry hint

    /// <param name="capacity">Most requests waiting or running.</param>
    /// <param name="batchCount">Most images computed together.</param>
    public FeatureQueue(IFeatureEngine engine, FeatureMetrics metrics, int capacity, int batchCount)
    {
        (this.engine, this.metrics, this.capacity, this.batchCount) = (engine, metrics, capacity, batchCount);
        loop = Task.Run(RunAsync);
    }

    /// <summary>Requests waiting or running.</summary>
    public int Count => Volatile.Read(ref count);

    /// <summary>Queues one image.</summary>
    /// <exception cref="QueueFullException">The queue is full; says when to come back.</exception>
    /// <exception cref="NotReadyException">The service is stopping.</exception>
    public async Task<Extraction> ExtractAsync(ExtractionRequest request, CancellationToken cancellation)
    {
        if (Interlocked.Increment(ref count) > capacity)
        {
            Interlocked.Decrement(ref count);
            metrics.Refused();
            throw new QueueFullException("features", capacity, TimeSpan.FromSeconds(Math.Clamp(secondsPerRequest * capacity / 2, 0.05, 30)));
        }

        try
        {
            var entry = new Entry(request, cancellation);
            if (!arrivals.Writer.TryWrite(entry)) throw new NotReadyException(NotReadyException.Draining, "features: shutting down", TimeSpan.FromSeconds(1));
            return await entry.Completion.Task.WaitAsync(cancellation).ConfigureAwait(false);
        }
        finally
        {
            Interlocked.Decrement(ref count);
        }
    }

    /// <summary>Takes no more requests, finishes those it has, and stops.</summary>
    public async ValueTask DisposeAsync()
    {
        arrivals.Writer.TryComplete();
        await loop.ConfigureAwait(false);
    }

    private async Task RunAsync()
    {
        while (waiting.Count > 0 || await arrivals.Reader.WaitToReadAsync().ConfigureAwait(false))
        {
            while (arrivals.Reader.TryRead(out Entry? arrived)) waiting.AddLast(arrived);
            List<Entry> batch = TakeBatch();
            if (batch.Count > 0) await LaunchAsync(batch).ConfigureAwait(false);
        }
    }

    // The oldest request leads; later ones of its group join it, so nobody waits longer for a batch to fill.
    private List<Entry> TakeBatch()
    {
        var batch = new List<Entry>();
        for (LinkedListNode<Entry>? node = waiting.First; node is not null && batch.Count < batchCount;)
        {
            LinkedListNode<Entry>? next = node.Next;
            Entry entry = node.Value;
            if (entry.Cancellation.IsCancellationRequested)
            {
                waiting.Remove(node);
                entry.Completion.TrySetCanceled(entry.Cancellation);
            }
            else if (batch.Count == 0 || entry.Request.Group == batch[0].Request.Group)
            {
                waiting.Remove(node);
                batch.Add(entry);
            }

            node = next;
        }

        return batch;
    }

    private async Task LaunchAsync(List<Entry> batch)
    {
        long launched = Stopwatch.GetTimestamp();
        foreach (Entry entry in batch) metrics.Queued(Stopwatch.GetElapsedTime(entry.Arrived, launched));
        try
        {
            IReadOnlyList<FeatureMap> maps = await engine.ExtractAsync([.. batch.Select(e => e.Request)], CancellationToken.None).ConfigureAwait(false);
            TimeSpan computed = Stopwatch.GetElapsedTime(launched);
            metrics.Computed(computed, batch.Count);
            secondsPerRequest += 0.2 * (computed.TotalSeconds / batch.Count - secondsPerRequest);
            for (int i = 0; i < batch.Count; i++)
                batch[i].Completion.TrySetResult(new Extraction(maps[i], Stopwatch.GetElapsedTime(batch[i].Arrived, launched), computed, batch.Count));
        }
#pragma warning disable CA1031 // The failure belongs to the callers of this batch; the queue must go on.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            foreach (Entry entry in batch) entry.Completion.TrySetException(exception);
        }
    }

    private sealed record Entry(ExtractionRequest Request, CancellationToken Cancellation)
    {
        public long Arrived { get; } = Stopwatch.GetTimestamp();

        public TaskCompletionSource<Extraction> Completion { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
