using System.Globalization;
using CorrMesh.Gateway.OpenApi;
using CorrMesh.Hosting.Options;
using CorrMesh.Protos.Features.V1;
using CorrMesh.Protos.Matching.V1;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace CorrMesh.Gateway.Http;

/// <summary>`POST /v1/features:render` and `POST /v1/match:heatmap`: answers that are pictures.</summary>
internal static class PictureRoutes
{
    private const int DefaultSide = 640, MaxSide = 2048;

    public static void MapPictures(this IEndpointRouteBuilder endpoints)
    {
        endpoints.MapPost("/v1/features:render", RenderAsync)
            .WithMetadata(new FormNames("source", "image"))
            .Describe(
                "Features",
                "RenderFeatures",
                "Features of images as colours.",
                "Equal colours mean similar features, across all images of the request: red, green and blue are their first three principal components. "
                + "The answer is one PNG; several images stand side by side in it, in order. Accept: application/json gives a PNG (base64) for each image instead.")
            .TakesForm(limits =>
            [
                FormField.Images("image", "The pictures, one part each", limits),
                FormField.Whole("long_side", 1, MaxSide, $"Longer side of each drawn picture in pixels. Absent: {DefaultSide}."),
                FormField.Model,
                FormField.Adapter,
                FormField.Tokens(limits),
            ])
            .Produces<RenderReply>()
            .ProducesBinary(Accepts.Png)
            .ProducesProblems(400, 404, 406, 413, 415, 429, 503, 504, 500);
        endpoints.MapPost("/v1/match:heatmap", HeatmapAsync)
            .WithMetadata(new FormNames())
            .Describe(
                "Matching",
                "Heatmap",
                "How similar every place of an image is to one position of another.",
                "The answer is a PNG of the target, from least (blue) to most similar (red), with the best position in the header Match-Position (x,y) and its cosine in "
                + "Match-Similarity. Accept: application/json gives all of it, the PNG as base64.")
            .TakesForm(limits =>
            [
                FormField.Image("source", "The picture that the position is in", limits),
                FormField.Image("target", "The picture to compare with it", limits),
                FormField.Text("point", "x,y inside the source, in pixels.") with { Required = true },
                FormField.Model,
                FormField.Adapter,
                FormField.Tokens(limits),
            ])
            .Produces<HeatmapReply>()
            .ProducesBinary(Accepts.Png)
            .ProducesProblems(400, 404, 406, 413, 415, 429, 503, 504, 500);
    }

    private static async Task<IResult> RenderAsync(
        HttpRequest request, FeatureService.FeatureServiceClient features, MeshLimits limits, GatewayOptions options, TimeProvider time)
    {
        bool json = Accepts.Choose(request, Accepts.Png, Accepts.Json) == Accepts.Json;
        var form = await MultipartForm.ReadAsync(
            request, new Dictionary<string, FileBounds> { ["image"] = new(limits.RenderImages) }, ["long_side", .. FormValues.SpecFields], limits).ConfigureAwait(false);
        var call = new RenderFeaturesRequest { Spec = FormValues.Spec(form, limits), LongSidePx = FormValues.Whole(form, "long_side", 1, MaxSide) ?? 0, SideBySide = !json };
        call.Sources.Add(FormValues.Sources(form, "image"));
        FormValues.CheckFits(call, "image", "all images", limits);
        var response = await features.RenderFeaturesAsync(call, deadline: options.Deadline(time), cancellationToken: request.HttpContext.RequestAborted).ConfigureAwait(false);
        if (json) return Results.Ok(RenderReply.From(response));
        request.HttpContext.Response.Headers["Features-Key"] = string.Join(',', response.Images.Select(image => image.Reference.FeaturesKey));
        return Results.Bytes(response.SideBySidePng.Memory, Accepts.Png);
    }

    private static async Task<IResult> HeatmapAsync(
        HttpRequest request, MatchingService.MatchingServiceClient matching, MeshLimits limits, GatewayOptions options, TimeProvider time)
    {
        bool json = Accepts.Choose(request, Accepts.Png, Accepts.Json) == Accepts.Json;
        var form = await MultipartForm.ReadAsync(request, ["source", "target"], ["point", .. FormValues.SpecFields], limits).ConfigureAwait(false);
        var call = new HeatmapRequest
        {
            Source = FormValues.Source(form, "source"),
            Target = FormValues.Source(form, "target"),
            Point = FormValues.Point(form, "point"),
            Spec = FormValues.Spec(form, limits),
        };
        FormValues.CheckFits(call, "target", "source and target", limits);
        var response = await matching.HeatmapAsync(call, deadline: options.Deadline(time), cancellationToken: request.HttpContext.RequestAborted).ConfigureAwait(false);
        if (json) return Results.Ok(HeatmapReply.From(response));
        var headers = request.HttpContext.Response.Headers;
        headers["Match-Position"] = string.Create(CultureInfo.InvariantCulture, $"{response.Best.X},{response.Best.Y}");
        headers["Match-Similarity"] = response.Similarity.ToString(CultureInfo.InvariantCulture);
        return Results.Bytes(response.Png.Memory, Accepts.Png);
    }
}
