using System.Runtime.CompilerServices;

namespace CorrMesh.Vision.Similarity;

/// <summary>Products of the four tokens around a cell: all that the norm of an interpolated descriptor needs.</summary>
/// <remarks>Token ab is in row a and column b of the cell; P00_01 is the product of tokens 00 and 01.</remarks>
internal readonly record struct CellForm(
    double P00, double P01, double P10, double P11, double P00_01, double P10_11, double P00_10, double P01_11, double P00_11, double P01_10)
{
    /// <summary>Restricts the cell to the line at fraction y between its rows.</summary>
    /// <param name="y">0 at the first row of tokens, 1 at the second.</param>
    /// <param name="n00">Product of the descriptor with token 00; likewise the others.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public LineForm Line(double y, double n00, double n01, double n10, double n11)
    {
        double z = 1 - y, zz = z * z, zy = z * y, yy = y * y;
        return new LineForm(
            (z * n00) + (y * n10),
            (z * n01) + (y * n11),
            (zz * P00) + (2 * zy * P00_10) + (yy * P10),
            (zz * P00_01) + (zy * (P00_11 + P01_10)) + (yy * P10_11),
            (zz * P01) + (2 * zy * P01_11) + (yy * P11));
    }
}

/// <summary>A descriptor against the line between two interpolated tokens u (left) and v (right).</summary>
/// <param name="Left">Product of the descriptor with u.</param>
/// <param name="Right">Product of the descriptor with v.</param>
/// <param name="LeftLeft">u · u.</param>
/// <param name="LeftRight">u · v.</param>
/// <param name="RightRight">v · v.</param>
internal readonly record struct LineForm(double Left, double Right, double LeftLeft, double LeftRight, double RightRight)
{
    /// <summary>Product of the descriptor with (1 - x) u + x v.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public double Product(double x) => ((1 - x) * Left) + (x * Right);

    /// <summary>Squared norm of (1 - x) u + x v.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public double SquaredNorm(double x)
    {
        double z = 1 - x;
        return Math.Max(0, (z * z * LeftLeft) + (2 * z * x * LeftRight) + (x * x * RightRight));
    }

    /// <summary>Cosine of the unit descriptor with (1 - x) u + x v, whose norm is floored.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public float Score(double x, double normFloor) =>
        (float)(Product(x) / Math.Max(Math.Sqrt(SquaredNorm(x)), normFloor));

    /// <summary>The only place where the cosine's derivative along the line may vanish; NaN or infinite when it is constant.</summary>
    /// <remarks>
    /// For (a + bx) / sqrt(c + ex + gx²) the derivative's numerator is linear: (bc - ae/2) + (be/2 - ag) x. So between two
    /// tokens the cosine has one turn at most, and its largest sample is an end or a neighbour of this place.
    /// </remarks>
    public double Turn
    {
        get
        {
            double a = Left, b = Right - Left, c = LeftLeft, halfE = LeftRight - LeftLeft, g = LeftLeft - (2 * LeftRight) + RightRight;
            return ((b * c) - (a * halfE)) / ((a * g) - (b * halfE));
        }
    }

    /// <summary>Smallest norm for x between two bounds.</summary>
    public double MinNorm(double from, double to)
    {
        double curvature = LeftLeft - (2 * LeftRight) + RightRight;
        double turn = curvature > 0 ? Math.Clamp((LeftLeft - LeftRight) / curvature, from, to) : from;
        return Math.Sqrt(Math.Min(SquaredNorm(turn), Math.Min(SquaredNorm(from), SquaredNorm(to))));
    }
}
