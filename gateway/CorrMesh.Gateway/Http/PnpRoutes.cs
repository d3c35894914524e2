using System.ComponentModel;
using System.Text.Json;
using System.Text.Json.Serialization;
using CorrMesh.Gateway.OpenApi;
using CorrMesh.Hosting.Errors;
using CorrMesh.Hosting.Options;
using CorrMesh.Protos.Common.V1;
using CorrMesh.Protos.Pose.V1;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.Json;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Options;

namespace CorrMesh.Gateway.Http;

/// <summary>`POST /v1/pnp`.</summary>
internal static class PnpRoutes
{
    public static void MapPnp(this IEndpointRouteBuilder endpoints) =>
        endpoints.MapPost("/v1/pnp", SolveAsync)
            .WithMetadata(new FormNames())
            .TakesJson<PnpBody>()
            .Describe(
                "Pose",
                "SolvePnp",
                "The pose of an object from where points of it are seen, some of them wrongly.",
                "At least 4 different pairs are needed for a pose. How noisy they are is found out, too. That there is no pose is an answer: status says why. "
                + "Camera frame: x to the right, y down, z forward. Translations are in the unit of object_points.")
            .Produces<PnpReply>()
            .ProducesProblems(400, 413, 415, 429, 503, 504, 500);

    private static async Task<PnpReply> SolveAsync(
        HttpRequest request, PoseService.PoseServiceClient poses, MeshLimits limits, IOptions<JsonOptions> json, GatewayOptions options, TimeProvider time)
    {
        PnpBody body = await ReadAsync(request, limits, json.Value.SerializerOptions).ConfigureAwait(false);
        SolvePnpRequest call = body.ToRequest();
        FormValues.CheckFits(call, "object_points", "the request", limits);
        return PnpReply.From(await poses.SolvePnpAsync(call, deadline: options.Deadline(time), cancellationToken: request.HttpContext.RequestAborted).ConfigureAwait(false));
    }

    private static async Task<PnpBody> ReadAsync(HttpRequest request, MeshLimits limits, JsonSerializerOptions json)
    {
        if (!request.HasJsonContentType())
            throw new UnsupportedFormatException(StatusCodes.Status415UnsupportedMediaType, "Content-Type", $"application/json needed, {(string.IsNullOrEmpty(request.ContentType) ? "nothing" : $"'{request.ContentType}'")} given");
        // What is read here travels on as one message.
        if (request.HttpContext.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size) size.MaxRequestBodySize = Math.Min(limits.MessageBytes, limits.UploadBytes);
        try
        {
            return await request.ReadFromJsonAsync<PnpBody>(json, request.HttpContext.RequestAborted).ConfigureAwait(false) ?? throw new FieldException("body", "an object needed, null given");
        }
        catch (JsonException exception)
        {
            throw FormJson.Fault(exception, exception.Path is { Length: > 2 } path ? path[2..] : "body");
        }
    }
}

[Description("Pairs of points, and the camera that sees them.")]
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record PnpBody(
    CameraBody? Camera = null,
    [property: Description("[N][3]: points of the object, any unit.")] double[][]? ObjectPoints = null,
    [property: Description("[N][2]: where they are seen, pixels.")] double[][]? ImagePoints = null,
    [property: Description("[N]: how much each pair is trusted, higher for more, on any scale.")] double[]? Scores = null,
    [property: Description("Pairs farther than this from their projections never count, pixels; default 14.")] double? MaxErrorPx = null,
    [property: Description("The same seed gives the same answer.")] ulong Seed = 0,
    [property: Description("[4][4]: where the camera is in a frame of yours; the reply then has object_to_base.")] double[][]? CameraToBase = null)
{
    internal SolvePnpRequest ToRequest()
    {
        if (Camera is null) throw new FieldException("camera", "a camera needed, none given");
        if (ObjectPoints is null) throw new FieldException("object_points", "points needed, none given");
        if (ImagePoints is null) throw new FieldException("image_points", "points needed, none given");
        if (ImagePoints.Length != ObjectPoints.Length) throw new FieldException("image_points", $"{ObjectPoints.Length} needed, one for each of object_points, {ImagePoints.Length} given");
        if (Scores is not null && Scores.Length != ObjectPoints.Length) throw new FieldException("scores", $"{ObjectPoints.Length} needed, one for each of object_points, {Scores.Length} given");
        var request = new SolvePnpRequest { Camera = Camera.ToCamera("camera"), Seed = Seed };
        if (MaxErrorPx == 0) throw new FieldException("max_error_px", "above 0 and at most 1000 allowed, 0 given");
        if (MaxErrorPx is { } error) request.MaxErrorPx = error;
        if (Scores is not null) request.Scores.Add(Scores);
        for (int i = 0; i < ObjectPoints.Length; i++)
        {
            double[] point = Transforms.Row(ObjectPoints[i], 3, $"object_points[{i}]"), seen = Transforms.Row(ImagePoints[i], 2, $"image_points[{i}]");
            request.Correspondences.Add(new Correspondence { ObjectPoint = new Vector3 { X = point[0], Y = point[1], Z = point[2] }, ImagePoint = new Point { X = seen[0], Y = seen[1] } });
        }
        if (CameraToBase is not null) request.CameraToBase = Transforms.Read(CameraToBase, "camera_to_base");
        return request;
    }
}

[Description("A pose, or why there is none.")]
public sealed record PnpReply(
    [property: Description("solved, too_few_points, no_consensus or degenerate.")] string Status,
    [property: Description("The likeliest pose; absent unless solved.")] PoseReply? Best,
    [property: Description("Other poses that the pairs cannot tell from it, likelier ones first.")] IReadOnlyList<PoseReply> Alternatives,
    [property: Description("Positions of the pairs within threshold_px of their projections, ascending.")] IReadOnlyList<uint> Inliers,
    [property: Description("Standard deviation of the inliers in each axis, as found.")] double NoisePx,
    [property: Description("Distance at which a pair counts as an outlier, as found.")] double ThresholdPx,
    uint Samples,
    TimingsReply Timings)
{
    internal static PnpReply From(SolvePnpResponse response) => new(
        PoseNames.Of(response.Status), response.Best is { } best ? PoseReply.From(best) : null, [.. response.Alternatives.Select(PoseReply.From)], response.InlierIndices, response.NoisePx, response.ThresholdPx, response.Samples,
        TimingsReply.From(response.Timings));
}
