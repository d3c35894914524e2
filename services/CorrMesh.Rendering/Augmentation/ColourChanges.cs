using CorrMesh.Geometry;

namespace CorrMesh.Rendering.Augmentation;

/// <summary>Changes of colour, in place, on interleaved 8-bit RGB.</summary>
internal static class ColourChanges
{
    /// <summary>Weights 1/4, 1/2, 1/4 both ways, mirrored at the edge without repeating it.</summary>
    public static void Blur(byte[] pixels, int width, int height)
    {
        var rows = new int[pixels.Length];
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++)
            {
                int left = Mirrored(x - 1, width), right = Mirrored(x + 1, width);
                for (int channel = 0; channel < 3; channel++) rows[At(x, y) + channel] = pixels[At(left, y) + channel] + 2 * pixels[At(x, y) + channel] + pixels[At(right, y) + channel];
            }
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++)
            {
                int above = Mirrored(y - 1, height), below = Mirrored(y + 1, height);
                for (int channel = 0; channel < 3; channel++)
                    pixels[At(x, y) + channel] = (byte)((rows[At(x, above) + channel] + 2 * rows[At(x, y) + channel] + rows[At(x, below) + channel] + 8) / 16);
            }

        int At(int x, int y) => 3 * (y * width + x);
    }

    /// <summary>Normal noise, drawn for each channel.</summary>
    /// <param name="pixels">Changed.</param>
    /// <param name="deviation">Levels of 8 bits.</param>
    /// <param name="random">Decides.</param>
    public static void AddGaussianNoise(byte[] pixels, float deviation, SeededRandom random)
    {
        for (int i = 0; i < pixels.Length; i++) pixels[i] = Level(pixels[i] + deviation * random.Normal());
    }

    /// <summary>Noise of a sensor at high gain: hue by a normal distribution, lightness by a Poisson distribution that follows the picture's contrast.</summary>
    /// <param name="pixels">Changed.</param>
    /// <param name="colourShift">Deviation of the hue at full intensity, of the circle.</param>
    /// <param name="intensity">0 to 1.</param>
    /// <param name="random">Decides.</param>
    public static void AddIsoNoise(byte[] pixels, float colourShift, float intensity, SeededRandom random)
    {
        double sum = 0, squares = 0;
        int count = pixels.Length / 3;
        for (int i = 0; i < pixels.Length; i += 3)
        {
            double lightness = Lightness(pixels, i);
            sum += lightness;
            squares += lightness * lightness;
        }
        double deviation = Math.Sqrt(Math.Max(squares / count - sum * sum / count / count, 0));
        var poisson = new PoissonSampler(deviation * intensity * 255);
        for (int i = 0; i < pixels.Length; i += 3)
        {
            (float hue, float lightness, float saturation) = ToHls(pixels[i] / 255f, pixels[i + 1] / 255f, pixels[i + 2] / 255f);
            hue += 6 * colourShift * intensity * random.Normal();
            lightness += poisson.Draw(random) / 255f * (1 - lightness);
            FromHls(hue - 6 * MathF.Floor(hue / 6), Math.Clamp(lightness, 0, 1), saturation, pixels.AsSpan(i, 3));
        }
    }

    /// <summary>Level times a factor plus a shift.</summary>
    public static void ScaleAndShift(byte[] pixels, float factor, float shift)
    {
        var levels = new byte[256];
        for (int i = 0; i < 256; i++) levels[i] = Level(i * factor + shift);
        for (int i = 0; i < pixels.Length; i++) pixels[i] = levels[pixels[i]];
    }

    private static byte Level(float value) => (byte)(Math.Clamp(value, 0, 255) + 0.5f);

    private static int Mirrored(int at, int size) => size == 1 ? 0 : at < 0 ? -at : at >= size ? 2 * size - 2 - at : at;

    private static float Lightness(byte[] pixels, int i) =>
        (Math.Max(pixels[i], Math.Max(pixels[i + 1], pixels[i + 2])) + Math.Min(pixels[i], Math.Min(pixels[i + 1], pixels[i + 2]))) / 510f;

    // Hue 0 to 6, lightness and saturation 0 to 1.
    private static (float Hue, float Lightness, float Saturation) ToHls(float r, float g, float b)
    {
        float most = MathF.Max(r, MathF.Max(g, b)), least = MathF.Min(r, MathF.Min(g, b)), range = most - least, lightness = (most + least) / 2;
        if (!(range > 0)) return (0, lightness, 0);
        float saturation = range / (lightness < 0.5f ? most + least : 2 - most - least);
        float hue = most == r ? (g - b) / range : most == g ? 2 + (b - r) / range : 4 + (r - g) / range;
        return (hue, lightness, saturation);
    }

    private static void FromHls(float hue, float lightness, float saturation, Span<byte> rgb)
    {
        float chroma = saturation * MathF.Min(lightness, 1 - lightness);
        for (int channel = 0; channel < 3; channel++)
        {
            // Distance from the channel's own hue (0, 2 and 4): full within 1, none beyond 2.
            float away = MathF.Abs(hue - 2 * channel);
            if (away > 3) away = 6 - away;
            rgb[channel] = Level(255 * (lightness + chroma * Math.Clamp(3 - 2 * away, -1, 1)));
        }
    }

    // By inversion from a table, which is fast for the small means that occur here (below 64).
    private sealed class PoissonSampler
    {
        private readonly float[] cumulative;

        public PoissonSampler(double mean)
        {
            var table = new List<float>();
            double probability = Math.Exp(-mean), sum = 0;
            for (int k = 0; k < 512 && sum < 1 - 1e-7; k++)
            {
                sum += probability;
                table.Add((float)sum);
                probability *= mean / (k + 1);
            }
            cumulative = [.. table];
        }

        public int Draw(SeededRandom random)
        {
            int at = Array.BinarySearch(cumulative, random.Unit());
            return Math.Min(at < 0 ? ~at : at + 1, cumulative.Length - 1);
        }
    }
}
