using System.Numerics;

namespace CorrMesh.Training.Data;

/// <summary>A picture in float RGB (nominally 0..1, display-referred); the fourth lane is unused. Buffers grow and are kept.</summary>
internal sealed class Raster
{
    public int Width { get; private set; }

    public int Height { get; private set; }

    /// <summary>At least Width * Height pixels, row-major.</summary>
    public Vector4[] Pixels { get; private set; } = [];

    public void Resize(int width, int height)
    {
        (Width, Height) = (width, height);
        if (Pixels.Length < width * height) Pixels = new Vector4[width * height];
    }

    /// <summary>Makes this the half-size copy of another raster by averaging 2 x 2 blocks.</summary>
    public void HalveFrom(Raster source)
    {
        Resize(Math.Max(source.Width / 2, 1), Math.Max(source.Height / 2, 1));
        for (int y = 0; y < Height; y++)
        {
            ReadOnlySpan<Vector4> top = source.Pixels.AsSpan(2 * y * source.Width, source.Width);
            ReadOnlySpan<Vector4> bottom = source.Pixels.AsSpan(Math.Min(2 * y + 1, source.Height - 1) * source.Width, source.Width);
            Span<Vector4> row = Pixels.AsSpan(y * Width, Width);
            for (int x = 0; x < row.Length; x++) row[x] = 0.25f * (top[2 * x] + top[2 * x + 1] + bottom[2 * x] + bottom[2 * x + 1]);
        }
    }

    /// <summary>[Width * Height * 3] r, g, b rounded to bytes; colours must lie in 0..1.</summary>
    public byte[] ToBytes()
    {
        var bytes = new byte[Width * Height * 3];
        int at = 0;
        foreach (Vector4 pixel in Pixels.AsSpan(0, Width * Height))
        {
            Vector4 scaled = pixel * 255 + new Vector4(0.5f);
            bytes[at++] = (byte)scaled.X;
            bytes[at++] = (byte)scaled.Y;
            bytes[at++] = (byte)scaled.Z;
        }
        return bytes;
    }

    /// <summary>Bilinear value at corner-origin coordinates; beyond the border the border's value.</summary>
    public Vector4 Sample(float x, float y)
    {
        x = Math.Clamp(x - 0.5f, 0, Width - 1);
        y = Math.Clamp(y - 0.5f, 0, Height - 1);
        int x0 = (int)x, y0 = (int)y;
        int x1 = x0 + 1 < Width ? x0 + 1 : x0;
        Vector4[] pixels = Pixels;
        int top = y0 * Width, bottom = y0 + 1 < Height ? top + Width : top;
        float fx = x - x0;
        return Vector4.Lerp(
            Vector4.Lerp(pixels[top + x0], pixels[top + x1], fx),
            Vector4.Lerp(pixels[bottom + x0], pixels[bottom + x1], fx),
            y - y0);
    }
}
