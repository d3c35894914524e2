using System.ComponentModel;
using CorrMesh.Gateway.OpenApi;
using CorrMesh.Hosting.Errors;
using CorrMesh.Protos.Training.V1;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace CorrMesh.Gateway.Http;

/// <summary>`/v1/adapters`: what the names of adapters mean, and changing that.</summary>
internal static class AdapterRoutes
{
    private const string Tag = "Adapters", OneName = "/v1/adapters/{name}", ByWhom = "Where there are API keys, an admin's is needed.";

    public static void MapAdapters(this IEndpointRouteBuilder endpoints)
    {
        endpoints.MapGet("/v1/adapters", async (HttpContext context, TrainingService.TrainingServiceClient training, GatewayOptions options, TimeProvider time) =>
                PublishedAdaptersReply.From(await training.ListAdaptersAsync(new ListAdaptersRequest(), deadline: options.Deadline(time), cancellationToken: context.RequestAborted)))
            .Describe(Tag, "ListAdapters", "Every name of an adapter, with what it means and has meant.")
            .Produces<PublishedAdaptersReply>()
            .ProducesProblems(409, 503, 504, 500);
        endpoints.MapPut(OneName, async (string name, string? job, HttpContext context, TrainingService.TrainingServiceClient training, GatewayOptions options, TimeProvider time) =>
            {
                if (string.IsNullOrEmpty(job)) throw new FieldException("job", "the id of a job needed, none given");
                return PublishedAdapterReply.From((await training.PublishAdapterAsync(
                    new PublishAdapterRequest { Name = name, Job = job }, deadline: options.Deadline(time), cancellationToken: context.RequestAborted)).Adapter);
            })
            .Describe(
                Tag, "PublishAdapter", "Makes a name mean the adapter of a job that the gate accepted.",
                $"job: the job's id. Served within a second, without a restart. Repeating a call changes nothing; an adapter that was refused is a 409 (ADAPTER_REFUSED) with the gate's reasons. {ByWhom}")
            .Produces<PublishedAdapterReply>()
            .ProducesProblems(400, 403, 404, 409, 503, 504, 500);
        endpoints.MapPost(OneName + ":rollback", async (string name, string? digest, HttpContext context, TrainingService.TrainingServiceClient training, GatewayOptions options, TimeProvider time) =>
                PublishedAdapterReply.From((await training.RollBackAdapterAsync(
                    new RollBackAdapterRequest { Name = name, Digest = digest ?? "" }, deadline: options.Deadline(time), cancellationToken: context.RequestAborted)).Adapter))
            .Describe(
                Tag, "RollBackAdapter", "Makes a name mean an adapter again that it meant before.",
                $"digest: the adapter's SHA-256, one of the name's versions; absent: the one before the present one, and a 409 (NO_EARLIER_VERSION) when there is none. {ByWhom}")
            .Produces<PublishedAdapterReply>()
            .ProducesProblems(400, 403, 404, 409, 503, 504, 500);
    }
}

[Description("An adapter that a name means or has meant.")]
public sealed record AdapterVersionReply(
    string Digest, string Model,
    [property: Description("When it was last published under the name; absent when that is not known.")] DateTimeOffset? PublishTime = null,
    [property: Description("The job that made it; absent when it came as a file.")] string? Job = null)
{
    internal static AdapterVersionReply From(AdapterVersion version) =>
        new(version.Digest, version.Model, version.PublishTime?.ToDateTimeOffset(), version.Job.Length > 0 ? version.Job : null);
}

[Description("A name of adapters. Requests name it as `adapter`; `name@sha256:DIGEST` holds them to one adapter.")]
public sealed record PublishedAdapterReply(
    string Name,
    [property: Description("The adapter that it means.")] string Digest,
    [property: Description("The model that that belongs to.")] string Model,
    [property: Description("All that it has meant, the last published first, at most 100.")] IReadOnlyList<AdapterVersionReply> Versions)
{
    internal static PublishedAdapterReply From(PublishedAdapter adapter) => new(adapter.Name, adapter.Digest, adapter.Model, [.. adapter.Versions.Select(AdapterVersionReply.From)]);
}

[Description("Every name of an adapter, in order.")]
public sealed record PublishedAdaptersReply(IReadOnlyList<PublishedAdapterReply> Adapters)
{
    internal static PublishedAdaptersReply From(ListAdaptersResponse response) => new([.. response.Adapters.Select(PublishedAdapterReply.From)]);
}
