using System.ComponentModel;
using CorrMesh.Gateway.OpenApi;
using CorrMesh.Gateway.Reporting;
using CorrMesh.Hosting.Security;
using CorrMesh.Protos.Status.V1;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace CorrMesh.Gateway.Http;

/// <summary>`GET /v1/status`: every process of the mesh, for people and panels.</summary>
internal static class StatusRoutes
{
    public static void MapStatus(this IEndpointRouteBuilder endpoints) =>
        endpoints.MapGet("/v1/status", async (HttpContext context, StatusBoard board) =>
            {
                context.Response.Headers.CacheControl = "no-store";
                return StatusReply.From(await board.ReadAsync(context.RequestAborted), ApiKeys.IsOperator(context));
            })
            .Describe(
                "Operations",
                "GetStatus",
                "Every process of the mesh: health, queue, cache, and where the time of the last minute's calls went.",
                "Always 200: a process that gives no answer is listed as not serving, with the reason. GET /healthz says by its status whether the mesh serves. "
                + "Once there are API keys, addresses and process ids are for holders of an admin's.")
            .Produces<StatusReply>()
            .ProducesProblems(500);
}

[Description("One part of the time of several calls, in milliseconds.")]
public sealed record PartLatencyReply(double MeanMs, double P50Ms, double P99Ms)
{
    internal static PartLatencyReply? From(PartLatency? part) => part is null ? null : new(part.MeanNs / 1e6, part.P50Ns / 1e6, part.P99Ns / 1e6);
}

[Description("Where the time of the calls went that ended within the last window_s; parts are absent without a call.")]
public sealed record LatencyReply(
    double WindowS, uint Count, PartLatencyReply? Decode = null, PartLatencyReply? Queue = null, PartLatencyReply? Compute = null, PartLatencyReply? Cache = null, PartLatencyReply? Total = null)
{
    internal static LatencyReply From(RecentLatency latency) => new(
        latency.WindowNs / 1e9, latency.Count, PartLatencyReply.From(latency.Decode), PartLatencyReply.From(latency.Queue), PartLatencyReply.From(latency.Compute),
        PartLatencyReply.From(latency.Cache), PartLatencyReply.From(latency.Total));
}

[Description("One process of a service.")]
public sealed record ProcessReply(
    string Service,
    bool Serving,
    [property: Description("Why it does not serve, by part.")] IReadOnlyDictionary<string, string> Reasons,
    [property: Description("Host and port of its gRPC listener; absent for the gateway that answers.")] string? Address = null,
    int? ProcessId = null,
    string? Version = null,
    DateTimeOffset? StartTime = null,
    double? UptimeS = null,
    [property: Description("What it is, such as device and default_model.")] IReadOnlyDictionary<string, string>? Facts = null,
    [property: Description("What it counts, such as requests, queue.length and store.hits.")] IReadOnlyDictionary<string, double>? Numbers = null,
    LatencyReply? Latency = null)
{
    internal static ProcessReply From(StatusEntry entry, bool withPlace) => entry.Status is { } status
        ? new ProcessReply(
            entry.Service, status.Serving, Sorted(status.Reasons), withPlace ? entry.Address : null, withPlace ? status.ProcessId : null, status.Version, status.StartTime?.ToDateTimeOffset(), status.UptimeNs / 1e9,
            Sorted(status.Facts), Sorted(status.Numbers), LatencyReply.From(status.Latency ?? new RecentLatency()))
        : new ProcessReply(entry.Service, false, new Dictionary<string, string> { ["status"] = entry.Fault ?? "" }, withPlace ? entry.Address : null);

    private static SortedDictionary<string, T> Sorted<T>(IDictionary<string, T> map) => new(map, StringComparer.Ordinal);
}

[Description("The mesh: serving when every process is.")]
public sealed record StatusReply(bool Serving, IReadOnlyList<ProcessReply> Processes)
{
    internal static StatusReply From(IReadOnlyList<StatusEntry> entries, bool withPlaces)
    {
        ProcessReply[] processes = [.. entries.Select(entry => ProcessReply.From(entry, withPlaces))];
        return new StatusReply(processes.All(process => process.Serving), processes);
    }
}
