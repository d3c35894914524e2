using SkiaSharp;

namespace CorrMesh.Vision.Images;

/// <summary>8-bit RGB pictures to PNG, lossless.</summary>
public static class PngEncoder
{
    /// <summary>Encodes a picture as an 8-bit RGB PNG without colour chunks: decoding gives the same bytes back.</summary>
    /// <param name="image">Any size from 1 x 1.</param>
    public static unsafe byte[] Encode(RgbImage image)
    {
        ArgumentNullException.ThrowIfNull(image);
        var info = new SKImageInfo(image.Width, image.Height, SKColorType.Rgba8888, SKAlphaType.Opaque, colorspace: null);
        using var bitmap = new SKBitmap(info);
        byte* target = (byte*)bitmap.GetPixels();
        fixed (byte* first = image.Pixels)
        {
            byte* source = first;
            for (long pixel = (long)image.Width * image.Height; pixel > 0; pixel--, source += 3, target += 4)
            {
                target[0] = source[0];
                target[1] = source[1];
                target[2] = source[2];
                target[3] = 255;
            }
        }

        // Level 4 with the cheap filters: heat maps and renderings are smooth, and higher levels cost time for little.
        var options = new SKPngEncoderOptions(SKPngEncoderFilterFlags.Sub | SKPngEncoderFilterFlags.Up, zLibLevel: 4);
        using var pixmap = bitmap.PeekPixels();
        using var data = pixmap.Encode(options) ?? throw new InvalidOperationException("PNG encoding failed");
        return data.ToArray();
    }
}
