using System.ComponentModel.DataAnnotations;

namespace CorrMesh.Gateway;

/// <summary>What is the gateway's own; section `CorrMesh:Gateway`.</summary>
public sealed class GatewayOptions
{
    public const string Section = "CorrMesh:Gateway";

    /// <summary>How long an HTTP request may wait for the services; later it is answered with 504. gRPC callers bring deadlines of their own.</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "01:00:00")]
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>How long a service may take to say whether it serves.</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "00:01:00")]
    public TimeSpan HealthTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How often watchers of the mesh's health are looked after.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "00:01:00")]
    public TimeSpan HealthInterval { get; init; } = TimeSpan.FromSeconds(1);
}
