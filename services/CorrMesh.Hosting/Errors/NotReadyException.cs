namespace CorrMesh.Hosting.Errors;

/// <summary>The service cannot answer just now: it is loading, or draining (UNAVAILABLE with RetryInfo).</summary>
/// <param name="reason">LOADING or DRAINING; machines read it.</param>
/// <param name="message">For people.</param>
/// <param name="retryAfter">When to come back.</param>
public sealed class NotReadyException(string reason, string message, TimeSpan retryAfter) : Exception(message)
{
    public const string Loading = "LOADING";
    public const string Draining = "DRAINING";

    public string Reason { get; } = reason;

    public TimeSpan RetryAfter { get; } = retryAfter;
}
