using CorrMesh.Gateway.OpenApi;
using CorrMesh.Hosting.Options;
using CorrMesh.Protos.Pose.V1;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Json;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Options;

namespace CorrMesh.Gateway.Http;

/// <summary>`/v1/objects`: objects that poses can be asked of.</summary>
internal static class ObjectRoutes
{
    private const string Tag = "Objects", All = "/v1/objects", One = "/v1/objects/{id}";

    public static void MapObjects(this IEndpointRouteBuilder endpoints)
    {
        endpoints.MapPost(All, CreateAsync)
            .WithMetadata(new ObjectFormNames())
            .Describe(
                Tag, "CreateObject", "Makes an object from its mesh, from posed pictures of it, or from both.",
                "It is there, whole, when the answer comes, which takes seconds to minutes; before, or when the upload breaks off, there is nothing of it. "
                + "All files together may be as large as an upload.")
            .TakesForm(ObjectForm.Fields)
            .Produces<ObjectReply>(StatusCodes.Status201Created)
            .ProducesProblems(400, 404, 409, 413, 415, 429, 503, 504, 500);
        endpoints.MapGet(All, async (HttpContext context, PoseService.PoseServiceClient poses, GatewayOptions options, TimeProvider time, string? page_size, string? page_token) =>
                ObjectsReply.From(await poses.ListObjectsAsync(
                    new ListObjectsRequest { PageSize = FormValues.PageSize(page_size), PageToken = page_token ?? "" }, deadline: options.Deadline(time), cancellationToken: context.RequestAborted)))
            .Describe(Tag, "ListObjects", "All objects, by id.", "page_size: 1 to 100, absent: 20. page_token: next_page_token of the page before.")
            .Produces<ObjectsReply>()
            .ProducesProblems(400, 409, 503, 504, 500);
        endpoints.MapGet(One, async (string id, HttpContext context, PoseService.PoseServiceClient poses, GatewayOptions options, TimeProvider time) =>
                ObjectReply.From((await poses.GetObjectAsync(new GetObjectRequest { Id = id }, deadline: options.Deadline(time), cancellationToken: context.RequestAborted)).Object))
            .Describe(Tag, "GetObject", "One object.")
            .Produces<ObjectReply>()
            .ProducesProblems(404, 409, 503, 504, 500);
        endpoints.MapDelete(One, async (string id, HttpContext context, PoseService.PoseServiceClient poses, GatewayOptions options, TimeProvider time) =>
            {
                await poses.DeleteObjectAsync(new DeleteObjectRequest { Id = id }, deadline: options.Deadline(time), cancellationToken: context.RequestAborted);
                return Results.NoContent();
            })
            .Describe(Tag, "DeleteObject", "Removes an object.", "Requests that have begun are answered.")
            .Produces(StatusCodes.Status204NoContent)
            .ProducesProblems(404, 409, 503, 504, 500);
        endpoints.MapGet(One + "/archive", ExportAsync)
            .Describe(Tag, "ExportObject", "An object's points and descriptors as a file.", "A zip that NumPy opens (numpy.load): points, descriptors, views.")
            .Produces(StatusCodes.Status200OK, contentType: Accepts.Zip)
            .ProducesProblems(404, 409, 503, 504, 500);
    }

    private static async Task<IResult> CreateAsync(HttpRequest request, PoseService.PoseServiceClient poses, MeshLimits limits, IOptions<JsonOptions> json, GatewayOptions options, TimeProvider time)
    {
        IReadOnlyList<CreateObjectRequest> messages = await ObjectForm.ReadAsync(request, limits, json.Value.SerializerOptions).ConfigureAwait(false);
        CancellationToken aborted = request.HttpContext.RequestAborted;
        using var call = poses.CreateObject(deadline: options.ObjectDeadline(time), cancellationToken: aborted);
        try
        {
            foreach (CreateObjectRequest message in messages) await call.RequestStream.WriteAsync(message, aborted).ConfigureAwait(false);
            await call.RequestStream.CompleteAsync().ConfigureAwait(false);
        }
        // The service has answered before it had read all: its answer says why.
        catch (Exception exception) when (exception is RpcException or InvalidOperationException)
        {
        }
        ObjectInfo made = (await call.ResponseAsync.ConfigureAwait(false)).Object;
        return Results.Created($"{All}/{made.Id}", ObjectReply.From(made));
    }

    private static Task<IResult> ExportAsync(string id, HttpContext context, PoseService.PoseServiceClient poses, GatewayOptions options, TimeProvider time) => Downloads.StreamAsync(
        context, poses.ExportObject(new ExportObjectRequest { Id = id }, deadline: options.ObjectDeadline(time), cancellationToken: context.RequestAborted), part => part.Content, Accepts.Zip, $"{id}.zip");
}
