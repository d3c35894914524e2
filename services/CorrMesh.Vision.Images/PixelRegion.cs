namespace CorrMesh.Vision.Images;

/// <summary>A rectangle of whole pixels.</summary>
/// <param name="X">First column.</param>
/// <param name="Y">First row.</param>
/// <param name="Width">Columns, at least 1.</param>
/// <param name="Height">Rows, at least 1.</param>
public readonly record struct PixelRegion(int X, int Y, int Width, int Height)
{
    /// <summary>Copies this region out of a picture.</summary>
    /// <exception cref="ImageRejectedException">The region is empty or not wholly inside the picture.</exception>
    public RgbImage CropFrom(RgbImage image)
    {
        ArgumentNullException.ThrowIfNull(image);
        if (Width < 1 || Height < 1 || X < 0 || Y < 0 || (long)X + Width > image.Width || (long)Y + Height > image.Height)
        {
            throw new ImageRejectedException(
                ImageRejection.InvalidRegion,
                $"region: must lie inside {image.Width} x {image.Height} and hold a pixel, {Width} x {Height} at ({X}, {Y}) given");
        }

        var pixels = GC.AllocateUninitializedArray<byte>(Width * Height * 3);
        for (int row = 0; row < Height; row++)
        {
            image.Pixels.AsSpan((((Y + row) * image.Width) + X) * 3, Width * 3).CopyTo(pixels.AsSpan(row * Width * 3));
        }

        return new RgbImage(Width, Height, pixels);
    }
}
