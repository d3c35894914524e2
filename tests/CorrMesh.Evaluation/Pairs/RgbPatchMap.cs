using CorrMesh.Vision.Features;
using CorrMesh.Vision.Images;

namespace CorrMesh.Evaluation.Pairs;

/// <summary>The baseline without a network: each token is its patch of colours, less their mean.</summary>
/// <remarks>The picture is resized as for the network, so that both see the same patches; the cosine then ignores brightness and contrast.</remarks>
internal static class RgbPatchMap
{
    private const int Patch = 14;

    /// <summary>Describes a picture.</summary>
    /// <param name="image">The picture.</param>
    /// <param name="tokens">Tokens on the longer side.</param>
    public static FeatureMap Describe(RgbImage image, int tokens)
    {
        InputGeometry geometry = InputGeometry.ForTokens(image.Width, image.Height, tokens, Patch);
        float[] pixels = PreparedImage.Resized(image, geometry);
        const int channels = Patch * Patch * 3;
        var values = new float[geometry.Rows * geometry.Columns * channels];
        for (int row = 0; row < geometry.Rows; row++)
            for (int column = 0; column < geometry.Columns; column++)
            {
                Span<float> token = values.AsSpan((row * geometry.Columns + column) * channels, channels);
                for (int y = 0; y < Patch; y++)
                    pixels.AsSpan(((row * Patch + y) * geometry.InputWidth + column * Patch) * 3, Patch * 3).CopyTo(token[(y * Patch * 3)..]);
                SubtractMeans(token);
            }
        return new FeatureMap(image.Width, image.Height, geometry.X, geometry.Y, channels, values);
    }

    private static void SubtractMeans(Span<float> token)
    {
        for (int channel = 0; channel < 3; channel++)
        {
            float sum = 0;
            for (int i = channel; i < token.Length; i += 3) sum += token[i];
            float mean = sum / (token.Length / 3);
            for (int i = channel; i < token.Length; i += 3) token[i] -= mean;
        }
    }
}
