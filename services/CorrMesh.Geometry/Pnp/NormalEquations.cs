namespace CorrMesh.Geometry.Pnp;

/// <summary>A Gauss-Newton step of six parameters: ω, v of <see cref="PoseKernels.Accumulate"/>.</summary>
internal static class NormalEquations
{
    public const int Size = 6;

    /// <summary>Solves (H + damping diag H) step = -g.</summary>
    /// <param name="sums">Of <see cref="PoseKernels.Accumulate"/>.</param>
    /// <param name="step">Receives 6 values.</param>
    /// <returns>False when H is not positive definite.</returns>
    public static bool TrySolve(ReadOnlySpan<double> sums, double damping, Span<double> step)
    {
        Span<double> factor = stackalloc double[Size * Size];
        if (!TryFactor(sums, damping, factor)) return false;
        for (int i = 0; i < Size; i++) step[i] = -sums[21 + i];
        Substitute(factor, step);
        foreach (double value in step)
            if (!double.IsFinite(value)) return false;
        return true;
    }

    /// <summary>The inverse of H.</summary>
    /// <param name="inverse">[36], row-major.</param>
    public static bool TryInvert(ReadOnlySpan<double> sums, Span<double> inverse)
    {
        Span<double> factor = stackalloc double[Size * Size];
        if (!TryFactor(sums, 0, factor)) return false;
        inverse.Clear();
        for (int column = 0; column < Size; column++)
        {
            Span<double> row = inverse.Slice(column * Size, Size);   // symmetric: rows are columns
            row[column] = 1;
            Substitute(factor, row);
        }
        return true;
    }

    /// <summary>The pose after a step: x ↦ exp(ω) (R X) + t + v.</summary>
    public static RigidPose Move(in RigidPose pose, ReadOnlySpan<double> step)
    {
        double x = step[0], y = step[1], z = step[2], squared = x * x + y * y + z * z, angle = Math.Sqrt(squared);
        // exp(ω) = I + a [ω] + b [ω]² (Rodrigues)
        double a = angle < 1e-4 ? 1 - squared / 6 : Math.Sin(angle) / angle, b = angle < 1e-4 ? 0.5 - squared / 24 : (1 - Math.Cos(angle)) / squared;
        var turn = new RigidPose(
            1 - b * (y * y + z * z), b * x * y - a * z, b * x * z + a * y, 0,
            b * x * y + a * z, 1 - b * (x * x + z * z), b * y * z - a * x, 0,
            b * x * z - a * y, b * y * z + a * x, 1 - b * (x * x + y * y), 0);
        return (turn * (pose with { X = 0, Y = 0, Z = 0 })) with { X = pose.X + step[3], Y = pose.Y + step[4], Z = pose.Z + step[5] };
    }

    // Cholesky's lower factor, row-major; sums hold the upper triangle.
    private static bool TryFactor(ReadOnlySpan<double> sums, double damping, Span<double> factor)
    {
        int at = 0;
        for (int i = 0; i < Size; i++)
            for (int j = i; j < Size; j++)
                factor[j * Size + i] = sums[at++] * (i == j ? 1 + damping : 1);
        for (int j = 0; j < Size; j++)
        {
            double diagonal = factor[j * Size + j], pivot = diagonal;
            for (int k = 0; k < j; k++) pivot -= factor[j * Size + k] * factor[j * Size + k];
            if (!(pivot > 1e-13 * diagonal)) return false;
            double root = Math.Sqrt(pivot);
            factor[j * Size + j] = root;
            for (int i = j + 1; i < Size; i++)
            {
                double value = factor[i * Size + j];
                for (int k = 0; k < j; k++) value -= factor[i * Size + k] * factor[j * Size + k];
                factor[i * Size + j] = value / root;
            }
        }
        return true;
    }

    private static void Substitute(ReadOnlySpan<double> factor, Span<double> values)
    {
        for (int i = 0; i < Size; i++)
        {
            for (int k = 0; k < i; k++) values[i] -= factor[i * Size + k] * values[k];
            values[i] /= factor[i * Size + i];
        }
        for (int i = Size - 1; i >= 0; i--)
        {
            for (int k = i + 1; k < Size; k++) values[i] -= factor[k * Size + i] * values[k];
            values[i] /= factor[i * Size + i];
        }
    }
}
