namespace CorrMesh.Geometry;

/// <summary>A rotation and a translation: x ↦ R x + t. Row-major; the names of values say which frames they join (objectToCamera).</summary>
public readonly record struct RigidPose(
    double R11, double R12, double R13, double X,
    double R21, double R22, double R23, double Y,
    double R31, double R32, double R33, double Z)
{
    /// <summary>How far R Rᵀ may be from the identity in any entry; files keep few digits.</summary>
    public const double Orthogonality = 1e-3;

    /// <summary>The pose that moves nothing.</summary>
    public static RigidPose Identity { get; } = new(1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0);

    /// <summary>The first three rows of a row-major 4-column matrix.</summary>
    /// <exception cref="ArgumentException">Neither 12 nor 16 values, one is not finite, or the left part is no rotation.</exception>
    public static RigidPose FromRowMajor(ReadOnlySpan<double> m)
    {
        if (m.Length is not (12 or 16)) throw new ArgumentException($"pose: 12 or 16 values needed, {m.Length} given", nameof(m));
        var pose = new RigidPose(m[0], m[1], m[2], m[3], m[4], m[5], m[6], m[7], m[8], m[9], m[10], m[11]);
        foreach (double value in m)
            if (!double.IsFinite(value)) throw new ArgumentException($"pose: finite values needed, {value} given", nameof(m));
        double[] r = [m[0], m[1], m[2], m[4], m[5], m[6], m[8], m[9], m[10]];
        double worst = 0;
        for (int i = 0; i < 3; i++)
            for (int j = 0; j < 3; j++)
                worst = Math.Max(worst, Math.Abs(r[3 * i] * r[3 * j] + r[3 * i + 1] * r[3 * j + 1] + r[3 * i + 2] * r[3 * j + 2] - (i == j ? 1 : 0)));
        double determinant = r[0] * (r[4] * r[8] - r[5] * r[7]) - r[1] * (r[3] * r[8] - r[5] * r[6]) + r[2] * (r[3] * r[7] - r[4] * r[6]);
        if (worst > Orthogonality) throw new ArgumentException($"pose: a rotation needed, R times its transpose is {worst:G3} from the identity, at most {Orthogonality}", nameof(m));
        if (determinant < 0) throw new ArgumentException($"pose: a rotation needed, a reflection (determinant {determinant:G3}) given", nameof(m));
        return pose;
    }

    /// <summary>The rotation of a unit quaternion, without translation.</summary>
    public static RigidPose FromQuaternion(double x, double y, double z, double w) => new(
        1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w), 0,
        2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w), 0,
        2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y), 0);

    /// <summary>World to camera, for a camera at a place, looking at another (OpenCV axes: x right, y down, z forward).</summary>
    /// <param name="eye">Where the camera is.</param>
    /// <param name="target">What it looks at, elsewhere.</param>
    /// <param name="up">What shows upwards in the picture; where it lies along the view, another axis stands in.</param>
    public static RigidPose LookAt((double X, double Y, double Z) eye, (double X, double Y, double Z) target, (double X, double Y, double Z) up)
    {
        var z = Unit((target.X - eye.X, target.Y - eye.Y, target.Z - eye.Z));
        var x = Cross(z, Unit(up));
        if (Length(x) < 1e-6) x = Math.Abs(z.X) < 0.9 ? Cross(z, (1, 0, 0)) : Cross(z, (0, 1, 0));
        x = Unit(x);
        var y = Cross(z, x);
        return new RigidPose(x.X, x.Y, x.Z, -Dot(x, eye), y.X, y.Y, y.Z, -Dot(y, eye), z.X, z.Y, z.Z, -Dot(z, eye));
    }

    /// <summary>First <paramref name="right"/>, then <paramref name="left"/>.</summary>
    public static RigidPose operator *(RigidPose left, RigidPose right)
    {
        var x = left.Rotate((right.R11, right.R21, right.R31));
        var y = left.Rotate((right.R12, right.R22, right.R32));
        var z = left.Rotate((right.R13, right.R23, right.R33));
        var t = left.Apply((right.X, right.Y, right.Z));
        return new(x.X, y.X, z.X, t.X, x.Y, y.Y, z.Y, t.Y, x.Z, y.Z, z.Z, t.Z);
    }

    /// <summary>First <paramref name="right"/>, then <paramref name="left"/>.</summary>
    public static RigidPose Multiply(RigidPose left, RigidPose right) => left * right;

    /// <summary>R x + t.</summary>
    public (double X, double Y, double Z) Apply((double X, double Y, double Z) p) =>
        (R11 * p.X + R12 * p.Y + R13 * p.Z + X, R21 * p.X + R22 * p.Y + R23 * p.Z + Y, R31 * p.X + R32 * p.Y + R33 * p.Z + Z);

    /// <summary>R x.</summary>
    public (double X, double Y, double Z) Rotate((double X, double Y, double Z) p) =>
        (R11 * p.X + R12 * p.Y + R13 * p.Z, R21 * p.X + R22 * p.Y + R23 * p.Z, R31 * p.X + R32 * p.Y + R33 * p.Z);

    /// <summary>The pose that undoes this one.</summary>
    public RigidPose Inverse() => new(
        R11, R21, R31, -(R11 * X + R21 * Y + R31 * Z),
        R12, R22, R32, -(R12 * X + R22 * Y + R32 * Z),
        R13, R23, R33, -(R13 * X + R23 * Y + R33 * Z));

    /// <summary>Angle of the rotation between two poses, degrees.</summary>
    public double AngleTo(RigidPose other)
    {
        double trace = R11 * other.R11 + R12 * other.R12 + R13 * other.R13 + R21 * other.R21 + R22 * other.R22 + R23 * other.R23 + R31 * other.R31 + R32 * other.R32 + R33 * other.R33;
        return Math.Acos(Math.Clamp((trace - 1) / 2, -1, 1)) * 180 / Math.PI;
    }

    /// <summary>The rotation as a unit quaternion with w at least 0.</summary>
    public (double X, double Y, double Z, double W) ToQuaternion()
    {
        // From the largest of the four, so that nothing small is divided by (Shepperd 1978).
        double trace = R11 + R22 + R33;
        (double x, double y, double z, double w) = trace >= R11 && trace >= R22 && trace >= R33 ? (R32 - R23, R13 - R31, R21 - R12, 1 + trace)
            : R11 >= R22 && R11 >= R33 ? (1 + R11 - R22 - R33, R12 + R21, R13 + R31, R32 - R23)
            : R22 >= R33 ? (R12 + R21, 1 - R11 + R22 - R33, R23 + R32, R13 - R31)
            : (R13 + R31, R23 + R32, 1 - R11 - R22 + R33, R21 - R12);
        double length = Math.CopySign(Math.Sqrt(x * x + y * y + z * z + w * w), w);
        return (x / length, y / length, z / length, w / length);
    }

    /// <summary>[16], row-major, last row 0 0 0 1.</summary>
    public double[] Matrix() => [R11, R12, R13, X, R21, R22, R23, Y, R31, R32, R33, Z, 0, 0, 0, 1];

    private static double Dot((double X, double Y, double Z) a, (double X, double Y, double Z) b) => a.X * b.X + a.Y * b.Y + a.Z * b.Z;

    private static double Length((double X, double Y, double Z) a) => Math.Sqrt(Dot(a, a));

    private static (double X, double Y, double Z) Unit((double X, double Y, double Z) a)
    {
        double length = Length(a);
        return (a.X / length, a.Y / length, a.Z / length);
    }

    private static (double X, double Y, double Z) Cross((double X, double Y, double Z) a, (double X, double Y, double Z) b) =>
        (a.Y * b.Z - a.Z * b.Y, a.Z * b.X - a.X * b.Z, a.X * b.Y - a.Y * b.X);
}
