namespace CorrMesh.Geometry.Pnp;

/// <summary>What minimal samples are drawn from: with scores the best half of the points, the best quarter and so on, or all, one level as often as another.</summary>
internal readonly struct ScoredRanges
{
    private readonly int[]? ranking;
    private readonly int count, levels;

    /// <param name="count">Points, at least as many as a sample takes.</param>
    /// <param name="ranking">Points by score, the best first; null without scores.</param>
    /// <param name="smallest">Points of the smallest range.</param>
    public ScoredRanges(int count, int[]? ranking, int smallest)
    {
        (this.count, this.ranking) = (count, ranking);
        levels = ranking is null ? 1 : Math.Max(1, System.Numerics.BitOperations.Log2((uint)Math.Max(1, count / smallest)) + 1);
    }

    /// <summary>The size of the next sample's range.</summary>
    public int Draw(SeededRandom random) => ranking is null ? count : count >> random.Below(levels);

    /// <summary>The point that stands at a place in every range.</summary>
    public int this[int place] => ranking is null ? place : ranking[place];

    /// <summary>
    /// Draws to meet a sample without outliers with the asked confidence: log(1 - p) / log(1 - w^n) (Fischler and Bolles 1981), with the mean of w^n over the
    /// ranges that are drawn from; infinite when no range holds an inlier.
    /// </summary>
    /// <param name="squares">Of the points' residuals.</param>
    /// <param name="bound">Square below which a point is an inlier.</param>
    /// <param name="size">Points of a sample, n.</param>
    /// <param name="confidence">p.</param>
    public double Needed(ReadOnlySpan<double> squares, double bound, int size, double confidence)
    {
        double good = 0;
        for (int level = 0; level < levels; level++)
        {
            int range = count >> level, inliers = 0;
            for (int i = 0; i < range; i++)
                if (squares[this[i]] < bound) inliers++;
            double share = (double)inliers / range, all = share;
            for (int i = 1; i < size; i++) all *= share;
            good += all / levels;
        }
        return good <= 0 ? double.PositiveInfinity : good >= 1 ? 1 : Math.Log(1 - confidence) / Math.Log(1 - good);
    }
}
