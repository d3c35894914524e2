namespace CorrMesh.Vision.Images;

/// <summary>A decoded picture: 8-bit RGB, row-major, three interleaved bytes a pixel, no padding.</summary>
/// <param name="Width">Columns, at least 1.</param>
/// <param name="Height">Rows, at least 1.</param>
/// <param name="Pixels">[Height * Width * 3] bytes: r, g, b of the top-left pixel first.</param>
public sealed record RgbImage(int Width, int Height, byte[] Pixels)
{
    /// <exception cref="ArgumentException">The pixel array does not have Width * Height * 3 bytes.</exception>
    public byte[] Pixels { get; } = Pixels.LongLength == (long)Width * Height * 3
        ? Pixels
        : throw new ArgumentException($"pixels: {(long)Width * Height * 3} bytes needed for {Width} x {Height}, {Pixels.LongLength} given", nameof(Pixels));

    /// <summary>Pictures from left to right, aligned at the top, on white.</summary>
    /// <param name="pictures">At least 1.</param>
    public static RgbImage SideBySide(IReadOnlyList<RgbImage> pictures)
    {
        int width = pictures.Sum(picture => picture.Width), height = pictures.Max(picture => picture.Height), left = 0;
        byte[] pixels = new byte[3 * width * height];
        Array.Fill(pixels, (byte)255);
        foreach (RgbImage picture in pictures)
        {
            for (int y = 0; y < picture.Height; y++)
                picture.Pixels.AsSpan(3 * y * picture.Width, 3 * picture.Width).CopyTo(pixels.AsSpan(3 * (y * width + left)));
            left += picture.Width;
        }

        return new RgbImage(width, height, pixels);
    }

    /// <summary>The picture at a smaller size, each pixel the mean of the square that it stands for.</summary>
    /// <param name="factor">Pixels of this picture along a side of that square, at least 1; what is left over at the right and the bottom is dropped.</param>
    public RgbImage Reduced(int factor)
    {
        int width = Math.Max(1, Width / factor), height = Math.Max(1, Height / factor), columns = Math.Min(factor, Width), rows = Math.Min(factor, Height);
        byte[] reduced = new byte[3 * width * height];
        for (int at = 0; at < reduced.Length; at++)
        {
            int channel = at % 3, x = at / 3 % width * factor, y = at / 3 / width * factor, sum = 0;
            for (int row = y; row < y + rows; row++)
                for (int column = x; column < x + columns; column++) sum += Pixels[3 * (row * Width + column) + channel];
            reduced[at] = (byte)((sum + rows * columns / 2) / (rows * columns));
        }

        return new RgbImage(width, height, reduced);
    }
}
