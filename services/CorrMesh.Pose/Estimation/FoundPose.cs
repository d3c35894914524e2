using CorrMesh.Geometry.Pnp;
using CorrMesh.Pose.Pnp;

namespace CorrMesh.Pose.Estimation;

/// <summary>What a look at a part of a picture says about an object.</summary>
/// <param name="Result">Of the solver.</param>
/// <param name="Call">What it was asked.</param>
/// <param name="Rows">Of the object's descriptors, one for each pair.</param>
/// <param name="IsClose">Whether the object was looked at closely.</param>
/// <param name="Confidence">Probability that the pose is right; 0 without one.</param>
internal sealed record FoundPose(PnpResult Result, PnpCall? Call, int[] Rows, bool IsClose, double Confidence)
{
    public static FoundPose Nothing { get; } = new(PnpResult.Failed(PnpStatus.TooFewPoints), null, [], false, 0);

    public int Matches => Rows.Length;
}
