using System.Globalization;
using System.Text.Json;
using CorrMesh.Gateway.OpenApi;
using CorrMesh.Hosting.Errors;
using CorrMesh.Hosting.Options;
using CorrMesh.Protos.Common.V1;
using CorrMesh.Protos.Pose.V1;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Json;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Options;

namespace CorrMesh.Gateway.Http;

/// <summary>`POST /v1/pose` and `POST /v1/pose:relative`.</summary>
internal static class PoseRoutes
{
    private const int MostObjects = 16;

    private static FormField Seed => FormField.Count("seed", "The same seed and form give the same answer. Absent: 0.");

    public static void MapPoses(this IEndpointRouteBuilder endpoints)
    {
        endpoints.MapPost("/v1/pose", EstimateAsync)
            .WithMetadata(new PoseFormNames())
            .Describe(
                "Pose",
                "EstimatePose",
                "Where objects are in a picture.",
                "An answer for each object, in order. That there is no pose is an answer, too: status says why. Camera frame: x to the right, y down, z forward; metres.")
            .TakesForm(limits =>
            [
                FormField.Image("image", "The picture", limits),
                FormField.Text("object", $"Ids of objects to look for, 1 to {MostObjects}, separated by commas.") with { Required = true },
                .. CameraFields.Fields,
                FormField.Text("region", "x,y,width,height in whole pixels: where to look. Absent: the whole picture."),
                FormField.File("depth", $"Depth that belongs to the picture: {DepthFields.Content}. It makes the distance more exact."),
                DepthFields.UnitField,
                FormField.Text("camera_to_base", "JSON, [4][4]: where the camera is in a frame of yours, metres; the reply then has object_to_base."),
                Seed,
                FormField.Switch("outline", "true or false: also tell each object's outline in the picture. Absent: false."),
            ])
            .Produces<PosesReply>()
            .ProducesProblems(400, 404, 409, 413, 415, 429, 503, 504, 500);
        endpoints.MapPost("/v1/pose:relative", RelateAsync)
            .WithMetadata(new PoseFormNames())
            .Describe(
                "Pose",
                "EstimateRelativePose",
                "How the camera moved between two pictures of one scene.",
                "Without depth only the translation's direction is known: it has length 1. A camera that has turned alone is an answer of its own: no_baseline. "
                + "Camera frame: x to the right, y down, z forward.")
            .TakesForm(limits =>
            [
                FormField.Image("source", "The first picture", limits),
                FormField.Image("target", "The second picture", limits),
                .. CameraFields.Fields,
                FormField.Text("target_camera", "The second picture's camera, JSON as camera. Absent: the same."),
                FormField.File("source_depth", $"Depth of the first picture: {DepthFields.Content}. The translation is then in metres."),
                DepthFields.UnitField,
                FormField.Model,
                FormField.Adapter,
                FormField.Tokens(limits),
                Seed,
            ])
            .Produces<RelativePoseReply>()
            .ProducesProblems(400, 404, 413, 415, 429, 503, 504, 500);
    }

    private static async Task<PosesReply> EstimateAsync(HttpRequest request, PoseService.PoseServiceClient poses, MeshLimits limits, IOptions<JsonOptions> json, GatewayOptions options, TimeProvider time)
    {
        var form = await MultipartForm.ReadAsync(request, ["image", "depth"], ["object", .. CameraFields.Names, "region", DepthFields.Unit, "camera_to_base", "seed", "outline"], limits).ConfigureAwait(false);
        var call = new EstimatePoseRequest
        {
            Image = new Image { Encoded = form.File("image") },
            Camera = Camera(request, form, json.Value.SerializerOptions),
            RegionOfInterest = form.Text("region") is { } region ? Region(region) : null,
            Depth = DepthFields.Read(form, "depth").SingleOrDefault(),
            CameraToBase = FormJson.Read<double[][]>(form, "camera_to_base", json.Value.SerializerOptions) is { } rows ? Transforms.Read(rows, "camera_to_base") : null,
            Seed = FormValues.Seed(form),
            ReturnOutline = FormValues.Switch(form, "outline"),
        };
        call.Objects.AddRange((form.Text("object") ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries));
        if (call.Objects.Count is 0 or > MostObjects) throw new FieldException("object", $"1 to {MostObjects} ids needed, {call.Objects.Count} given");
        FormValues.CheckFits(call, "image", "image and depth", limits);
        return PosesReply.From(await poses.EstimatePoseAsync(call, deadline: options.Deadline(time), cancellationToken: request.HttpContext.RequestAborted).ConfigureAwait(false));
    }

    private static async Task<RelativePoseReply> RelateAsync(HttpRequest request, PoseService.PoseServiceClient poses, MeshLimits limits, IOptions<JsonOptions> json, GatewayOptions options, TimeProvider time)
    {
        var form = await MultipartForm.ReadAsync(
            request, ["source", "target", "source_depth"], [.. CameraFields.Names, "target_camera", DepthFields.Unit, .. FormValues.SpecFields, "seed"], limits).ConfigureAwait(false);
        var call = new EstimateRelativePoseRequest
        {
            Source = new Image { Encoded = form.File("source") },
            Target = new Image { Encoded = form.File("target") },
            SourceCamera = Camera(request, form, json.Value.SerializerOptions),
            TargetCamera = FormJson.Read<CameraBody>(form, "target_camera", json.Value.SerializerOptions)?.ToCamera("target_camera"),
            SourceDepth = DepthFields.Read(form, "source_depth").SingleOrDefault(),
            Spec = FormValues.Spec(form, limits),
            Seed = FormValues.Seed(form),
        };
        FormValues.CheckFits(call, "target", "source, target and source_depth", limits);
        return RelativePoseReply.From(await poses.EstimateRelativePoseAsync(call, deadline: options.Deadline(time), cancellationToken: request.HttpContext.RequestAborted).ConfigureAwait(false));
    }

    private static Camera Camera(HttpRequest request, MultipartForm form, JsonSerializerOptions json)
    {
        (Camera camera, bool isJson) = CameraFields.Read(form, json);
        request.HttpContext.Features.Set<FormNames>(new PoseFormNames(isJson));
        return camera;
    }

    private static Rectangle Region(string text)
    {
        string[] parts = text.Split(',', StringSplitOptions.TrimEntries);
        uint[] numbers = [.. parts.Select(part => uint.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out uint value) ? value : throw Refused())];
        return numbers is [var x, var y, var width, var height] ? new Rectangle { X = x, Y = y, Width = width, Height = height } : throw Refused();

        FieldException Refused() => new("region", $"x,y,width,height in whole pixels needed, '{FormValues.Shorten(text)}' given");
    }
}
