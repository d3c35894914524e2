using System.ComponentModel;
using CorrMesh.Protos.Pose.V1;

namespace CorrMesh.Gateway.Http;

[Description("A box along the axes of the object frame, metres.")]
public sealed record BoxReply(
    [property: Description("[3]: the corner of least coordinates.")] double[] Least,
    [property: Description("[3]: the corner of greatest coordinates.")] double[] Greatest)
{
    internal static BoxReply From(ObjectBox box) => new(Transforms.Row(box.Least), Transforms.Row(box.Greatest));
}

[Description("An axis about which an object looks the same however far it is turned; object frame, metres.")]
public sealed record AxisReply([property: Description("[3].")] double[] Direction, [property: Description("[3]: a point of the axis.")] double[] Offset);

[Description("Motions that leave an object looking the same, object frame, metres.")]
public sealed record SymmetriesReply(
    [property: Description("Each [4][4], without the identity.")] IReadOnlyList<double[][]> Discrete,
    IReadOnlyList<AxisReply> Continuous)
{
    internal static SymmetriesReply From(ObjectSymmetries? symmetries) => new(
        [.. (symmetries?.Discrete ?? []).Select(Transforms.Rows)],
        [.. (symmetries?.Continuous ?? []).Select(axis => new AxisReply(Transforms.Row(axis.Direction), Transforms.Row(axis.Offset)))]);
}

[Description("An object that poses can be asked of.")]
public sealed record ObjectReply(
    string Id,
    [property: Description("Its name for people; may be absent.")] string? DisplayName,
    DateTimeOffset? CreateTime,
    [property: Description("Where its points come from: mesh, depth, points or triangulated.")] string Source,
    IdentityReply Identity,
    [property: Description("Tokens along the longer side of what is looked at.")] uint Tokens,
    [property: Description("Pictures that it was made from.")] uint Pictures,
    [property: Description("Descriptors that were sampled.")] uint Sampled,
    [property: Description("Descriptors that were kept.")] uint Kept,
    [property: Description("Largest distance between two of its points, metres.")] double DiameterM,
    [property: Description("The box around its points.")] BoxReply Box,
    [property: Description("Declared or found.")] SymmetriesReply Symmetries,
    [property: Description("Whether its mesh is kept.")] bool HasMesh,
    [property: Description("Seconds that it took to make.")] double DurationS,
    [property: Description("What looked like a mistake in what it was made from.")] IReadOnlyList<FindingReply> Findings,
    [property: Description("SHA-256 of its archive: equal for equal objects.")] string Digest)
{
    internal static ObjectReply From(ObjectInfo info) => new(
        info.Id, info.DisplayName.Length > 0 ? info.DisplayName : null, info.CreateTime?.ToDateTimeOffset(), PoseNames.Of(info.Source), IdentityReply.From(info.Identity), info.Tokens, info.Pictures,
        info.Sampled, info.Kept, info.DiameterM, BoxReply.From(info.Box), SymmetriesReply.From(info.Symmetries), info.HasMesh, info.Duration?.ToTimeSpan().TotalSeconds ?? 0,
        [.. info.Findings.Select(FindingReply.From)], info.Digest);
}

[Description("A page of objects, by id; next_page_token is absent on the last one.")]
public sealed record ObjectsReply(IReadOnlyList<ObjectReply> Objects, string? NextPageToken = null)
{
    internal static ObjectsReply From(ListObjectsResponse response) =>
        new([.. response.Objects.Select(ObjectReply.From)], response.NextPageToken.Length > 0 ? response.NextPageToken : null);
}

/// <summary>The contract's enums as JSON spells them.</summary>
internal static class PoseNames
{
    public static string Of(PoseStatus status) => status switch
    {
        PoseStatus.Solved => "solved",
        PoseStatus.TooFewPoints => "too_few_points",
        PoseStatus.Degenerate => "degenerate",
        PoseStatus.NoBaseline => "no_baseline",
        _ => "no_consensus",
    };

    public static string Of(ObjectSource source) => source switch
    {
        ObjectSource.Mesh => "mesh",
        ObjectSource.Depth => "depth",
        ObjectSource.Points => "points",
        _ => "triangulated",
    };
}
