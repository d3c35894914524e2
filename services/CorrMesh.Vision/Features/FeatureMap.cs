namespace CorrMesh.Vision.Features;

/// <summary>Dense descriptors of one image on its token grid, in plain arrays that may cross threads.</summary>
/// <remarks>Raw (not L2-normalised) values: the sampler interpolates raw and then normalises, as the paper does.</remarks>
/// <param name="ImageWidth">Width of the original (oriented) image, pixels.</param>
/// <param name="ImageHeight">Height of the original (oriented) image, pixels.</param>
/// <param name="X">Columns of the grid against image x.</param>
/// <param name="Y">Rows of the grid against image y.</param>
/// <param name="Channels">Descriptor width C.</param>
/// <param name="Values">[Y.Count * X.Count * C] float32: tokens in row-major order, channels innermost.</param>
public sealed record FeatureMap(int ImageWidth, int ImageHeight, TokenAxis X, TokenAxis Y, int Channels, float[] Values)
{
    public int TokenCount => X.Count * Y.Count;

    /// <summary>The descriptor of one token, [C].</summary>
    public ReadOnlySpan<float> Token(int row, int column) => Values.AsSpan((row * X.Count + column) * Channels, Channels);

    /// <summary>The map with every token's descriptor scaled to unit length.</summary>
    public FeatureMap Unit()
    {
        float[] values = [.. Values];
        for (int i = 0; i < TokenCount; i++) KeypointSampler.Normalise(values.AsSpan(i * Channels, Channels));
        return this with { Values = values };
    }

    /// <summary>The same tokens as of an image of another size: only the axes' scales change.</summary>
    /// <param name="longSide">Longer side of that image, pixels.</param>
    public FeatureMap AtSize(int longSide)
    {
        double factor = (double)longSide / Math.Max(ImageWidth, ImageHeight);
        int width = Math.Max(1, (int)Math.Round(ImageWidth * factor)), height = Math.Max(1, (int)Math.Round(ImageHeight * factor));
        return this with { ImageWidth = width, ImageHeight = height, X = X with { Scale = X.Scale * ImageWidth / width }, Y = Y with { Scale = Y.Scale * ImageHeight / height } };
    }
}
