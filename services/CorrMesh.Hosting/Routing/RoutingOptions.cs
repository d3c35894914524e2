using System.ComponentModel.DataAnnotations;

namespace CorrMesh.Hosting.Routing;

/// <summary>How calls find their replica; section `CorrMesh:Routing`.</summary>
public sealed class RoutingOptions
{
    public const string Section = "CorrMesh:Routing";

    /// <summary>Requests waiting for a replica from which on further ones go to another, if that is at most half as busy.</summary>
    [Range(1, 100_000)]
    public int SpillLength { get; init; } = 16;   // two batches: a wait of about what computing a map twice costs

    /// <summary>How long to wait before a replica that could not be reached is asked for its health again.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "00:01:00")]
    public TimeSpan HealthRetry { get; init; } = TimeSpan.FromMilliseconds(200);
}
