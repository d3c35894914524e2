namespace CorrMesh.Vision.Features;

/// <summary>The paper's semantic transfer: unit source descriptors against raw target features at every pixel of a square input.</summary>
/// <remarks>
/// The public code interpolates the target map with aligned corners to 14 (n - 1) + 1 pixels, repeats its edges by 7 before
/// and 6 after, and takes the first largest dot product in row-major order. Interpolation and dot product are both linear, so
/// similarities are interpolated instead of descriptors; and as a bilinear patch is largest at a corner, the answer is
/// always the pixel of a token's centre, or the image border in front of the first row or column of tokens.
/// </remarks>
public static class SemanticTransfer
{
    /// <summary>The best position of each descriptor.</summary>
    /// <param name="target">Features of an image that entered the network at its own size.</param>
    /// <param name="descriptors">[N * C].</param>
    /// <param name="patchSize">Side of a patch, pixels.</param>
    /// <returns>N pixels (x, y) of the target image.</returns>
    /// <exception cref="ArgumentException">The length is not a multiple of C.</exception>
    public static (int X, int Y)[] Match(FeatureMap target, ReadOnlySpan<float> descriptors, int patchSize = 14)
    {
        if (descriptors.Length % target.Channels != 0) throw new ArgumentException($"descriptors: a multiple of {target.Channels} values needed, {descriptors.Length} given", nameof(descriptors));
        var positions = new (int X, int Y)[descriptors.Length / target.Channels];
        for (int i = 0; i < positions.Length; i++)
        {
            float[] similarity = TokenSimilarity(target, descriptors.Slice(i * target.Channels, target.Channels));
            int best = 0;
            for (int token = 1; token < similarity.Length; token++)
                if (similarity[token] > similarity[best]) best = token;
            positions[i] = (Pixel(best % target.X.Count, patchSize), Pixel(best / target.X.Count, patchSize));
        }
        return positions;
    }

    /// <summary>Similarity of one descriptor with every pixel: the token similarities, interpolated.</summary>
    /// <param name="target">Features of an image that entered the network at its own size.</param>
    /// <param name="descriptor">[C].</param>
    /// <returns>[ImageHeight * ImageWidth].</returns>
    public static float[] SimilarityMap(FeatureMap target, ReadOnlySpan<float> descriptor)
    {
        if (descriptor.Length != target.Channels) throw new ArgumentException($"descriptor: {target.Channels} values needed, {descriptor.Length} given", nameof(descriptor));
        FeatureMap similarity = target with { Channels = 1, Values = TokenSimilarity(target, descriptor) };
        var pixels = new float[target.ImageWidth * target.ImageHeight];
        for (int y = 0; y < target.ImageHeight; y++)
        {
            float row = target.Y.IndexOf(y);
            for (int x = 0; x < target.ImageWidth; x++)
                KeypointSampler.SampleIndex(similarity, target.X.IndexOf(x), row, pixels.AsSpan(y * target.ImageWidth + x, 1));
        }
        return pixels;
    }

    private static float[] TokenSimilarity(FeatureMap target, ReadOnlySpan<float> descriptor)
    {
        var similarity = new float[target.TokenCount];
        for (int token = 0; token < similarity.Length; token++)
        {
            ReadOnlySpan<float> features = target.Values.AsSpan(token * target.Channels, target.Channels);
            double sum = 0;
            for (int channel = 0; channel < features.Length; channel++) sum += (double)features[channel] * descriptor[channel];
            similarity[token] = (float)sum;
        }
        return similarity;
    }

    // Pixels before the first centre repeat it, so the first of them comes first.
    private static int Pixel(int token, int patchSize) => token == 0 ? 0 : patchSize * token + patchSize / 2;
}
