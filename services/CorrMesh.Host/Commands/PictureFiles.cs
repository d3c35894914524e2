using CorrMesh.Vision.Images;
using SkiaSharp;

namespace CorrMesh.Host.Commands;

/// <summary>Pictures between files, plain pixels and Skia's canvas.</summary>
internal static class PictureFiles
{
    private const int Quality = 88;

    /// <summary>Reads an image file as the services do: upright, as stored.</summary>
    /// <exception cref="ImageRejectedException">The services would refuse it too.</exception>
    public static SKBitmap Read(string path)
    {
        RgbImage image = ImageDecoder.Decode(File.ReadAllBytes(path));
        return ToBitmap(image.Pixels, image.Width, image.Height);
    }

    /// <param name="pixels">[height * width * 3] r, g, b.</param>
    public static SKBitmap ToBitmap(byte[] pixels, int width, int height)
    {
        var bitmap = new SKBitmap(new SKImageInfo(width, height, SKColorType.Rgb888x, SKAlphaType.Opaque));
        Span<byte> target = bitmap.GetPixelSpan();
        for (int from = 0, to = 0; from < pixels.Length; from += 3, to += 4)
        {
            pixels.AsSpan(from, 3).CopyTo(target[to..]);
            target[to + 3] = 255;
        }

        return bitmap;
    }

    /// <summary>Writes a JPEG.</summary>
    public static void Write(string path, SKBitmap bitmap)
    {
        using SKPixmap pixmap = bitmap.PeekPixels();
        using SKData file = pixmap.Encode(new SKJpegEncoderOptions(Quality, SKJpegEncoderDownsample.Downsample420, SKJpegEncoderAlphaOption.Ignore))
            ?? throw new IOException($"{path}: the picture could not be encoded");
        using FileStream stream = File.Create(path);
        file.SaveTo(stream);
    }
}
