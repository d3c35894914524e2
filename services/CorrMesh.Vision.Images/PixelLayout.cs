namespace CorrMesh.Vision.Images;

/// <summary>Moves pixels between layouts.</summary>
internal static class PixelLayout
{
    /// <summary>Drops alpha and applies an EXIF orientation in one pass.</summary>
    /// <param name="rgba">[height * width * 4] bytes as stored.</param>
    /// <param name="width">Stored columns.</param>
    /// <param name="height">Stored rows.</param>
    /// <param name="orientation">EXIF tag 0x0112, 1 to 8: which corner and axis of the picture the first row and column are.</param>
    public static unsafe RgbImage Orient(byte* rgba, int width, int height, int orientation)
    {
        bool transposed = orientation >= 5;
        int outWidth = transposed ? height : width, outHeight = transposed ? width : height;

        // Stored pixel shown at output (x, y) = origin + x * stepX + y * stepY, in pixels of the stored array.
        long right = width - 1L, bottom = (height - 1L) * width;
        (long origin, long stepX, long stepY) = orientation switch
        {
            2 => (right, -1L, width),
            3 => (bottom + right, -1L, -(long)width),
            4 => (bottom, 1L, -(long)width),
            5 => (0L, width, 1L),
            6 => (bottom, -(long)width, 1L),
            7 => (bottom + right, -(long)width, -1L),
            8 => (right, width, -1L),
            _ => (0L, 1L, (long)width),
        };

        var pixels = GC.AllocateUninitializedArray<byte>(checked(outWidth * outHeight * 3));
        fixed (byte* first = pixels)
        {
            byte* target = first;
            for (int y = 0; y < outHeight; y++)
            {
                byte* source = rgba + ((origin + (y * stepY)) * 4);
                for (int x = 0; x < outWidth; x++, target += 3, source += stepX * 4)
                {
                    target[0] = source[0];
                    target[1] = source[1];
                    target[2] = source[2];
                }
            }
        }

        return new RgbImage(outWidth, outHeight, pixels);
    }
}
