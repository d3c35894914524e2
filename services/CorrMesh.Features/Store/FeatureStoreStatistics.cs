namespace CorrMesh.Features.Store;

/// <summary>How the store has done since the process began, as plain numbers for those who show them.</summary>
/// <param name="MemoryHits">Look-ups that memory answered.</param>
/// <param name="RedisHits">Look-ups that Redis answered.</param>
/// <param name="Computed">Look-ups whose map had to be computed.</param>
/// <param name="MemoryBytes">Bytes of maps and descriptor sets held in memory.</param>
/// <param name="MemoryCount">Maps and descriptor sets held in memory.</param>
/// <param name="Redis">Whether the shared cache can be used.</param>
/// <param name="RedisCorrupt">Values that were no whole map of their key.</param>
/// <param name="RedisFailures">Reads and writes that failed or came too late.</param>
/// <param name="RedisDropped">Maps that were not written.</param>
public sealed record FeatureStoreStatistics(
    long MemoryHits, long RedisHits, long Computed, long MemoryBytes, int MemoryCount, RedisState Redis, long RedisCorrupt, long RedisFailures, long RedisDropped)
{
    public static FeatureStoreStatistics Of(FeatureStore store, RedisTier redis, FeatureMetrics metrics) => new(
        metrics.MemoryHits, metrics.RedisHits, metrics.Misses, store.SizeBytes, store.Count, redis.State, metrics.RedisCorruptCount, metrics.RedisFailures, metrics.RedisDrops);
}
