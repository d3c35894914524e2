using CorrMesh.Geometry.Pnp;

namespace CorrMesh.Geometry.TwoView;

/// <summary>Small pieces of the geometry of two calibrated views.</summary>
internal static class TwoViewGeometry
{
    /// <summary>Where the closest points of two rays lie on them, both times 1 - (a·b)² ≥ 0: |t| sin of the disparity times sin of the angle to t, negative behind a camera.</summary>
    /// <param name="a">R b, unit: the source's ray in the target's frame.</param>
    /// <param name="b">The target's ray, unit.</param>
    public static (double Source, double Target) Depths(Vector3d a, Vector3d b, Vector3d t)
    {
        double ab = a.Dot(b), at = a.Dot(t), bt = b.Dot(t);
        return (ab * bt - at, bt - ab * at);
    }

    public static Vector3d Rotate(in RigidPose pose, Vector3d v) => new(
        pose.R11 * v.X + pose.R12 * v.Y + pose.R13 * v.Z, pose.R21 * v.X + pose.R22 * v.Y + pose.R23 * v.Z, pose.R31 * v.X + pose.R32 * v.Y + pose.R33 * v.Z);

    /// <summary>The rotation whose first rows are nearly these.</summary>
    public static RigidPose Rotation(Vector3d x, Vector3d y)
    {
        x = (1 / Math.Sqrt(x.SquaredLength)) * x;
        y -= x.Dot(y) * x;
        y = (1 / Math.Sqrt(y.SquaredLength)) * y;
        Vector3d z = x.Cross(y);
        return new RigidPose(x.X, x.Y, x.Z, 0, y.X, y.Y, y.Z, 0, z.X, z.Y, z.Z, 0);
    }

    /// <summary>Two unit vectors across a unit vector and each other: d × e / |d × e| with e the axis in which d is smallest (the first of equals), and d times that.</summary>
    public static (Vector3d First, Vector3d Second) Tangents(Vector3d d)
    {
        double x = Math.Abs(d.X), y = Math.Abs(d.Y), z = Math.Abs(d.Z);
        Vector3d axis = x <= y && x <= z ? new(1, 0, 0) : y <= z ? new(0, 1, 0) : new(0, 0, 1), first = d.Cross(axis);
        first = (1 / Math.Sqrt(first.SquaredLength)) * first;
        return (first, d.Cross(first));
    }

    /// <summary>The pose after a step: R ↦ exp(ω) R, and t goes along the great circle that begins as s₁u + s₂v, u and v its tangents.</summary>
    /// <param name="step">[3] ω, radians, or [5] with s₁, s₂, radians.</param>
    public static RigidPose Move(in RigidPose pose, ReadOnlySpan<double> step)
    {
        RigidPose turned = NormalEquations.Move(pose, [step[0], step[1], step[2], 0, 0, 0]);
        // Steps add rounding; a rotation it stays.
        RigidPose turn = Rotation(new(turned.R11, turned.R12, turned.R13), new(turned.R21, turned.R22, turned.R23));
        if (step.Length < 5) return turn with { X = pose.X, Y = pose.Y, Z = pose.Z };
        Vector3d t = new(pose.X, pose.Y, pose.Z);
        (Vector3d u, Vector3d v) = Tangents(t);
        Vector3d across = step[3] * u + step[4] * v;
        double angle = Math.Sqrt(across.SquaredLength);
        t = Math.Cos(angle) * t + (angle < 1e-8 ? 1 : Math.Sin(angle) / angle) * across;
        t = (1 / Math.Sqrt(t.SquaredLength)) * t;
        return turn with { X = t.X, Y = t.Y, Z = t.Z };
    }
}
