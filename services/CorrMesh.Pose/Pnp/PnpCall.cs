using CorrMesh.Geometry;
using CorrMesh.Geometry.Pnp;

namespace CorrMesh.Pose.Pnp;

/// <summary>A request in the solver's terms.</summary>
/// <param name="ObjectPoints">[3 N].</param>
/// <param name="ImagePoints">[2 N], as the lens shows them.</param>
/// <param name="Scores">[N], or empty.</param>
/// <param name="Camera">That sees them.</param>
/// <param name="Options">Of the search.</param>
/// <param name="CameraToBase">Null when the caller named no frame.</param>
internal sealed record PnpCall(double[] ObjectPoints, double[] ImagePoints, double[] Scores, LensCamera Camera, PnpOptions Options, RigidPose? CameraToBase = null)
{
    public PnpResult Solve() => PnpSolver.Solve(ObjectPoints, Camera.Straighten(ImagePoints), Camera.Pinhole, Options, Scores);
}
