namespace CorrMesh.Geometry;

/// <summary>A calibrated view without lens distortion.</summary>
/// <param name="Intrinsics">[9] row-major camera matrix, pixels.</param>
/// <param name="Rotation">[9] row-major rotation, world to camera.</param>
/// <param name="Translation">[3] of x_camera = rotation * x_world + translation, world units.</param>
public sealed record PosedView(double[] Intrinsics, double[] Rotation, double[] Translation);

/// <summary>Where a point of one view may lie in another: the fundamental matrix of two calibrated cameras.</summary>
/// <remarks>
/// For matching pixels p (source) and q (target), both homogeneous, qᵀ·F·p = 0 with
/// F = Kt⁻ᵀ·[t]ₓ·R·Ks⁻¹, R and t taking source camera coordinates to target ones (Hartley and Zisserman 2004, section 9.2).
/// Pixels are in the convention of the camera matrices: the API's, with (0,0) at the centre of the first pixel, when those are.
/// Two cameras in one place have no epipolar geometry.
/// </remarks>
public sealed class EpipolarGeometry
{
    private readonly double[] fundamental;

    private EpipolarGeometry(double[] fundamental) => this.fundamental = fundamental;

    /// <summary>[9] row-major, unit Frobenius norm, source to target.</summary>
    public ReadOnlySpan<double> Fundamental => fundamental;

    /// <summary>The geometry of two views given in the same world frame.</summary>
    /// <exception cref="ArgumentException">An array has the wrong length, an intrinsic matrix is singular, or both cameras share a centre.</exception>
    public static EpipolarGeometry Between(PosedView source, PosedView target)
    {
        Check(source, nameof(source));
        Check(target, nameof(target));
        double[] rotation = Multiply(target.Rotation, Transposed(source.Rotation));
        double[] moved = Multiply(rotation, source.Translation);
        var offset = new double[3];
        for (int i = 0; i < 3; i++) offset[i] = target.Translation[i] - moved[i];
        double[] cross = [0, -offset[2], offset[1], offset[2], 0, -offset[0], -offset[1], offset[0], 0];
        double[] essential = Multiply(cross, rotation);
        double[] result = Multiply(Transposed(Inverse(target.Intrinsics, nameof(target))), Multiply(essential, Inverse(source.Intrinsics, nameof(source))));
        double size = Norm(source.Translation) + Norm(target.Translation), norm = Norm(result);
        if (!(Norm(offset) > 1e-12 * size) || !(norm > 0)) throw new ArgumentException("target: a camera centre other than the source's needed", nameof(target));
        for (int i = 0; i < 9; i++) result[i] /= norm;
        return new EpipolarGeometry(result);
    }

    /// <summary>The line in the target on which the match of a source pixel lies: a·x + b·y + c = 0 with a² + b² = 1.</summary>
    /// <returns>NaN coefficients for the source's epipole, which every target pixel may match.</returns>
    public (double A, double B, double C) LineInTarget(double x, double y)
    {
        double a = fundamental[0] * x + fundamental[1] * y + fundamental[2];
        double b = fundamental[3] * x + fundamental[4] * y + fundamental[5];
        double c = fundamental[6] * x + fundamental[7] * y + fundamental[8];
        double norm = Math.Sqrt(a * a + b * b);
        return norm > 0 ? (a / norm, b / norm, c / norm) : (double.NaN, double.NaN, double.NaN);
    }

    /// <summary>How far a target pixel is from the epipolar line of a source pixel, pixels.</summary>
    public double DistanceToLine(double sourceX, double sourceY, double targetX, double targetY)
    {
        (double a, double b, double c) = LineInTarget(sourceX, sourceY);
        return Math.Abs(a * targetX + b * targetY + c);
    }

    private static void Check(PosedView view, string name)
    {
        if (view.Intrinsics.Length != 9) throw new ArgumentException($"{name}: 9 intrinsics needed, {view.Intrinsics.Length} given", name);
        if (view.Rotation.Length != 9) throw new ArgumentException($"{name}: 9 values of rotation needed, {view.Rotation.Length} given", name);
        if (view.Translation.Length != 3) throw new ArgumentException($"{name}: 3 values of translation needed, {view.Translation.Length} given", name);
    }

    private static double[] Inverse(double[] matrix, string name)
    {
        Homography inverse;
        try
        {
            inverse = Homography.FromRowMajor(matrix).Inverse();
        }
        catch (InvalidOperationException exception)
        {
            throw new ArgumentException($"{name}: an invertible intrinsic matrix needed", name, exception);
        }
        return [inverse.M11, inverse.M12, inverse.M13, inverse.M21, inverse.M22, inverse.M23, inverse.M31, inverse.M32, inverse.M33];
    }

    // 3 x 3 by 3 x n, row-major.
    private static double[] Multiply(double[] left, double[] right)
    {
        int columns = right.Length / 3;
        var product = new double[3 * columns];
        for (int row = 0; row < 3; row++)
            for (int column = 0; column < columns; column++)
                for (int k = 0; k < 3; k++)
                    product[row * columns + column] += left[row * 3 + k] * right[k * columns + column];
        return product;
    }

    private static double[] Transposed(double[] m) => [m[0], m[3], m[6], m[1], m[4], m[7], m[2], m[5], m[8]];

    private static double Norm(double[] values) => Math.Sqrt(values.Sum(value => value * value));
}
