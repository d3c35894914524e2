namespace CorrMesh.Pose.Linting;

/// <summary>The pose solver's mixture: Gaussian noise in both axes, and outliers that are uniform in a disc about the projection.</summary>
internal static class MatchLikelihood
{
    // Of the disc that hypotheses are compared in; points that one of them just leaves out still count against it.
    private const double GainShare = 1.5;

    private const int Steps = 12;

    /// <summary>Log-likelihood of the points near their projections against their all being outliers, the share of those fitted.</summary>
    /// <param name="squares">[N] squared errors, pixels².</param>
    /// <param name="variance">Of the noise of one axis, pixels².</param>
    /// <param name="radius">Largest error that counts in fits, pixels.</param>
    public static double Gain(ReadOnlySpan<double> squares, double variance, double radius)
    {
        double bound = GainShare * radius, odds = bound * bound / (2 * variance), share = 0.5, gain = 0;
        for (int step = 0; step < 4; step++)
        {
            double sum = 0;
            int inside = 0;
            gain = 0;
            foreach (double square in squares)
            {
                if (!(square < bound * bound)) continue;
                double gaussian = share * odds * Math.Exp(-0.5 * square / variance), all = gaussian + 1 - share;
                inside++;
                sum += gaussian / all;
                gain += Math.Log(all);
            }
            if (inside == 0) return 0;
            share = Math.Clamp(sum / inside, 0.01, 0.999);
        }
        return gain;
    }

    /// <summary>The variance of the noise and the number of points that have it, by expectation and maximisation.</summary>
    public static (double Variance, double Count) Noise(ReadOnlySpan<double> squares, double radius)
    {
        double variance = radius * radius / 16, share = 0.5, total = 0;
        for (int step = 0; step < Steps; step++)
        {
            double odds = (1 - share) / share * 2 * variance / (radius * radius), squared = 0;
            int inside = 0;
            total = 0;
            foreach (double square in squares)
            {
                if (!(square < radius * radius)) continue;
                double density = Math.Exp(-0.5 * square / variance), weight = density / (density + odds);
                inside++;
                total += weight;
                squared += weight * square;
            }
            // As in the solver, two points of one pixel are believed in before the data.
            variance = Math.Clamp((squared + 4) / (2 * total + 4), 1e-6, radius * radius / 6);
            share = inside == 0 ? 0.5 : Math.Clamp(total / inside, 0.05, 0.999);
        }
        return (variance, total);
    }
}
