using CorrMesh.Vision.Images;

namespace CorrMesh.Vision.Similarity;

/// <summary>Similarity of one descriptor at every pixel of a target, as numbers or as a picture.</summary>
public static class Heatmap
{
    /// <summary>Scores at all pixel centres, as <see cref="TokenGram"/> defines them.</summary>
    /// <param name="target">The prepared target map.</param>
    /// <param name="descriptor">[C].</param>
    /// <returns>[ImageHeight * ImageWidth] row-major.</returns>
    /// <exception cref="ArgumentException">Another number of channels, or a value that is not finite.</exception>
    public static float[] Scores(TokenGram target, float[] descriptor)
    {
        ArgumentNullException.ThrowIfNull(target);
        var map = target.Map;
        var batch = DescriptorBatch.FromValues(descriptor, map.Channels);
        if (batch.Count != 1)
        {
            throw new ArgumentException($"descriptor: {map.Channels} values needed, {descriptor.Length} given", nameof(descriptor));
        }

        var scores = new float[checked(map.ImageWidth * map.ImageHeight)];
        if (batch.Norms[0] > 0)
        {
            batch.ForEach(map.Values, map.TokenCount, 1, (_, products) => Fill(target, products, PixelSearch.NormFloor(batch.Norms[0]), scores));
        }

        return scores;
    }

    /// <summary>Paints scores: the lowest blue, the highest red (Turbo), stretched to their own range.</summary>
    /// <param name="scores">[height * width].</param>
    /// <param name="width">Columns.</param>
    /// <param name="height">Rows.</param>
    /// <param name="image">Picture of the same size to lay the colours over, or null for colours alone.</param>
    /// <param name="opacity">Share of the colours in the blend, 0 to 1.</param>
    /// <exception cref="ArgumentException">Sizes that disagree, or an opacity outside 0 to 1.</exception>
    public static RgbImage Render(float[] scores, int width, int height, RgbImage? image = null, float opacity = 0.6f)
    {
        ArgumentNullException.ThrowIfNull(scores);
        if (scores.LongLength != (long)width * height || scores.Length == 0)
        {
            throw new ArgumentException($"scores: {width} x {height} values needed, {scores.Length} given", nameof(scores));
        }

        if (image is not null && (image.Width, image.Height) != (width, height))
        {
            throw new ArgumentException($"image: {width} x {height} needed, {image.Width} x {image.Height} given", nameof(image));
        }

        if (!(opacity >= 0 && opacity <= 1))
        {
            throw new ArgumentOutOfRangeException(nameof(opacity), opacity, $"opacity: 0 to 1 needed, {opacity} given");
        }

        float low = scores.Min(), range = scores.Max() - low, share = image is null ? 1 : opacity;
        var pixels = new byte[scores.Length * 3];
        for (int i = 0; i < scores.Length; i++)
        {
            var (r, g, b) = TurboColours.At(range > 0 ? (scores[i] - low) / range : 0.5f);
            for (int c = 0; c < 3; c++)
            {
                float colour = c == 0 ? r : c == 1 ? g : b, under = image is null ? 0 : image.Pixels[(i * 3) + c];
                pixels[(i * 3) + c] = (byte)MathF.Round((share * colour) + ((1 - share) * under));
            }
        }

        return new RgbImage(width, height, pixels);
    }

    private static void Fill(TokenGram target, ReadOnlySpan<float> products, double normFloor, float[] scores)
    {
        var map = target.Map;
        var columns = AxisSamples.Create(map.X, map.ImageWidth, collapse: false);
        var rows = AxisSamples.Create(map.Y, map.ImageHeight, collapse: false);
        const int parts = AxisSamples.Parts;
        for (int row = 0; row < rows.CellCount; row++)
        {
            for (int column = 0; column < columns.CellCount; column++)
            {
                int token = (row * map.X.Count) + column, below = token + target.DownStep;
                var cell = target.Cell(row, column);
                for (int y = rows.Starts[row * parts]; y < rows.Starts[(row + 1) * parts]; y++)
                {
                    var line = cell.Line(
                        rows.Fractions[y], products[token], products[token + target.RightStep], products[below], products[below + target.RightStep]);
                    int first = rows.Pixels[y] * map.ImageWidth;
                    for (int x = columns.Starts[column * parts]; x < columns.Starts[(column + 1) * parts]; x++)
                    {
                        scores[first + columns.Pixels[x]] = line.Score(columns.Fractions[x], normFloor);
                    }
                }
            }
        }
    }
}
