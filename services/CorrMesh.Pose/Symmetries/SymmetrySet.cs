using CorrMesh.Geometry;
using CorrMesh.Metrics;
using CorrMesh.Protos.Pose.V1;
using WireAxis = CorrMesh.Protos.Pose.V1.SymmetryAxis;
using WireSymmetries = CorrMesh.Protos.Pose.V1.ObjectSymmetries;

namespace CorrMesh.Pose.Symmetries;

/// <summary>The motions that leave an object looking the same.</summary>
/// <param name="Discrete">Object frame to object frame, metres, without the identity.</param>
/// <param name="Continuous">Axes, metres.</param>
internal sealed record SymmetrySet(IReadOnlyList<RigidPose> Discrete, IReadOnlyList<Metrics.SymmetryAxis> Continuous)
{
    // A turn of a degree: finer than poses are.
    private const double Step = Math.PI / 360;

    private RigidPose[]? motions;

    public static SymmetrySet None { get; } = new([], []);

    public bool IsEmpty => Discrete.Count == 0 && Continuous.Count == 0;

    /// <summary>Every motion, the identity first.</summary>
    public IReadOnlyList<RigidPose> Motions => motions ??= [.. Metrics.ObjectSymmetries.Expand(Discrete, Continuous, Step)];

    /// <summary>The motion after which a pose, looking the same, is turned least from another: pose * motion.</summary>
    public RigidPose MotionTo(RigidPose pose, RigidPose to)
    {
        // One axis is turned about by exactly what is needed; what two can do together is stepped through.
        IEnumerable<RigidPose> motions = Continuous is [var axis] ? Discrete.Prepend(RigidPose.Identity).Select(motion => axis.Turn(Angle(axis, motion, pose, to)) * motion) : Motions;
        return motions.MinBy(motion => (pose * motion).AngleTo(to));
    }

    /// <summary>The pose, of those that look like it, that is turned least from another.</summary>
    public RigidPose Nearest(RigidPose pose, RigidPose to) => IsEmpty ? pose : pose * MotionTo(pose, to);

    /// <summary>The motion that brings a place as near as can be to another, as far as turning brings it there.</summary>
    public RigidPose MotionOf((double X, double Y, double Z) place, (double X, double Y, double Z) near) => Motions.MinBy(motion =>
    {
        var moved = motion.Apply(place);
        return (moved.X - near.X) * (moved.X - near.X) + (moved.Y - near.Y) * (moved.Y - near.Y) + (moved.Z - near.Z) * (moved.Z - near.Z);
    });

    /// <summary>Whether two poses look alike.</summary>
    /// <param name="degrees">Largest rotation between them.</param>
    public bool AreAlike(RigidPose one, RigidPose other, double degrees) => Nearest(one, other).AngleTo(other) <= degrees;

    /// <exception cref="Hosting.Errors.FieldException">Too many, or one that is none.</exception>
    public static SymmetrySet Read(WireSymmetries? symmetries, string field)
    {
        const int most = 64, mostAxes = 2;
        if (symmetries is null) return None;
        if (symmetries.Discrete.Count > most) throw new Hosting.Errors.FieldException($"{field}.discrete", $"at most {most} allowed, {symmetries.Discrete.Count} given");
        if (symmetries.Continuous.Count > mostAxes) throw new Hosting.Errors.FieldException($"{field}.continuous", $"at most {mostAxes} allowed, {symmetries.Continuous.Count} given");
        return new SymmetrySet(
            [.. symmetries.Discrete.Select((pose, i) => PoseWire.ReadPose(pose, $"{field}.discrete[{i}]"))],
            [.. symmetries.Continuous.Select((axis, i) => ReadAxis(axis, $"{field}.continuous[{i}]"))]);
    }

    public WireSymmetries ToWire()
    {
        var wire = new WireSymmetries();
        wire.Discrete.AddRange(Discrete.Select(PoseWire.Write));
        wire.Continuous.AddRange(Continuous.Select(axis => new WireAxis { Direction = PoseWire.Write(axis.Direction), Offset = PoseWire.Write(axis.Offset) }));
        return wire;
    }

    // After the motion M, the turn T for which the trace of (R to)^T R T M is greatest; it is that of Q T with Q = M (R to)^T R, a sine curve of the angle.
    private static double Angle(Metrics.SymmetryAxis axis, RigidPose motion, RigidPose pose, RigidPose to)
    {
        (double x, double y, double z) = axis.Direction;
        double length = Math.Sqrt(x * x + y * y + z * z);
        (x, y, z) = (x / length, y / length, z / length);
        RigidPose q = motion * to.Inverse() * pose;
        var along = q.Rotate((x, y, z));
        double cosine = q.R11 + q.R22 + q.R33 - (x * along.X + y * along.Y + z * along.Z);
        double sine = x * (q.R23 - q.R32) + y * (q.R31 - q.R13) + z * (q.R12 - q.R21);
        return Math.Atan2(sine, cosine);
    }

    private static Metrics.SymmetryAxis ReadAxis(WireAxis axis, string field)
    {
        if (axis.Direction is null) throw new Hosting.Errors.FieldException($"{field}.direction", "a vector needed, none given");
        (double x, double y, double z) = PoseWire.ReadVector(axis.Direction, $"{field}.direction");
        double length = Math.Sqrt(x * x + y * y + z * z);
        if (!(length > 1e-9)) throw new Hosting.Errors.FieldException($"{field}.direction", $"a length above 0 needed, {length} given");
        return new Metrics.SymmetryAxis((x / length, y / length, z / length), axis.Offset is null ? (0, 0, 0) : PoseWire.ReadVector(axis.Offset, $"{field}.offset"));
    }
}
