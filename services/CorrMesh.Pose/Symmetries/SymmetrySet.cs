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
    // Turns about three axes in turn bring a ball to any turn.
    private const int BallRounds = 12;

    // Sine of the angle between axes that are two.
    private const double Apart = 1e-3;

    private Metrics.SymmetryAxis[]? axes;

    public static SymmetrySet None { get; } = new([], []);

    public bool IsEmpty => Discrete.Count == 0 && Continuous.Count == 0;

    /// <summary>The motion after which a pose, looking the same, is turned least from another: pose * motion.</summary>
    public RigidPose MotionTo(RigidPose pose, RigidPose to)
    {
        RigidPose back = to.Inverse() * pose;
        return Best((axis, motion) => Angle(axis, motion * back), motion => (pose * motion).AngleTo(to));
    }

    /// <summary>The pose, of those that look like it, that is turned least from another.</summary>
    public RigidPose Nearest(RigidPose pose, RigidPose to) => IsEmpty ? pose : pose * MotionTo(pose, to);

    /// <summary>The motion after which a place is nearest to another: motion * place.</summary>
    public RigidPose MotionTo((double X, double Y, double Z) place, (double X, double Y, double Z) near) =>
        Best((axis, motion) => Angle(axis, motion.Apply(place), near), motion =>
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

    private IReadOnlyList<Metrics.SymmetryAxis> Axes => axes ??= Continuous.Count > 1 && BallAxes(Continuous[0], Continuous[1]) is { } three ? three : [.. Continuous.Take(1)];

    // What is round about two axes is round about any through where they meet: three of them at right angles; null for one axis given twice.
    private static Metrics.SymmetryAxis[]? BallAxes(Metrics.SymmetryAxis one, Metrics.SymmetryAxis two)
    {
        (double X, double Y, double Z) first = Unit(one.Direction), other = Unit(two.Direction), third = Cross(first, other);
        double sine = Math.Sqrt(Dot(third, third)), cosine = Dot(first, other);
        if (sine < Apart) return null;
        third = Unit(third);
        (double X, double Y, double Z) between = (two.Offset.X - one.Offset.X, two.Offset.Y - one.Offset.Y, two.Offset.Z - one.Offset.Z);
        double along = (Dot(between, first) - cosine * Dot(between, other)) / (sine * sine);
        (double X, double Y, double Z) middle = (one.Offset.X + along * first.X, one.Offset.Y + along * first.Y, one.Offset.Z + along * first.Z);
        return [new(first, middle), new(third, middle), new(Cross(third, first), middle)];
    }

    // Of the discrete motions, each followed by the best turn about each axis, the best.
    private RigidPose Best(Func<Metrics.SymmetryAxis, RigidPose, double> angle, Func<RigidPose, double> distance) =>
        Discrete.Prepend(RigidPose.Identity).Select(motion =>
        {
            for (int round = 0; round < (Axes.Count > 1 ? BallRounds : 1); round++)
                foreach (Metrics.SymmetryAxis axis in Axes) motion = axis.Turn(angle(axis, motion)) * motion;
            return motion;
        }).MinBy(distance);

    // The turn T for which the trace of Q T is greatest; it is a sine curve of the angle.
    private static double Angle(Metrics.SymmetryAxis axis, RigidPose q)
    {
        (double x, double y, double z) = Unit(axis.Direction);
        var along = q.Rotate((x, y, z));
        double cosine = q.R11 + q.R22 + q.R33 - (x * along.X + y * along.Y + z * along.Z);
        double sine = x * (q.R23 - q.R32) + y * (q.R31 - q.R13) + z * (q.R12 - q.R21);
        return Math.Atan2(sine, cosine);
    }

    // The turn that brings one place nearest to another: between the two as they are seen along the axis.
    private static double Angle(Metrics.SymmetryAxis axis, (double X, double Y, double Z) from, (double X, double Y, double Z) to)
    {
        (double X, double Y, double Z) along = Unit(axis.Direction), a = (from.X - axis.Offset.X, from.Y - axis.Offset.Y, from.Z - axis.Offset.Z), b = (to.X - axis.Offset.X, to.Y - axis.Offset.Y, to.Z - axis.Offset.Z);
        return Math.Atan2(Dot(along, Cross(a, b)), Dot(a, b) - Dot(along, a) * Dot(along, b));
    }

    private static (double X, double Y, double Z) Unit((double X, double Y, double Z) direction)
    {
        (double x, double y, double z) = direction;
        double length = Math.Sqrt(Dot(direction, direction));
        return (x / length, y / length, z / length);
    }

    private static double Dot((double X, double Y, double Z) a, (double X, double Y, double Z) b) => a.X * b.X + a.Y * b.Y + a.Z * b.Z;

    private static (double X, double Y, double Z) Cross((double X, double Y, double Z) a, (double X, double Y, double Z) b) => (a.Y * b.Z - a.Z * b.Y, a.Z * b.X - a.X * b.Z, a.X * b.Y - a.Y * b.X);

    private static Metrics.SymmetryAxis ReadAxis(WireAxis axis, string field)
    {
        if (axis.Direction is null) throw new Hosting.Errors.FieldException($"{field}.direction", "a vector needed, none given");
        (double x, double y, double z) = PoseWire.ReadVector(axis.Direction, $"{field}.direction");
        double length = Math.Sqrt(x * x + y * y + z * z);
        if (!(length > 1e-9)) throw new Hosting.Errors.FieldException($"{field}.direction", $"a length above 0 needed, {length} given");
        return new Metrics.SymmetryAxis((x / length, y / length, z / length), axis.Offset is null ? (0, 0, 0) : PoseWire.ReadVector(axis.Offset, $"{field}.offset"));
    }
}
