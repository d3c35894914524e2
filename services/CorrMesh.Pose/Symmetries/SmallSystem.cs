namespace CorrMesh.Pose.Symmetries;

/// <summary>Systems of a few linear equations.</summary>
internal static class SmallSystem
{
    /// <summary>The solution of n equations by Gauss's elimination.</summary>
    /// <param name="system">[n, n + 1], the right sides last; positive definite, so that the diagonal holds pivots. Overwritten.</param>
    public static double[] Solve(double[,] system)
    {
        int n = system.GetLength(0);
        for (int pivot = 0; pivot < n; pivot++)
            for (int r = 0; r < n; r++)
            {
                if (r == pivot) continue;
                double factor = system[r, pivot] / system[pivot, pivot];
                for (int c = pivot; c <= n; c++) system[r, c] -= factor * system[pivot, c];
            }
        return [.. Enumerable.Range(0, n).Select(i => system[i, n] / system[i, i])];
    }
}
