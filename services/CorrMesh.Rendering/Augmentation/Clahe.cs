using CorrMesh.Rendering.Meshes;

namespace CorrMesh.Rendering.Augmentation;

/// <summary>Contrast-limited adaptive histogram equalisation (Zuiderveld 1994) of CIE lightness, on 8 x 8 tiles.</summary>
internal static class Clahe
{
    private const int Tiles = 8, Levels = 256;

    /// <summary>Changes the lightness and leaves the colour coordinates a* and b*, in place.</summary>
    /// <param name="pixels">[3 * width * height] sRGB.</param>
    /// <param name="width">Columns.</param>
    /// <param name="height">Rows.</param>
    /// <param name="clipLimit">Greatest height of a histogram's bin over the mean.</param>
    public static void Apply(byte[] pixels, int width, int height, float clipLimit)
    {
        var lightness = new byte[width * height];
        for (int i = 0; i < lightness.Length; i++) lightness[i] = (byte)(255 * (116 * Root(Luminance(pixels, 3 * i)) - 16) / 100 + 0.5f);
        (int tileWidth, int tileHeight) = ((width + Tiles - 1) / Tiles, (height + Tiles - 1) / Tiles);
        var curves = new byte[Tiles * Tiles][];
        for (int tile = 0; tile < curves.Length; tile++) curves[tile] = Curve(lightness, width, height, tile % Tiles * tileWidth, tile / Tiles * tileHeight, tileWidth, tileHeight, clipLimit);
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++)
            {
                float u = (float)x / tileWidth - 0.5f, v = (float)y / tileHeight - 0.5f;
                int left = (int)MathF.Floor(u), top = (int)MathF.Floor(v), at = y * width + x, level = lightness[at];
                float tx = u - left, ty = v - top;
                float above = (1 - tx) * At(left, top) + tx * At(left + 1, top), below = (1 - tx) * At(left, top + 1) + tx * At(left + 1, top + 1);
                Relight(pixels.AsSpan(3 * at, 3), level, (1 - ty) * above + ty * below);

                int At(int column, int row) => curves[Math.Clamp(row, 0, Tiles - 1) * Tiles + Math.Clamp(column, 0, Tiles - 1)][level];
            }
    }

    private static byte[] Curve(byte[] lightness, int width, int height, int left, int top, int tileWidth, int tileHeight, float clipLimit)
    {
        Span<int> histogram = stackalloc int[Levels];
        histogram.Clear();
        // What juts out of the picture is mirrored in, so that all tiles weigh alike.
        for (int y = top; y < top + tileHeight; y++)
            for (int x = left; x < left + tileWidth; x++)
                histogram[lightness[Mirrored(y, height) * width + Mirrored(x, width)]]++;
        int area = tileWidth * tileHeight, limit = Math.Max((int)(clipLimit * area / Levels), 1), clipped = 0;
        foreach (ref int bin in histogram)
        {
            clipped += Math.Max(bin - limit, 0);
            bin = Math.Min(bin, limit);
        }
        int share = clipped / Levels, rest = clipped - share * Levels;
        foreach (ref int bin in histogram) bin += share;
        if (rest > 0)
            for (int i = 0, step = Math.Max(Levels / rest, 1); i < Levels && rest > 0; i += step, rest--) histogram[i]++;
        var curve = new byte[Levels];
        int sum = 0;
        for (int i = 0; i < Levels; i++)
        {
            sum += histogram[i];
            curve[i] = (byte)Math.Min(255f * sum / area + 0.5f, 255);
        }
        return curve;
    }

    private static int Mirrored(int at, int size) => at < size ? at : Math.Max(2 * size - 2 - at, 0);

    private static float Luminance(ReadOnlySpan<byte> rgb, int at) => 0.2126f * Srgb.ToLinear(rgb[at]) + 0.7152f * Srgb.ToLinear(rgb[at + 1]) + 0.0722f * Srgb.ToLinear(rgb[at + 2]);

    // CIE 1976, white D65. a* and b* are differences of f(X), f(Y) and f(Z), so all three move by the same step when L* moves.
    private static void Relight(Span<byte> rgb, int from, float to)
    {
        float r = Srgb.ToLinear(rgb[0]), g = Srgb.ToLinear(rgb[1]), b = Srgb.ToLinear(rgb[2]);
        float step = (to - from) / 255 * 100 / 116;
        float x = Cube(Root((0.4124f * r + 0.3576f * g + 0.1805f * b) / 0.9505f) + step) * 0.9505f;
        float y = Cube(Root(0.2126f * r + 0.7152f * g + 0.0722f * b) + step);
        float z = Cube(Root((0.0193f * r + 0.1192f * g + 0.9505f * b) / 1.089f) + step) * 1.089f;
        rgb[0] = Srgb.FromLinear(3.2406f * x - 1.5372f * y - 0.4986f * z);
        rgb[1] = Srgb.FromLinear(-0.9689f * x + 1.8758f * y + 0.0415f * z);
        rgb[2] = Srgb.FromLinear(0.0557f * x - 0.2040f * y + 1.0570f * z);
    }

    private static float Root(float t) => t > 0.008856f ? MathF.Cbrt(t) : 7.787f * t + 16f / 116;

    private static float Cube(float f) => f > 6f / 29 ? f * f * f : (f - 16f / 116) / 7.787f;
}
