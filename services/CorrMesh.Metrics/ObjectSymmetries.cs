using CorrMesh.Geometry;

namespace CorrMesh.Metrics;

/// <summary>An axis about which an object looks the same however far it is turned.</summary>
/// <param name="Direction">Object frame, of any length above 0.</param>
/// <param name="Offset">A point of the axis, object frame.</param>
public readonly record struct SymmetryAxis((double X, double Y, double Z) Direction, (double X, double Y, double Z) Offset)
{
    /// <summary>The motion that turns about it, right-handed.</summary>
    /// <param name="angle">Radians.</param>
    /// <exception cref="ArgumentException">The direction is none.</exception>
    public RigidPose Turn(double angle)
    {
        (double x, double y, double z) = Direction;
        double length = Math.Sqrt(x * x + y * y + z * z), half = Math.Sin(angle / 2) / length;
        if (!(length > 0) || !double.IsFinite(length)) throw new ArgumentException($"axis: a finite direction longer than 0 needed, ({x}, {y}, {z}) given", nameof(angle));
        var turn = RigidPose.FromQuaternion(half * x, half * y, half * z, Math.Cos(angle / 2));
        var moved = turn.Rotate(Offset);
        return turn with { X = Offset.X - moved.X, Y = Offset.Y - moved.Y, Z = Offset.Z - moved.Z };
    }
}

/// <summary>The motions that leave an object looking the same, as BOP declares them (Hodaň et al., ECCV 2020 workshops).</summary>
public static class ObjectSymmetries
{
    /// <summary>Of a point on the object's surface in one step, as a share of the diameter at most (BOP: 0.01).</summary>
    public const double DefaultStep = 0.01;

    /// <summary>Every motion: the identity and the discrete ones, each followed by each step of each axis.</summary>
    /// <remarks>An axis has ceil(π / step) steps, the first of which turns nothing; discrete motions come first, then the turn, as in the public toolkit.</remarks>
    /// <param name="discrete">Object frame to object frame, without the identity.</param>
    /// <param name="continuous">Axes; empty for none.</param>
    /// <param name="step">Above 0, at most 1.</param>
    /// <exception cref="ArgumentException">A step or an axis cannot be.</exception>
    public static IReadOnlyList<RigidPose> Expand(IReadOnlyList<RigidPose> discrete, IReadOnlyList<SymmetryAxis> continuous, double step = DefaultStep)
    {
        if (!(step > 0 && step <= 1)) throw new ArgumentException($"step: above 0 and at most 1 needed, {step} given", nameof(step));
        RigidPose[] fixedMotions = [RigidPose.Identity, .. discrete];
        if (continuous.Count == 0) return fixedMotions;
        int steps = (int)Math.Ceiling(Math.PI / step);
        RigidPose[] turns = [.. continuous.SelectMany(axis => Enumerable.Range(0, steps).Select(i => axis.Turn(2 * Math.PI * i / steps)))];
        return [.. fixedMotions.SelectMany(motion => turns.Select(turn => turn * motion))];
    }
}
