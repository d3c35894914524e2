using System.Diagnostics.Metrics;
using CorrMesh.Features.Store;

namespace CorrMesh.Features;

/// <summary>What the features service measures.</summary>
public sealed class FeatureMetrics : IDisposable
{
    private readonly Meter meter = new("corrmesh.features");
    private readonly Histogram<double> queued, computed;
    private readonly Histogram<int> batches;
    private readonly Counter<long> hits, misses, refusals;
    private long hitCount, missCount;

    public FeatureMetrics()
    {
        queued = meter.CreateHistogram<double>("corrmesh.features.queue.duration", "s", "From being queued to being launched.");
        computed = meter.CreateHistogram<double>("corrmesh.features.compute.duration", "s", "One batch through the network.");
        batches = meter.CreateHistogram<int>("corrmesh.features.batch.count", "{image}", "Images computed together.");
        hits = meter.CreateCounter<long>("corrmesh.features.store.hits", "{lookup}", "Maps found in the store.");
        misses = meter.CreateCounter<long>("corrmesh.features.store.misses", "{lookup}", "Maps that had to be computed.");
        refusals = meter.CreateCounter<long>("corrmesh.features.queue.refusals", "{request}", "Requests turned away because the queue was full.");
    }

    public void Queued(TimeSpan duration) => queued.Record(duration.TotalSeconds);

    public void Computed(TimeSpan duration, int images)
    {
        computed.Record(duration.TotalSeconds);
        batches.Record(images);
    }

    /// <summary>Maps found in the store since the start.</summary>
    public long Hits => Interlocked.Read(ref hitCount);

    /// <summary>Maps that had to be computed since the start.</summary>
    public long Misses => Interlocked.Read(ref missCount);

    public void Hit()
    {
        hits.Add(1);
        Interlocked.Increment(ref hitCount);
    }

    public void Missed()
    {
        misses.Add(1);
        Interlocked.Increment(ref missCount);
    }

    public void Refused() => refusals.Add(1);

    /// <summary>Also reports how full the store and how long the queue is.</summary>
    public void Observe(FeatureStore store, Func<int> queueLength)
    {
        meter.CreateObservableGauge("corrmesh.features.store.size", () => store.SizeBytes, "By", "Bytes of maps and descriptor sets held.");
        meter.CreateObservableGauge("corrmesh.features.queue.length", queueLength, "{request}", "Requests waiting or running.");
        meter.CreateObservableGauge("corrmesh.features.tensors.live", () => TorchSharp.torch.Tensor.TotalCount, "{tensor}", "Tensors alive in the process.");
    }

    public void Dispose() => meter.Dispose();
}
