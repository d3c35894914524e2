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
}
