namespace CorrMesh.Pose.Linting;

/// <summary>Whether two sets of colours agree with red and blue as they are, or exchanged.</summary>
/// <remarks>
/// Looks at d = (R - B) / (R + G + B), which exchanging the two turns about and shading leaves alone. Light of a colour and white balance add a constant; so pictures follow p = ±g q + b + noise with q stored, and b
/// is integrated out. Grey pixels (q near 0 in all) say nothing for either, as it should be.
/// </remarks>
internal static class ColourOrder
{
    private const int FewestPixels = 8, DarkestSum = 60;

    // Of b, the noise of d at the least, and how much paler or deeper pictures show colours than what is stored.
    private const double CastDeviation = 0.12, SmallestNoise = 0.06, LeastGain = 0.4, MostGain = 1.4, GainStep = 0.2;

    // Neighbours have like errors: that many of them are worth one.
    private const double Repetition = 2;

    /// <summary>Log-likelihood of the exchanged order less that of the order as given.</summary>
    /// <param name="picture">[3 N] R, G, B.</param>
    /// <param name="stored">[3 N].</param>
    /// <param name="rows">Which of them to look at.</param>
    public static double SwappedEvidence(ReadOnlySpan<byte> picture, ReadOnlySpan<byte> stored, ReadOnlySpan<int> rows)
    {
        var p = new List<double>();
        var q = new List<double>();
        foreach (int row in rows)
        {
            int sumP = picture[3 * row] + picture[3 * row + 1] + picture[3 * row + 2], sumQ = stored[3 * row] + stored[3 * row + 1] + stored[3 * row + 2];
            if (sumP < DarkestSum || sumQ < DarkestSum) continue;
            p.Add((picture[3 * row] - picture[3 * row + 2]) / (double)sumP);
            q.Add((stored[3 * row] - stored[3 * row + 2]) / (double)sumQ);
        }
        if (p.Count < FewestPixels) return 0;
        // One noise for both, that of the better: a picture that agrees with neither has much of it and so little to say.
        double variance = Math.Max(SmallestNoise * SmallestNoise, Math.Min(Spread(1), Spread(-1)));
        return (Best(-1) - Best(1)) / Repetition;

        double Best(int sign)
        {
            double best = double.NegativeInfinity;
            for (double gain = LeastGain; gain <= MostGain; gain += GainStep)
            {
                (double mean, double spread) = Residual(sign * gain);
                int n = p.Count;
                best = Math.Max(best, -0.5 * n * spread / variance - 0.5 * n * mean * mean / (variance + n * CastDeviation * CastDeviation));
            }
            return best;
        }

        double Spread(int sign)
        {
            double least = double.PositiveInfinity;
            for (double gain = LeastGain; gain <= MostGain; gain += GainStep) least = Math.Min(least, Residual(sign * gain).Spread);
            return least;
        }

        (double Mean, double Spread) Residual(double gain)
        {
            double sum = 0, squared = 0;
            for (int i = 0; i < p.Count; i++)
            {
                double e = p[i] - gain * q[i];
                sum += e;
                squared += e * e;
            }
            double mean = sum / p.Count;
            return (mean, Math.Max(0, squared / p.Count - mean * mean));
        }
    }
}
