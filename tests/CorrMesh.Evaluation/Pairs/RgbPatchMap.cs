using CorrMesh.Vision.Features;
using CorrMesh.Vision.Images;

namespace CorrMesh.Evaluation.Pairs;

/// <summary>The baseline without a network: each token is its 14 x 14 patch of colours, less their mean.</summary>
/// <remarks>The picture is resized as for the network, so that both see the same patches; the cosine then ignores brightness and contrast.</remarks>
internal static class RgbPatchMap
{
    private const int Patch = 14;

    /// <summary>Describes a picture.</summary>
    /// <param name="image">The picture.</param>
    /// <param name="tokens">Tokens on the longer side.</param>
    public static FeatureMap Describe(RgbImage image, int tokens)
    {
        // The paper's sizes: the long side becomes 8 pixels a token and the grid is counted on that, rounding down.
        double scale = tokens * 8.0 / Math.Max(image.Width, image.Height);
        int columns = Math.Max((int)(image.Width * scale + 1e-9) / 8, 1), rows = Math.Max((int)(image.Height * scale + 1e-9) / 8, 1);
        int width = columns * Patch, height = rows * Patch;
        float[] pixels = AreaResampler.Resize(image, width, height);
        const int channels = Patch * Patch * 3;
        var values = new float[rows * columns * channels];
        for (int row = 0; row < rows; row++)
            for (int column = 0; column < columns; column++)
            {
                Span<float> token = values.AsSpan((row * columns + column) * channels, channels);
                for (int y = 0; y < Patch; y++)
                    pixels.AsSpan(((row * Patch + y) * width + column * Patch) * 3, Patch * 3).CopyTo(token[(y * Patch * 3)..]);
                SubtractMeans(token);
            }
        return new FeatureMap(image.Width, image.Height, Axis(columns, width, image.Width), Axis(rows, height, image.Height), channels, values);
    }

    private static TokenAxis Axis(int count, int inputSize, int imageSize) => new(count, inputSize / (imageSize * (float)Patch), -0.5f);

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
