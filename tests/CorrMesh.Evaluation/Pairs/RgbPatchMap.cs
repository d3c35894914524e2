using CorrMesh.Vision.Features;
using CorrMesh.Vision.Images;

namespace CorrMesh.Evaluation.Pairs;

/// <summary>The baseline without a network: each token is its patch of colours as the network sees them.</summary>
/// <remarks>
/// Resized and normalised per channel as for the network, so that both see the same patches. Subtracting each patch's own mean instead
/// gives away its colour and matches far worse on real pictures.
/// </remarks>
internal static class RgbPatchMap
{
    private const int Patch = 14;

    /// <summary>Describes a picture.</summary>
    /// <param name="image">The picture.</param>
    /// <param name="tokens">Tokens on the longer side.</param>
    public static FeatureMap Describe(RgbImage image, int tokens)
    {
        InputGeometry geometry = InputGeometry.ForTokens(image.Width, image.Height, tokens, Patch);
        float[] planes = PreparedImage.From(image, geometry).Planes;
        const int channels = Patch * Patch * 3;
        var values = new float[geometry.Rows * geometry.Columns * channels];
        for (int row = 0; row < geometry.Rows; row++)
            for (int column = 0; column < geometry.Columns; column++)
            {
                Span<float> token = values.AsSpan((row * geometry.Columns + column) * channels, channels);
                for (int line = 0; line < 3 * Patch; line++)
                {
                    int channel = line / Patch, y = row * Patch + line % Patch;
                    planes.AsSpan((channel * geometry.InputHeight + y) * geometry.InputWidth + column * Patch, Patch).CopyTo(token[(line * Patch)..]);
                }
            }
        return new FeatureMap(image.Width, image.Height, geometry.X, geometry.Y, channels, values);
    }
}
