using System.ComponentModel;
using CorrMesh.Protos.Common.V1;
using CorrMesh.Protos.Features.V1;
using CorrMesh.Protos.Matching.V1;

namespace CorrMesh.Gateway.Http;

[Description("A position in pixels: x to the right, y down; the centre of the top-left pixel is (0, 0).")]
public sealed record PointReply(double X, double Y)
{
    internal static PointReply From(Point point) => new(point.X, point.Y);
}

[Description("The size of an image in pixels, after its EXIF orientation.")]
public sealed record SizeReply(uint Width, uint Height)
{
    internal static SizeReply From(ImageSize size) => new(size.Width, size.Height);
}

[Description("Which weights made the features: names, and the SHA-256 of each file.")]
public sealed record IdentityReply(string Model, string ModelDigest, string? Adapter = null, string? AdapterDigest = null)
{
    internal static IdentityReply From(ModelIdentity identity) => new(
        identity.Model, identity.ModelDigest, identity.Adapter.Length > 0 ? identity.Adapter : null, identity.AdapterDigest.Length > 0 ? identity.AdapterDigest : null);
}

[Description("Where the time went, in milliseconds.")]
public sealed record TimingsReply(double DecodeMs, double QueueMs, double ComputeMs, double CacheMs, double TotalMs)
{
    internal static TimingsReply From(Timings timings) => new(
        timings.DecodeNs / 1e6, timings.QueueNs / 1e6, timings.ComputeNs / 1e6, timings.CacheNs / 1e6, timings.TotalNs / 1e6);
}

[Description("Where the tokens lie: token (row j, column i) is centred at first_centre + (i * step_x_px, j * step_y_px).")]
public sealed record GridReply(uint Columns, uint Rows, PointReply FirstCentre, double StepXPx, double StepYPx)
{
    internal static GridReply From(TokenGrid grid) => new(grid.Columns, grid.Rows, PointReply.From(grid.FirstCentre), grid.StepXPx, grid.StepYPx);
}

[Description("An image's feature map: its key in the cache, its geometry and its origin.")]
public sealed record FeaturesReply(string FeaturesKey, SizeReply ImageSize, GridReply Grid, uint Channels, IdentityReply Identity, TimingsReply Timings)
{
    internal static FeaturesReply From(ExtractFeaturesResponse response) => new(
        response.Reference.FeaturesKey, SizeReply.From(response.Reference.ImageSize), GridReply.From(response.Reference.Grid), response.Reference.Channels,
        IdentityReply.From(response.Reference.Identity), TimingsReply.From(response.Timings));
}

[Description("A position of the source and its match in the target.")]
public sealed record MatchReply(
    PointReply Source,
    PointReply Target,
    [property: Description("Cosine of the two descriptors, -1 to 1.")] double Similarity,
    [property: Description("Distance in source pixels between the position and the best match of its match.")] double CycleErrorPx,
    [property: Description("Whether cycle_error_px is at most 1.5 token steps.")] bool Visible);

[Description("One match for each position, in order.")]
public sealed record MatchesReply(
    IReadOnlyList<MatchReply> Matches, SizeReply SourceSize, SizeReply TargetSize, string SourceFeaturesKey, string TargetFeaturesKey, IdentityReply Identity, TimingsReply Timings)
{
    internal static MatchesReply From(MatchKeypointsResponse response) => new(
        [.. response.Matches.Select(match => new MatchReply(PointReply.From(match.Source), PointReply.From(match.Target), match.Similarity, match.CycleErrorPx, match.Visible))],
        SizeReply.From(response.Source.ImageSize), SizeReply.From(response.Target.ImageSize), response.Source.FeaturesKey, response.Target.FeaturesKey,
        IdentityReply.From(response.Source.Identity), TimingsReply.From(response.Timings));
}

[Description("An image's features as colours.")]
public sealed record RenderedImageReply([property: Description("The picture: PNG in base64.")] byte[] Png, string FeaturesKey, SizeReply ImageSize);

[Description("One picture for each image, in order; equal colours mean similar features across all of them.")]
public sealed record RenderReply(IReadOnlyList<RenderedImageReply> Images, IdentityReply Identity, TimingsReply Timings)
{
    internal static RenderReply From(RenderFeaturesResponse response) => new(
        [.. response.Images.Select(image => new RenderedImageReply(image.Png.ToByteArray(), image.Reference.FeaturesKey, SizeReply.From(image.Reference.ImageSize)))],
        IdentityReply.From(response.Images[0].Reference.Identity), TimingsReply.From(response.Timings));
}

[Description("How similar the target is to one position of the source.")]
public sealed record HeatmapReply(
    [property: Description("The heat map over the whole target, least (blue) to most similar (red): PNG in base64.")] byte[] Png,
    [property: Description("The most similar position of the target.")] PointReply Best,
    [property: Description("Cosine of the two descriptors, -1 to 1.")] double Similarity,
    SizeReply SourceSize, SizeReply TargetSize, string SourceFeaturesKey, string TargetFeaturesKey, IdentityReply Identity, TimingsReply Timings)
{
    internal static HeatmapReply From(HeatmapResponse response) => new(
        response.Png.ToByteArray(), PointReply.From(response.Best), response.Similarity, SizeReply.From(response.Source.ImageSize), SizeReply.From(response.Target.ImageSize),
        response.Source.FeaturesKey, response.Target.FeaturesKey, IdentityReply.From(response.Source.Identity), TimingsReply.From(response.Timings));
}

[Description("A small set of weights on top of a model.")]
public sealed record AdapterReply(string Name, string Digest);

[Description("A model: tokens are patch_size pixels wide in the resized image, and width channels deep.")]
public sealed record ModelReply(string Name, string Digest, uint PatchSize, uint Width, uint Depth, uint DefaultTokens, IReadOnlyList<AdapterReply> Adapters);

[Description("What requests may name.")]
public sealed record ModelsReply(string DefaultModel, uint MinTokens, uint MaxTokens, IReadOnlyList<ModelReply> Models)
{
    internal static ModelsReply From(ListModelsResponse response) => new(response.DefaultModel, response.MinTokens, response.MaxTokens,
    [
        .. response.Models.Select(model => new ModelReply(
            model.Name, model.Digest, model.PatchSize, model.Width, model.Depth, model.DefaultTokens,
            [.. model.Adapters.Select(adapter => new AdapterReply(adapter.Name, adapter.Digest))])),
    ]);
}

[Description("The mesh's health: serving when every service is.")]
public sealed record HealthReply(string Status, IReadOnlyDictionary<string, string> Services);
