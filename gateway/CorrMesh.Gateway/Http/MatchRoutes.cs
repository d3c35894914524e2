using CorrMesh.Gateway.OpenApi;
using CorrMesh.Hosting.Options;
using CorrMesh.Protos.Matching.V1;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace CorrMesh.Gateway.Http;

/// <summary>`POST /v1/match`.</summary>
internal static class MatchRoutes
{
    public static void MapMatch(this IEndpointRouteBuilder endpoints) =>
        endpoints.MapPost("/v1/match", MatchAsync)
            .WithMetadata(new FormNames())
            .Describe(
                "Matching",
                "MatchKeypoints",
                "Where positions of one image are in another.",
                "Coordinates are pixels of each uploaded image after its EXIF orientation, the centre of the top-left pixel being (0, 0). Every position asked for is "
                + "returned, in order; visible says whether going back from the match leads to it again.")
            .TakesForm(limits =>
            [
                FormField.Image("source", "The picture that the positions are in", limits),
                FormField.Image("target", "The picture to find them in", limits),
                FormField.Text(
                    "points",
                    $"x,y;x,y;... with at most {limits.Points} positions inside the source. One of points and grid is needed. "
                    + "A space separates points as well, which curl's -F needs: it ends a value at its first semicolon."),
                FormField.Whole("grid", 1, FormValues.MaxGrid, "N: the centres of N x N equal cells of the source, row by row."),
                FormField.Model,
                FormField.Adapter,
                FormField.Tokens(limits),
            ])
            .Produces<MatchesReply>()
            .ProducesProblems(400, 404, 413, 415, 429, 503, 504, 500);

    private static async Task<MatchesReply> MatchAsync(
        HttpRequest request, MatchingService.MatchingServiceClient matching, MeshLimits limits, GatewayOptions options, TimeProvider time)
    {
        var form = await MultipartForm.ReadAsync(request, ["source", "target"], ["points", "grid", .. FormValues.SpecFields], limits).ConfigureAwait(false);
        var call = new MatchKeypointsRequest
        {
            Source = FormValues.Source(form, "source"),
            Target = FormValues.Source(form, "target"),
            Selection = FormValues.Selection(form, limits),
            Spec = FormValues.Spec(form, limits),
        };
        // Matching sends what it got on to Features, one image at a time but with keys and points beside it.
        FormValues.CheckFits(call, "target", "source, target and points", limits);
        return MatchesReply.From(await matching.MatchKeypointsAsync(call, deadline: options.Deadline(time), cancellationToken: request.HttpContext.RequestAborted).ConfigureAwait(false));
    }
}
