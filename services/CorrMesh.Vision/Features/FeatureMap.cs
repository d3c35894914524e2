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
}
