using System.Numerics;
using CorrMesh.Geometry;
using CorrMesh.Metrics;
using CorrMesh.Pose.Objects;
using CorrMesh.Rendering.Meshes;

namespace CorrMesh.Pose.Symmetries;

/// <summary>Finds the rotations that leave a mesh looking the same, colours included, as BOP declares them.</summary>
/// <remarks>
/// BOP (Hodaň et al., "BOP Challenge 2020", ECCV 2020 workshops) takes as symmetries the motions that move no point of the surface farther from the
/// surface than a tolerance, less those that the texture tells apart; people choose them there. Here points spread over the surface are moved and looked
/// up where they land: distance to the surface (point to plane), angle between normals and difference of colours must stay small, each in the mean and in
/// the share of points that are clearly off. To what may be off comes what a shift or turn of half a hundredth of the diameter changes: that tells two
/// poses apart no better, and lets rough surfaces and sharp edges be what they are.
/// An axis of symmetry passes through the centroid along a principal axis of the surface; where principal moments coincide, half turns across the axis
/// are looked for in the plane, or rotations of a few orders over all directions (Minovic, Ishikawa and Kato, "Symmetry Identification of a 3-D Object
/// Represented by Octree", PAMI 1993, name the cases). A candidate is refined by registering the surface with itself from there (Chen and Medioni 1992,
/// point to plane), which also corrects a centroid that something hidden has moved. Found rotations are kept as a group: what they make together holds
/// too, or the later one goes. Reflections are no motions.
/// A box whose sides differ by less than the tolerance counts as one with equal sides, and a prism of about 16 sides or more may count as round. What
/// covers less than about a hundredth of the surface, gloss, and what lies hidden inside are not told apart; light that a scan has baked into colours is.
/// </remarks>
internal static class SymmetryDetector
{
    private const int MostAxes = 2;

    /// <summary>Rotations about one point, or with a continuous axis the one that turns it over; at most 2 axes (a ball) and 64 others.</summary>
    /// <param name="mesh">Any unit and frame; the symmetries are in them.</param>
    /// <param name="cancellation">Looked at between candidates.</param>
    public static SymmetrySet Detect(TriangleMesh mesh, CancellationToken cancellation = default)
    {
        if (SurfaceCloud.Of(mesh) is not { } cloud) return SymmetrySet.None;
        (List<Rotation> discrete, List<RotationAxis> continuous) = new SymmetrySearch(cloud, cancellation).Run();
        return new SymmetrySet(
            [.. discrete.Select(rotation => Pose(rotation, cloud))],
            [.. continuous.Take(MostAxes).Select(axis => new SymmetryAxis((axis.Direction.X, axis.Direction.Y, axis.Direction.Z), Place(axis.Through, cloud)))]);
    }

    /// <summary>Declared symmetries, and found ones that they do not already say.</summary>
    public static SymmetrySet Extend(SymmetrySet declared, TriangleMesh mesh, CancellationToken cancellation = default)
    {
        SymmetrySet found = Detect(mesh, cancellation);
        (Vector3 least, Vector3 greatest) = mesh.Bounds();
        SymmetryAxis[] axes = [.. declared.Continuous.Concat(found.Continuous.Where(axis => !declared.Continuous.Any(other => IsSame(axis, other)))).Take(Math.Max(MostAxes, declared.Continuous.Count))];
        List<RigidPose> discrete = [.. declared.Discrete];
        foreach (RigidPose motion in found.Discrete)
            if (discrete.Count < RotationGroup.Most && !discrete.Prepend(RigidPose.Identity).Any(other => IsSaid(motion * other.Inverse()))) discrete.Add(motion);
        return new SymmetrySet(discrete, axes);

        // A turn about an axis, or none.
        bool IsSaid(RigidPose motion) => IsSmall(motion) || axes.Any(axis => IsSmall(About(axis, Twist(motion, axis)) * motion));

        bool IsSame(SymmetryAxis one, SymmetryAxis other) => IsSmall(About(one, Math.PI) * About(other, Math.PI));

        bool IsSmall(RigidPose motion) => ObjectRegion.Corners((least.X, least.Y, least.Z), (greatest.X, greatest.Y, greatest.Z)).All(corner =>
        {
            (double x, double y, double z) = motion.Apply(corner);
            return Math.Sqrt((x - corner.Item1) * (x - corner.Item1) + (y - corner.Item2) * (y - corner.Item2) + (z - corner.Item3) * (z - corner.Item3)) <= 0.04 * (greatest - least).Length();
        });
    }

    // The turn about an axis that undoes most of a motion.
    private static double Twist(RigidPose motion, SymmetryAxis axis)
    {
        (double x, double y, double z, double w) = motion.ToQuaternion();
        return -2 * Math.Atan2(x * axis.Direction.X + y * axis.Direction.Y + z * axis.Direction.Z, w * Math.Sqrt(Squared(axis.Direction)));
    }

    private static RigidPose About(SymmetryAxis axis, double angle)
    {
        double sine = Math.Sin(angle / 2) / Math.Sqrt(Squared(axis.Direction));
        return Around(RigidPose.FromQuaternion(sine * axis.Direction.X, sine * axis.Direction.Y, sine * axis.Direction.Z, Math.Cos(angle / 2)), axis.Offset);
    }

    private static double Squared((double X, double Y, double Z) v) => v.X * v.X + v.Y * v.Y + v.Z * v.Z;

    private static RigidPose Around(RigidPose turn, (double X, double Y, double Z) centre)
    {
        (double x, double y, double z) = turn.Rotate(centre);
        return turn with { X = centre.X - x, Y = centre.Y - y, Z = centre.Z - z };
    }

    private static RigidPose Pose(Rotation rotation, SurfaceCloud cloud)
    {
        (double x, double y, double z, double w) = (rotation.Turn.X, rotation.Turn.Y, rotation.Turn.Z, rotation.Turn.W);
        double length = Math.Sqrt(x * x + y * y + z * z + w * w);
        return Around(RigidPose.FromQuaternion(x / length, y / length, z / length, w / length), Place(rotation.Through, cloud));
    }

    private static (double X, double Y, double Z) Place(Vector3 p, SurfaceCloud cloud) =>
        (cloud.Centre.X + (double)cloud.Diameter * p.X, cloud.Centre.Y + (double)cloud.Diameter * p.Y, cloud.Centre.Z + (double)cloud.Diameter * p.Z);
}
