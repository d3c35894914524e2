namespace CorrMesh.Vision.Images;

/// <summary>What a picture may cost. Both bounds are checked before any pixel memory is allocated.</summary>
public sealed record ImageLimits
{
    /// <summary>The limits of the public API.</summary>
    public static ImageLimits Default { get; } = new();

    /// <summary>Largest encoded (or raw) size, bytes.</summary>
    public int MaxEncodedBytes { get; init; } = 32 * 1024 * 1024;

    /// <summary>Largest width times height, pixels.</summary>
    public long MaxPixels { get; init; } = 50_000_000;

    /// <exception cref="ImageRejectedException">No bytes, or more than <see cref="MaxEncodedBytes"/>.</exception>
    internal void CheckBytes(long bytes)
    {
        if (bytes == 0)
        {
            throw new ImageRejectedException(ImageRejection.Empty, "image: at least 1 byte needed, 0 given");
        }

        if (bytes > MaxEncodedBytes)
        {
            throw new ImageRejectedException(ImageRejection.TooManyBytes, $"image: {bytes:N0} bytes, at most {MaxEncodedBytes:N0}");
        }
    }

    /// <exception cref="ImageRejectedException">More than <see cref="MaxPixels"/> pixels.</exception>
    internal void CheckPixels(int width, int height)
    {
        if ((long)width * height > MaxPixels)
        {
            throw new ImageRejectedException(
                ImageRejection.TooManyPixels, $"image: {width:N0} x {height:N0} = {(long)width * height:N0} pixels, at most {MaxPixels:N0}");
        }
    }
}
