namespace CorrMesh.Geometry.TwoView;

/// <summary>Small normal equations by Cholesky's method: sums hold the upper triangle of H row by row, then g.</summary>
internal static class LeastSquares
{
    /// <summary>Solves (H + damping diag H) step = -g.</summary>
    /// <param name="step">[n].</param>
    /// <returns>False when H is not positive definite.</returns>
    public static bool TrySolve(ReadOnlySpan<double> sums, double damping, Span<double> step)
    {
        int n = step.Length;
        Span<double> factor = stackalloc double[n * n];
        if (!TryFactor(sums, damping, factor, n)) return false;
        for (int i = 0; i < n; i++) step[i] = -sums[n * (n + 1) / 2 + i];
        Substitute(factor, step);
        foreach (double value in step)
            if (!double.IsFinite(value)) return false;
        return true;
    }

    /// <summary>The inverse of H, [n²] row-major; null when it is not positive definite.</summary>
    public static double[]? Inverse(ReadOnlySpan<double> sums, int n)
    {
        Span<double> factor = stackalloc double[n * n];
        if (!TryFactor(sums, 0, factor, n)) return null;
        double[] inverse = new double[n * n];
        for (int column = 0; column < n; column++)
        {
            Span<double> row = inverse.AsSpan(column * n, n);   // symmetric: rows are columns
            row[column] = 1;
            Substitute(factor, row);
        }
        return inverse;
    }

    private static bool TryFactor(ReadOnlySpan<double> sums, double damping, Span<double> factor, int n)
    {
        for (int i = 0, at = 0; i < n; i++)
            for (int j = i; j < n; j++) factor[j * n + i] = sums[at++] * (i == j ? 1 + damping : 1);
        for (int j = 0; j < n; j++)
        {
            double diagonal = factor[j * n + j], pivot = diagonal;
            for (int k = 0; k < j; k++) pivot -= factor[j * n + k] * factor[j * n + k];
            if (!(pivot > 1e-13 * diagonal)) return false;
            double root = Math.Sqrt(pivot);
            factor[j * n + j] = root;
            for (int i = j + 1; i < n; i++)
            {
                double value = factor[i * n + j];
                for (int k = 0; k < j; k++) value -= factor[i * n + k] * factor[j * n + k];
                factor[i * n + j] = value / root;
            }
        }
        return true;
    }

    private static void Substitute(ReadOnlySpan<double> factor, Span<double> values)
    {
        int n = values.Length;
        for (int i = 0; i < n; i++)
        {
            for (int k = 0; k < i; k++) values[i] -= factor[i * n + k] * values[k];
            values[i] /= factor[i * n + i];
        }
        for (int i = n - 1; i >= 0; i--)
        {
            for (int k = i + 1; k < n; k++) values[i] -= factor[k * n + i] * values[k];
            values[i] /= factor[i * n + i];
        }
    }
}
