using System.ComponentModel.DataAnnotations;

namespace CorrMesh.Hosting.Options;

/// <summary>How a process stops; section `CorrMesh:Drain`.</summary>
public sealed class DrainOptions
{
    public const string Section = "CorrMesh:Drain";

    /// <summary>From health saying NOT_SERVING to listeners closing: the time that load balancers need to look away.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:05:00")]
    public TimeSpan Notice { get; init; } = TimeSpan.Zero;

    /// <summary>How long calls in flight may go on, all modules together. A cluster's grace period must be longer than both.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "01:00:00")]
    public TimeSpan Limit { get; init; } = TimeSpan.FromSeconds(20);
}
