namespace CorrMesh.Vision.Similarity;

/// <summary>The k most similar pixels of a target, apart from each other: greedy non-maximum suppression over all pixels.</summary>
public static class TopPositions
{
    /// <summary>Most positions that one call gives.</summary>
    public const int MaxCount = 64;

    /// <summary>Repeatedly takes the best pixel that lies farther than a radius from every pixel taken before.</summary>
    /// <param name="target">The prepared target map; the score is that of <see cref="TokenGram"/>.</param>
    /// <param name="descriptors">[N * C]; N may be 0.</param>
    /// <param name="count">Positions wanted, 1 to <see cref="MaxCount"/>.</param>
    /// <param name="radiusPx">Distance between pixel centres that is still too near, pixels; 0 ranks all pixels.</param>
    /// <param name="maxParallelism">Threads at most; the answer does not depend on it.</param>
    /// <returns>[N] lists of 1 to count positions, best first, the first in row-major order of equals; fewer than count when the image has no more.</returns>
    /// <exception cref="ArgumentException">A bound is not kept, or a value is not finite.</exception>
    public static PixelMatch[][] Find(TokenGram target, float[] descriptors, int count, float radiusPx, int maxParallelism = 1)
    {
        ArgumentNullException.ThrowIfNull(target);
        if (count is < 1 or > MaxCount)
        {
            throw new ArgumentOutOfRangeException(nameof(count), count, $"count: 1 to {MaxCount} needed, {count} given");
        }

        if (!(radiusPx >= 0 && float.IsFinite(radiusPx)))
        {
            throw new ArgumentOutOfRangeException(nameof(radiusPx), radiusPx, $"radius: a finite number of at least 0 needed, {radiusPx} given");
        }

        var batch = DescriptorBatch.FromValues(descriptors, target.Map.Channels);
        var columns = AxisSamples.Create(target.Map.X, target.Map.ImageWidth, collapse: false);
        var rows = AxisSamples.Create(target.Map.Y, target.Map.ImageHeight, collapse: false);
        var answers = new PixelMatch[batch.Count][];

        // A zero descriptor's products are all zero, so any length serves for it.
        batch.ForEach(target.Map.Values, target.Map.TokenCount, maxParallelism, (index, products) =>
            answers[index] = new PixelSearch(target, columns, rows, products, batch.Norms[index] > 0 ? batch.Norms[index] : 1).RunTop(count, radiusPx));
        return answers;
    }
}
