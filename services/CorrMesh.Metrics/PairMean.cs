namespace CorrMesh.Metrics;

/// <summary>A figure of one pair of views.</summary>
/// <param name="First">One view.</param>
/// <param name="Second">The other.</param>
/// <param name="Value">In any unit.</param>
public readonly record struct PairValue(int First, int Second, double Value);

/// <summary>The mean over pairs of views and how far chance in the choice of views may have moved it.</summary>
/// <param name="Mean">Over the pairs, in their unit.</param>
/// <param name="StandardError">In the same unit; infinite for fewer than 3 views.</param>
public readonly record struct PairMean(double Mean, double StandardError)
{
    /// <summary>Mean and standard error by the jackknife over views.</summary>
    /// <remarks>
    /// Pairs that share a view are not independent, so their spread divided by the root of their number says too little. Leaving out each of n views with all
    /// its pairs, SE² = (n-1)/n Σ (θ₋ᵢ - θ̄)², which for a mean over pairs of independent views is asymptotically right (Arvesen 1969, "Jackknifing
    /// U-statistics"). The error of a difference is that of the pairs' differences, not of two figures: what makes a pair hard for both models drops out.
    /// </remarks>
    /// <param name="pairs">At least one, each of two views.</param>
    /// <exception cref="ArgumentException">No pair, a value that is not finite, or a pair of a view with itself.</exception>
    public static PairMean Of(IReadOnlyCollection<PairValue> pairs)
    {
        if (pairs.Count == 0) throw new ArgumentException("pairs: at least 1 needed, 0 given", nameof(pairs));
        double sum = 0;
        var views = new SortedDictionary<int, (double Sum, int Count)>();
        foreach ((int first, int second, double value) in pairs)
        {
            if (!double.IsFinite(value)) throw new ArgumentException($"pairs: finite values needed, {value} given for views {first} and {second}", nameof(pairs));
            if (first == second) throw new ArgumentException($"pairs: two different views needed, view {first} given twice", nameof(pairs));
            sum += value;
            Add(first, value);
            Add(second, value);
        }
        double mean = sum / pairs.Count;

        // A view that every pair has cannot be left out: the figure stands and falls with it.
        if (views.Count < 3 || views.Values.Any(view => view.Count == pairs.Count)) return new PairMean(mean, double.PositiveInfinity);
        double[] without = [.. views.Values.Select(view => (sum - view.Sum) / (pairs.Count - view.Count))];
        double centre = without.Average(), squares = without.Sum(value => (value - centre) * (value - centre));
        return new PairMean(mean, Math.Sqrt(squares * (without.Length - 1) / without.Length));

        void Add(int view, double value)
        {
            (double total, int count) = views.GetValueOrDefault(view);
            views[view] = (total + value, count + 1);
        }
    }
}
