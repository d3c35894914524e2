using System.Diagnostics.Metrics;

namespace CorrMesh.Hosting.Telemetry;

/// <summary>What hosting counts for every module.</summary>
public static class HostingMetrics
{
    public const string MeterName = "corrmesh.hosting";

    private static readonly Meter Meter = new(MeterName);

    /// <summary>Calls answered with an error; tags `service` and `code`.</summary>
    public static Counter<long> Failures { get; } = Meter.CreateCounter<long>("corrmesh.hosting.call.failures", "{call}", "gRPC calls answered with an error.");

    /// <summary>Calls to other services tried again; tag `method`.</summary>
    public static Counter<long> Retries { get; } = Meter.CreateCounter<long>("corrmesh.hosting.client.retries", "{call}", "Unary calls tried again after UNAVAILABLE.");
}
