namespace CorrMesh.Vision.Images;

/// <summary>Order of the samples in raw pixels, 8 bits each.</summary>
public enum RawPixelFormat
{
    /// <summary>Red, green, blue.</summary>
    Rgb8,

    /// <summary>Blue, green, red: what cameras and OpenCV hand out.</summary>
    Bgr8,

    /// <summary>One grey sample, repeated into the three channels.</summary>
    Mono8,
}

/// <summary>Unencoded pictures, as camera drivers deliver them.</summary>
public static class RawPixels
{
    /// <summary>Checks and repacks raw pixels.</summary>
    /// <param name="pixels">Rows top to bottom; at least strideBytes * (height - 1) + width * channels bytes.</param>
    /// <param name="width">Columns, at least 1.</param>
    /// <param name="height">Rows, at least 1.</param>
    /// <param name="strideBytes">From the start of a row to the start of the next, bytes; at least width * channels.</param>
    /// <param name="format">Order of the samples.</param>
    /// <param name="limits">Bounds on pixels (the bytes of a raw picture follow from them); <see cref="ImageLimits.Default"/> when null.</param>
    /// <exception cref="ImageRejectedException">The numbers do not agree, or the picture is too large.</exception>
    public static RgbImage ToRgb(
        ReadOnlySpan<byte> pixels, int width, int height, int strideBytes, RawPixelFormat format, ImageLimits? limits = null)
    {
        int channels = format switch
        {
            RawPixelFormat.Rgb8 or RawPixelFormat.Bgr8 => 3,
            RawPixelFormat.Mono8 => 1,
            _ => throw new ArgumentOutOfRangeException(nameof(format), format, "format: rgb8, bgr8 or mono8 needed"),
        };
        Require(width >= 1, "width", 1, width);
        Require(height >= 1, "height", 1, height);
        (limits ?? ImageLimits.Default).CheckPixels(width, height);
        long rowBytes = (long)width * channels;
        Require(strideBytes >= rowBytes, "row stride", rowBytes, strideBytes);
        long needed = ((long)strideBytes * (height - 1)) + rowBytes;
        Require(pixels.Length >= needed, "pixel bytes", needed, pixels.Length);

        var rgb = GC.AllocateUninitializedArray<byte>(width * height * 3);
        for (int y = 0; y < height; y++)
        {
            var source = pixels.Slice((int)((long)y * strideBytes), (int)rowBytes);
            var target = rgb.AsSpan(y * width * 3, width * 3);
            switch (format)
            {
                case RawPixelFormat.Rgb8:
                    source.CopyTo(target);
                    break;
                case RawPixelFormat.Bgr8:
                    for (int i = 0; i < source.Length; i += 3)
                    {
                        (target[i], target[i + 1], target[i + 2]) = (source[i + 2], source[i + 1], source[i]);
                    }

                    break;
                default:
                    for (int x = 0; x < width; x++)
                    {
                        target.Slice(x * 3, 3).Fill(source[x]);
                    }

                    break;
            }
        }

        return new RgbImage(width, height, rgb);
    }

    private static void Require(bool holds, string name, long bound, long value)
    {
        if (!holds)
        {
            throw new ImageRejectedException(ImageRejection.InvalidLayout, $"image {name}: at least {bound:N0} needed, {value:N0} given");
        }
    }
}
