using CorrMesh.Vision.Features;

namespace CorrMesh.Vision.Similarity;

/// <summary>A position between pixels.</summary>
/// <param name="X">Corner-origin pixel coordinate: the centre of the left column is 0.5.</param>
/// <param name="Y">Corner-origin pixel coordinate: the centre of the top row is 0.5.</param>
/// <param name="Score">Cosine of the descriptor with the most similar token.</param>
public readonly record struct SubpixelMatch(float X, float Y, float Score);

/// <summary>The position that the paper's tracker takes: a weighted mean of token centres around the most similar token.</summary>
/// <remarks>
/// Weights are a softmax, without temperature, over the whole grid of rectified cosines; only tokens whose centres lie within a
/// radius of the best token's centre count (the border included). As the softmax is nearly flat, positions are drawn to the
/// middle of the disc, which the border of the grid cuts off.
/// </remarks>
public static class SoftArgmax
{
    /// <summary>The tracker's radius, pixels of its network input: five steps of its stride of 7.</summary>
    public const float PaperRadiusPx = 35;

    // Centres lie on a grid, so distances equal to the radius are the rule; they count although rounding may lift them above it.
    private const double RadiusSlack = 1 + 1e-5;

    // PyTorch's cosine_similarity.
    private const double NormProductFloor = 1e-8;

    /// <summary>Finds a position for each descriptor.</summary>
    /// <param name="target">The prepared target map, normalised.</param>
    /// <param name="descriptors">[N * C]; N may be 0.</param>
    /// <param name="radiusPx">Radius of the window, pixels of the target image; at least 0.</param>
    /// <param name="maxParallelism">Threads at most; the answer does not depend on it.</param>
    /// <returns>[N] positions, in order. A zero descriptor or map gives the window's mean around the first token, score 0.</returns>
    /// <exception cref="ArgumentException">The radius is negative or not finite, or a value is not finite.</exception>
    public static SubpixelMatch[] Find(TokenGram target, float[] descriptors, float radiusPx = PaperRadiusPx, int maxParallelism = 1)
    {
        ArgumentNullException.ThrowIfNull(target);
        if (!(radiusPx >= 0 && float.IsFinite(radiusPx)))
        {
            throw new ArgumentOutOfRangeException(nameof(radiusPx), radiusPx, $"radius: a finite number of at least 0 needed, {radiusPx} given");
        }

        var batch = DescriptorBatch.FromValues(descriptors, target.Map.Channels);
        var answers = new SubpixelMatch[batch.Count];
        var norms = new double[target.Map.TokenCount];
        for (int token = 0; token < norms.Length; token++)
        {
            norms[token] = target.TokenNorm(token);
        }

        batch.ForEach(target.Map.Values, target.Map.TokenCount, maxParallelism, (index, products) =>
            answers[index] = Position(target.Map, products, norms, NormProductFloor / Math.Max(batch.Norms[index], 1e-30), radiusPx * RadiusSlack));
        return answers;
    }

    private static SubpixelMatch Position(FeatureMap map, ReadOnlySpan<float> products, double[] norms, double normFloor, double radius)
    {
        int width = map.X.Count, peak = 0;
        float best = float.NegativeInfinity;
        for (int token = 0; token < products.Length; token++)
        {
            // Rectified first, as in the paper's code: when nothing is similar the first token is the peak.
            float cosine = Math.Max(0, (float)(products[token] / Math.Max(norms[token], normFloor)));
            if (cosine > best)
            {
                (best, peak) = (cosine, token);
            }
        }

        // The softmax's denominator is common to all weights of the mean and cancels.
        double stepX = 1.0 / map.X.Scale, stepY = 1.0 / map.Y.Scale, sum = 0, sumX = 0, sumY = 0;
        int peakX = peak % width, peakY = peak / width;
        int reachX = (int)Math.Min(width, radius / stepX), reachY = (int)Math.Min(map.Y.Count, radius / stepY);
        for (int row = Math.Max(0, peakY - reachY); row <= Math.Min(map.Y.Count - 1, peakY + reachY); row++)
        {
            for (int column = Math.Max(0, peakX - reachX); column <= Math.Min(width - 1, peakX + reachX); column++)
            {
                double dx = (column - peakX) * stepX, dy = (row - peakY) * stepY;
                if ((dx * dx) + (dy * dy) > radius * radius)
                {
                    continue;
                }

                int token = (row * width) + column;
                double weight = Math.Exp(Math.Max(0, products[token] / Math.Max(norms[token], normFloor)));
                sum += weight;
                sumX += weight * dx;
                sumY += weight * dy;
            }
        }

        float score = (float)(products[peak] / Math.Max(norms[peak], normFloor));
        return new SubpixelMatch((float)(map.X.CentreOf(peakX) + (sumX / sum)), (float)(map.Y.CentreOf(peakY) + (sumY / sum)), score);
    }
}
