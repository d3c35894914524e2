using CorrMesh.Vision.Images;

namespace CorrMesh.Evaluation.Pairs;

/// <summary>Bilinear resizing whose support widens when it shrinks, so that nothing aliases (PIL's and torch's antialiased rule).</summary>
internal static class AreaResampler
{
    /// <returns>[height * width * 3] values 0..1, interleaved.</returns>
    public static float[] Resize(RgbImage image, int width, int height)
    {
        (int[] starts, float[][] weights) = Filter(image.Width, width);
        var rows = new float[image.Height * width * 3];
        for (int y = 0; y < image.Height; y++)
            for (int x = 0; x < width; x++)
            {
                float r = 0, g = 0, b = 0;
                int at = (y * image.Width + starts[x]) * 3;
                foreach (float weight in weights[x])
                {
                    r += weight * image.Pixels[at++];
                    g += weight * image.Pixels[at++];
                    b += weight * image.Pixels[at++];
                }
                int to = (y * width + x) * 3;
                (rows[to], rows[to + 1], rows[to + 2]) = (r / 255, g / 255, b / 255);
            }
        (starts, weights) = Filter(image.Height, height);
        var result = new float[height * width * 3];
        for (int y = 0; y < height; y++)
        {
            Span<float> row = result.AsSpan(y * width * 3, width * 3);
            for (int k = 0; k < weights[y].Length; k++)
            {
                ReadOnlySpan<float> from = rows.AsSpan((starts[y] + k) * width * 3, width * 3);
                float weight = weights[y][k];
                for (int i = 0; i < row.Length; i++) row[i] += weight * from[i];
            }
        }
        return result;
    }

    private static (int[] Starts, float[][] Weights) Filter(int from, int to)
    {
        double scale = from / (double)to, support = Math.Max(scale, 1);
        var starts = new int[to];
        var weights = new float[to][];
        for (int i = 0; i < to; i++)
        {
            double centre = (i + 0.5) * scale;
            int first = Math.Max((int)Math.Floor(centre - support + 0.5), 0), last = Math.Min((int)Math.Floor(centre + support + 0.5), from);
            starts[i] = first;
            double[] taps = [.. Enumerable.Range(first, last - first).Select(j => Math.Max(0, 1 - Math.Abs((j + 0.5 - centre) / support)))];
            double sum = taps.Sum();
            weights[i] = [.. taps.Select(tap => (float)(tap / sum))];
        }
        return (starts, weights);
    }
}
