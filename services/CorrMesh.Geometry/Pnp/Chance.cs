namespace CorrMesh.Geometry.Pnp;

/// <summary>Whether a consensus could be chance (a-contrario, Desolneux, Moisan and Morel 2000).</summary>
internal static class Chance
{
    /// <summary>Logarithm of the expected number of poses with so many inliers among as many as were tried, were all points placed at random.</summary>
    /// <param name="count">Points.</param>
    /// <param name="inliers">Of them, at least <paramref name="fitted"/>.</param>
    /// <param name="probability">That a random point is an inlier.</param>
    /// <param name="tried">Poses.</param>
    /// <param name="fitted">Points that fit any pose made from them.</param>
    public static double LogFalseAlarms(int count, int inliers, double probability, double tried, int fitted = 3)
    {
        int rest = count - fitted, more = inliers - fitted;
        if (more <= 0 || probability >= (double)more / rest) return double.PositiveInfinity;
        // Binomial tail by its first term and a geometric series.
        double term = LogFactorial(rest) - LogFactorial(more) - LogFactorial(rest - more) + more * Math.Log(probability) + (rest - more) * Math.Log(1 - probability);
        double ratio = (double)(rest - more) / (more + 1) * probability / (1 - probability);
        return Math.Log(tried) + term - Math.Log(1 - Math.Min(ratio, 0.99));
    }

    // Stirling's series; exact for small numbers.
    private static double LogFactorial(int n)
    {
        if (n < 2) return 0;
        if (n > 30) return n * Math.Log(n) - n + 0.5 * Math.Log(2 * Math.PI * n) + 1 / (12.0 * n);
        double sum = 0;
        for (int i = 2; i <= n; i++) sum += Math.Log(i);
        return sum;
    }
}
