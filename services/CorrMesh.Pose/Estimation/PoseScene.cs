using CorrMesh.Geometry;
using CorrMesh.Protos.Common.V1;
using RigidPose = CorrMesh.Geometry.RigidPose;

namespace CorrMesh.Pose.Estimation;

/// <summary>A picture in which objects are looked for, checked.</summary>
/// <param name="Content">The whole picture.</param>
/// <param name="Width">Columns after the EXIF orientation.</param>
/// <param name="Height">Rows.</param>
/// <param name="Camera">That took it.</param>
/// <param name="Region">Where to look; null for the whole picture.</param>
/// <param name="DepthMetres">[height * width], 0 where nothing is known; null without.</param>
/// <param name="CameraToBase">Null when the caller named no frame.</param>
/// <param name="Seed">Of the searches.</param>
/// <param name="WithOutline">Whether outlines are asked for.</param>
internal sealed record PoseScene(
    Image Content, int Width, int Height, LensCamera Camera, Rectangle? Region, float[]? DepthMetres, RigidPose? CameraToBase, ulong Seed, bool WithOutline)
{
    public Rectangle WholeOrRegion => Region ?? new Rectangle { Width = (uint)Width, Height = (uint)Height };
}
