namespace CorrMesh.Metrics;

/// <summary>PCK of the paper's semantic transfer on PF-PASCAL: the share of keypoints transferred to within a fraction of the image size.</summary>
public static class KeypointTransfer
{
    /// <summary>The fractions of the image size that are reported.</summary>
    public static IReadOnlyList<double> Fractions { get; } = [0.05, 0.10, 0.15];

    /// <summary>Fixed weights of the 20 categories in alphabetical VOC order, aeroplane to tvmonitor.</summary>
    public static IReadOnlyList<double> CategoryWeights { get; } = [15, 30, 10, 6, 8, 32, 19, 27, 13, 3, 8, 24, 9, 27, 12, 7, 1, 13, 20, 15];

    /// <summary>The share of errors below a fraction of the image size; strictly below.</summary>
    /// <param name="errorsPx">Distances of the keypoints that are visible in both images, pooled over the pairs of a category, pixels.</param>
    /// <param name="fraction">Fraction of the image size.</param>
    /// <param name="sizePx">Side of the square image, pixels.</param>
    /// <returns>0 to 1, or null when there is no keypoint.</returns>
    public static double? Share(ReadOnlySpan<double> errorsPx, double fraction, double sizePx)
    {
        if (errorsPx.Length == 0) return null;
        int correct = 0;
        foreach (double error in errorsPx)
            if (error < fraction * sizePx) correct++;
        return (double)correct / errorsPx.Length;
    }

    /// <summary>Mean of the categories' shares under the fixed weights.</summary>
    /// <param name="shares">One per category, in the order of <see cref="CategoryWeights"/>; fewer take the first weights.</param>
    /// <exception cref="ArgumentException">No share or more than 20 are given.</exception>
    public static double Weighted(ReadOnlySpan<double> shares)
    {
        if (shares.Length is < 1 or > 20) throw new ArgumentException($"shares: 1 to 20 categories needed, {shares.Length} given", nameof(shares));
        double sum = 0, total = 0;
        for (int i = 0; i < shares.Length; i++)
        {
            sum += shares[i] * CategoryWeights[i];
            total += CategoryWeights[i];
        }
        return sum / total;
    }
}
