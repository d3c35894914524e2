using System.Diagnostics.Metrics;

namespace CorrMesh.Gateway;

/// <summary>What the gateway counts itself.</summary>
internal static class GatewayMetrics
{
    private static readonly Meter Meter = new("corrmesh.gateway");

    /// <summary>Requests turned away before any service saw them; tag `reason`.</summary>
    public static Counter<long> Refusals { get; } = Meter.CreateCounter<long>("corrmesh.gateway.refusals", "{request}", "Requests turned away at the door.");
}
