using CorrMesh.Pose.Symmetries;
using CorrMesh.Protos.Common.V1;
using CorrMesh.Protos.Pose.V1;
using CorrMesh.Rendering.Meshes;

namespace CorrMesh.Pose.Objects;

/// <summary>What an object is to be made from, checked.</summary>
/// <param name="Config">As it was given.</param>
/// <param name="Mesh">Metres; null without one.</param>
/// <param name="Pictures">Uploaded ones; none: the mesh is rendered.</param>
/// <param name="Box">Only points within it count; null for all.</param>
/// <param name="Symmetries">Declared ones, and those that were found.</param>
internal sealed record ObjectOrder(ObjectConfig Config, TriangleMesh? Mesh, IReadOnlyList<PosedPicture> Pictures, Box? Box, SymmetrySet Symmetries)
{
    public FeatureSpec Spec => Config.Spec ?? new FeatureSpec();
}
