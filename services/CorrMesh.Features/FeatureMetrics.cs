using System.Diagnostics.Metrics;
using CorrMesh.Features.Store;

namespace CorrMesh.Features;

/// <summary>What the features service measures.</summary>
public sealed class FeatureMetrics : IDisposable
{
    private readonly Meter meter = new("corrmesh.features");
    private readonly Histogram<double> queued, computed, redisDuration;
    private readonly Histogram<int> batches;
    private readonly Counter<long> refusals;
    private readonly Tally memoryHits, redisHits, misses, redisAnswers, redisMisses, redisCorrupt, redisFailures, redisDropped, reloads, catalogFailures;

    public FeatureMetrics()
    {
        queued = meter.CreateHistogram<double>("corrmesh.features.queue.duration", "s", "From being queued to being launched.");
        computed = meter.CreateHistogram<double>("corrmesh.features.compute.duration", "s", "One batch through the network.");
        batches = meter.CreateHistogram<int>("corrmesh.features.batch.count", "{image}", "Images computed together.");
        refusals = meter.CreateCounter<long>("corrmesh.features.queue.refusals", "{request}", "Requests turned away because the queue was full.");
        Counter<long> hits = meter.CreateCounter<long>("corrmesh.features.store.hits", "{lookup}", "Maps found in the store, by tier.");
        memoryHits = new Tally(hits, "memory");
        redisHits = new Tally(hits, "redis");
        misses = Count("corrmesh.features.store.misses", "{lookup}", "Maps that had to be computed.");
        redisAnswers = Count("corrmesh.features.redis.hits", "{read}", "Reads from Redis that gave a map.");
        redisMisses = Count("corrmesh.features.redis.misses", "{read}", "Reads from Redis that found no value.");
        redisCorrupt = Count("corrmesh.features.redis.corrupt", "{read}", "Reads from Redis whose value was no whole map of its key.");
        redisFailures = Count("corrmesh.features.redis.failures", "{operation}", "Reads and writes that Redis refused, did not take or did not answer in time.");
        redisDropped = Count("corrmesh.features.redis.dropped", "{map}", "Maps that were not written to Redis: too large, queue full, or it failed.");
        redisDuration = meter.CreateHistogram<double>("corrmesh.features.redis.duration", "s", "From asking Redis to its answer, by operation (read, write).");
        reloads = Count("corrmesh.features.catalog.reloads", "{reload}", "Times that models and adapters were read anew.");
        catalogFailures = Count("corrmesh.features.catalog.failures", "{generation}", "Generations of the data directory that could not be read; the ones before stay.");
    }

    public long MemoryHits => memoryHits.Value;

    public long RedisHits => redisHits.Value;

    public long Misses => misses.Value;

    public long RedisCorruptCount => redisCorrupt.Value;

    public long RedisFailures => redisFailures.Value;

    public long RedisDrops => redisDropped.Value;

    public long Reloads => reloads.Value;

    public long CatalogFailures => catalogFailures.Value;

    public void Queued(TimeSpan duration) => queued.Record(duration.TotalSeconds);

    public void Computed(TimeSpan duration, int images)
    {
        computed.Record(duration.TotalSeconds);
        batches.Record(images);
    }

    /// <summary>A look-up was answered by memory.</summary>
    public void HitMemory() => memoryHits.Add();

    /// <summary>A look-up was answered by Redis.</summary>
    public void HitRedis() => redisHits.Add();

    /// <summary>A look-up's map had to be computed.</summary>
    public void Missed() => misses.Add();

    public void Refused() => refusals.Add(1);

    public void RedisHit() => redisAnswers.Add();

    public void RedisMissed() => redisMisses.Add();

    public void RedisCorrupt() => redisCorrupt.Add();

    public void RedisFailed() => redisFailures.Add();

    public void RedisDropped() => redisDropped.Add();

    /// <param name="operation">"read" or "write".</param>
    public void RedisAnswered(TimeSpan duration, string operation) => redisDuration.Record(duration.TotalSeconds, new KeyValuePair<string, object?>("operation", operation));

    public void CatalogReloaded() => reloads.Add();

    public void CatalogFailed() => catalogFailures.Add();

    /// <summary>Also reports how full the store and how long the queue is, and whether Redis answers.</summary>
    public void Observe(FeatureStore store, RedisTier redis, Func<int> queueLength)
    {
        meter.CreateObservableGauge("corrmesh.features.store.size", () => store.SizeBytes, "By", "Bytes of maps and descriptor sets held.");
        meter.CreateObservableGauge("corrmesh.features.queue.length", queueLength, "{request}", "Requests waiting or running.");
        meter.CreateObservableGauge("corrmesh.features.tensors.live", () => TorchSharp.torch.Tensor.TotalCount, "{tensor}", "Tensors alive in the process.");
        if (redis.State == RedisState.Off) return;
        meter.CreateObservableGauge("corrmesh.features.redis.up", () => redis.State == RedisState.Up ? 1 : 0, null, "1 while Redis answers, 0 while it does not.");
        meter.CreateObservableGauge("corrmesh.features.redis.queue.size", () => redis.QueuedBytes, "By", "Bytes of maps that wait to be written to Redis.");
    }

    public void Dispose() => meter.Dispose();

    private Tally Count(string name, string unit, string description) => new(meter.CreateCounter<long>(name, unit, description), null);

    /// <summary>A counter whose value can be read here too.</summary>
    private sealed class Tally(Counter<long> counter, string? tier)
    {
        private long value;

        public long Value => Interlocked.Read(ref value);

        public void Add()
        {
            Interlocked.Increment(ref value);
            if (tier is null) counter.Add(1);
            else counter.Add(1, new KeyValuePair<string, object?>("tier", tier));
        }
    }
}
