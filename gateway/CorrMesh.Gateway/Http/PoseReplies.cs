using System.ComponentModel;
using System.Text.Json.Serialization;
using CorrMesh.Protos.Pose.V1;

namespace CorrMesh.Gateway.Http;

[Description("Where an object is, or why that cannot be said.")]
public sealed record ObjectPoseReply(
    [property: JsonPropertyName("object"), Description("The object's id.")] string ObjectId,
    [property: Description("solved, too_few_points, no_consensus or degenerate.")] string Status,
    [property: Description("The likeliest pose, metres; absent unless solved.")] PoseReply? Best,
    [property: Description("Other poses that the matches cannot tell from it, likelier ones first; poses that differ by a symmetry are one.")] IReadOnlyList<PoseReply> Alternatives,
    [property: Description("How probable it is that the pose is right: turned by at most 5 degrees, and off by at most 5 cm or a tenth of the object's diameter, whichever is less. 0 unless solved.")] double Confidence,
    [property: Description("Matches of the picture with the object.")] uint Matches,
    [property: Description("Those that the pose explains.")] uint Inliers,
    [property: Description("Standard deviation of the inliers in each axis, as found.")] double NoisePx,
    [property: Description("[N][2]: the object's outline in the picture, pixels, a closed polygon; absent unless asked for.")] IReadOnlyList<double[]>? Outline,
    [property: Description("What looks like a mistake in what was given.")] IReadOnlyList<FindingReply> Findings)
{
    internal static ObjectPoseReply From(ObjectPose pose) => new(
        pose.Object, PoseNames.Of(pose.Status), pose.Best is { } best ? PoseReply.From(best) : null, [.. pose.Alternatives.Select(PoseReply.From)], pose.Confidence, pose.Matches, pose.Inliers, pose.NoisePx,
        pose.Outline.Count > 0 ? [.. pose.Outline.Select(point => new[] { point.X, point.Y })] : null, [.. pose.Findings.Select(FindingReply.From)]);
}

[Description("Where the objects are.")]
public sealed record PosesReply(
    [property: Description("One for each object that was asked for, in order.")] IReadOnlyList<ObjectPoseReply> Poses, SizeReply ImageSize, PoseTimingsReply Timings)
{
    internal static PosesReply From(EstimatePoseResponse response) => new([.. response.Poses.Select(ObjectPoseReply.From)], SizeReply.From(response.ImageSize), PoseTimingsReply.From(response.Timings));
}

[Description("A motion that the pictures allow.")]
public sealed record MotionReply(
    [property: Description("[4][4]: maps the source's camera frame to the target's. The translation has length 1 unless metric; 0 without a baseline.")] double[][] SourceToTarget,
    [property: Description("[5][5]: of [r; s], radians, target camera frame: the rotation, left perturbation, and the direction across itself. [3][3], of r alone, without a baseline.")] double[][] Covariance,
    [property: Description("Natural logarithm of how much likelier the pairs near their epipolar lines are than if all of them were wrong.")] double LogLikelihood,
    [property: Description("Standard deviation of the translation's length, metres; 0 unless metric.")] double LengthDeviation)
{
    internal static MotionReply From(RelativePoseEstimate estimate) =>
        new(Transforms.Rows(estimate.SourceToTarget), Transforms.Square(estimate.Covariance), estimate.LogLikelihood, estimate.LengthDeviation);
}

[Description("How the camera moved, or why that cannot be said.")]
public sealed record RelativePoseReply(
    [property: Description("solved, no_baseline, too_few_points, no_consensus or degenerate.")] string Status,
    [property: Description("The likeliest motion; absent unless solved or no_baseline.")] MotionReply? Best,
    [property: Description("Other motions that the pairs cannot tell from it.")] IReadOnlyList<MotionReply> Alternatives,
    [property: Description("Whether the translation is in metres.")] bool Metric,
    [property: Description("Matches between the pictures.")] uint Matches,
    [property: Description("Those that the motion explains.")] uint Inliers,
    [property: Description("Standard deviation of the inliers from their epipolar lines, as found.")] double NoisePx,
    PoseTimingsReply Timings)
{
    internal static RelativePoseReply From(EstimateRelativePoseResponse response) => new(
        PoseNames.Of(response.Status), response.Best is { } best ? MotionReply.From(best) : null, [.. response.Alternatives.Select(MotionReply.From)], response.Metric, response.Matches, response.Inliers,
        response.NoisePx, PoseTimingsReply.From(response.Timings));
}
