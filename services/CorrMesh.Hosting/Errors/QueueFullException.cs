namespace CorrMesh.Hosting.Errors;

/// <summary>A bounded queue has no place for a request (RESOURCE_EXHAUSTED with RetryInfo).</summary>
/// <param name="queue">Which queue, in one word.</param>
/// <param name="capacity">How many requests it holds.</param>
/// <param name="retryAfter">When a place is likely to be free.</param>
public sealed class QueueFullException(string queue, int capacity, TimeSpan retryAfter)
    : Exception($"{queue}: all {capacity} places of the queue are taken")
{
    public const string Reason = "QUEUE_FULL";

    public TimeSpan RetryAfter { get; } = retryAfter;
}
