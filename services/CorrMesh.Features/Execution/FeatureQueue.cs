using System.Diagnostics;
using CorrMesh.Hosting.Errors;
using CorrMesh.Vision.Features;

namespace CorrMesh.Features.Execution;

/// <summary>A computed map and how its time went.</summary>
public readonly record struct Extraction(FeatureMap Map, TimeSpan Queued, TimeSpan Computed, int BatchCount);

/// <summary>The bounded queue before the device: groups requests of one shape into batches, drops those nobody waits for.</summary>
/// <remarks>
/// Refusal is early: a request beyond the bound is turned away when it comes, with an estimate of when to try again. A request
/// whose caller has gone, or whose deadline has passed, leaves at once: it costs the device nothing, and its pixels do not
/// outlive its place in the queue. A batch that everybody has left is called off.
/// </remarks>
public sealed class FeatureQueue : IAsyncDisposable
{
    private readonly IFeatureEngine engine;
    private readonly FeatureMetrics metrics;
    private readonly int capacity, batchCount;
    private readonly Lock gate = new();
    private readonly LinkedList<Entry> waiting = [];
    private readonly SemaphoreSlim changed = new(0);
    private readonly Task loop;
    private Launch? launch;
    private bool stopping;
    private double secondsPerRequest = 0.1;   // running mean; only feeds the retry hint

    /// <param name="capacity">Most requests waiting or running.</param>
    /// <param name="batchCount">Most images computed together.</param>
    public FeatureQueue(IFeatureEngine engine, FeatureMetrics metrics, int capacity, int batchCount)
    {
        (this.engine, this.metrics, this.capacity, this.batchCount) = (engine, metrics, capacity, batchCount);
        loop = Task.Run(RunAsync);
    }

    /// <summary>Requests waiting or running.</summary>
    public int Count
    {
        get
        {
            lock (gate) return waiting.Count + Running;
        }
    }

    /// <summary>Queues one image.</summary>
    /// <exception cref="QueueFullException">The queue is full; says when to come back.</exception>
    /// <exception cref="NotReadyException">The service is stopping.</exception>
    public async Task<Extraction> ExtractAsync(ExtractionRequest request, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        var entry = new Entry(request);
        lock (gate)
        {
            if (stopping) throw new NotReadyException(NotReadyException.Draining, "features: shutting down", TimeSpan.FromSeconds(1));
            if (waiting.Count + Running >= capacity)
            {
                metrics.Refused();
                throw new QueueFullException("features", capacity, TimeSpan.FromSeconds(Math.Clamp(secondsPerRequest * capacity / 2, 0.05, 30)));
            }

            waiting.AddLast(entry.Place);
        }

        changed.Release();
        using (cancellation.UnsafeRegister((_, token) => Leave(entry, token), null))
            return await entry.Completion.Task.ConfigureAwait(false);
    }

    /// <summary>Takes no more requests, finishes those it has, and stops.</summary>
    public async ValueTask DisposeAsync()
    {
        lock (gate)
        {
            if (stopping) return;
            stopping = true;
        }

        changed.Release();
        await loop.ConfigureAwait(false);
        changed.Dispose();
    }

    private int Running => launch?.Batch.Count ?? 0;

    // A batch goes on while anyone waits for a part of it.
    private void Leave(Entry entry, CancellationToken cancellation)
    {
        entry.Completion.TrySetCanceled(cancellation);
        Launch? abandoned = null;
        lock (gate)
        {
            if (entry.Place.List is not null) waiting.Remove(entry.Place);
            else if (launch is { } current && current.Batch.Contains(entry) && current.Batch.TrueForAll(e => e.Completion.Task.IsCanceled)) abandoned = current;
        }

        abandoned?.Abandoned.Cancel();
    }

    private async Task RunAsync()
    {
        while (true)
        {
            Launch? next;
            lock (gate)
            {
                List<Entry> batch = TakeBatch();
                next = launch = batch.Count == 0 ? null : new Launch(batch, new CancellationTokenSource());
                if (next is null && stopping) return;
            }

            if (next is null) await changed.WaitAsync().ConfigureAwait(false);
            else await LaunchAsync(next.Batch, next.Abandoned.Token).ConfigureAwait(false);
        }
    }

    // The oldest request leads; later ones of its group join it, so nobody waits longer for a batch to fill.
    private List<Entry> TakeBatch()
    {
        var batch = new List<Entry>();
        for (LinkedListNode<Entry>? place = waiting.First; place is not null && batch.Count < batchCount;)
        {
            LinkedListNode<Entry>? next = place.Next;
            if (batch.Count == 0 || place.Value.Request.Group == batch[0].Request.Group)
            {
                waiting.Remove(place);
                batch.Add(place.Value);
            }

            place = next;
        }

        return batch;
    }

    private async Task LaunchAsync(List<Entry> batch, CancellationToken abandoned)
    {
        long launched = Stopwatch.GetTimestamp();
        foreach (Entry entry in batch) metrics.Queued(Stopwatch.GetElapsedTime(entry.Arrived, launched));
        try
        {
            IReadOnlyList<FeatureMap> maps = await engine.ExtractAsync([.. batch.Select(e => e.Request)], abandoned).ConfigureAwait(false);
            TimeSpan computed = Stopwatch.GetElapsedTime(launched);
            metrics.Computed(computed, batch.Count);
            secondsPerRequest += 0.2 * (computed.TotalSeconds / batch.Count - secondsPerRequest);
            Finished();
            for (int i = 0; i < batch.Count; i++)
                batch[i].Completion.TrySetResult(new Extraction(maps[i], Stopwatch.GetElapsedTime(batch[i].Arrived, launched), computed, batch.Count));
        }
#pragma warning disable CA1031 // The failure belongs to the callers of this batch; the queue must go on.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Finished();
            foreach (Entry entry in batch) entry.Completion.TrySetException(exception);
        }
    }

    // Before the callers hear of it, so that one who comes back at once finds the place that it had.
    private void Finished()
    {
        lock (gate) launch = null;
    }

    /// <summary>A batch on the device, and the word that nobody waits for it any more.</summary>
    private sealed record Launch(List<Entry> Batch, CancellationTokenSource Abandoned);

    private sealed class Entry
    {
        public Entry(ExtractionRequest request)
        {
            Request = request;
            Place = new LinkedListNode<Entry>(this);
        }

        public ExtractionRequest Request { get; }

        public LinkedListNode<Entry> Place { get; }

        public long Arrived { get; } = Stopwatch.GetTimestamp();

        public TaskCompletionSource<Extraction> Completion { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
