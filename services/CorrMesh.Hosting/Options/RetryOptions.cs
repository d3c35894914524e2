using System.ComponentModel.DataAnnotations;

namespace CorrMesh.Hosting.Options;

/// <summary>How calls to other services are tried again; section `CorrMesh:Retry`.</summary>
public sealed class RetryOptions
{
    public const string Section = "CorrMesh:Retry";

    /// <summary>Most tries after the first.</summary>
    [Range(0, 10)]
    public int Retries { get; init; } = 3;

    /// <summary>Wait before the first retry; it doubles from one to the next, with jitter.</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "00:00:10")]
    public TimeSpan FirstDelay { get; init; } = TimeSpan.FromMilliseconds(50);

    /// <summary>Longest wait, also when the service asks for a longer one.</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "00:01:00")]
    public TimeSpan MaxDelay { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Retries that may be spent at once; each successful call earns a tenth of one back, so a service that is down gets at most a tenth more load.</summary>
    [Range(0, 10_000)]
    public int Budget { get; init; } = 20;
}
