using System.Text;
using CorrMesh.Vision.Images;
using SkiaSharp;

namespace CorrMesh.Vision.Tests.Images;

/// <summary>Seeded pictures and encoders for the ordinary formats.</summary>
internal static class Pictures
{
    public static RgbImage Noise(int width, int height, int seed = 1)
    {
        var pixels = new byte[width * height * 3];
        new Random(seed).NextBytes(pixels);
        return new RgbImage(width, height, pixels);
    }

    public static byte[] Encode(RgbImage image, SKEncodedImageFormat format, int quality)
    {
        var info = new SKImageInfo(image.Width, image.Height, SKColorType.Rgba8888, SKAlphaType.Opaque);
        using var bitmap = new SKBitmap(info);
        var rgba = new byte[image.Width * image.Height * 4];
        for (int i = 0; i < image.Width * image.Height; i++)
        {
            image.Pixels.AsSpan(i * 3, 3).CopyTo(rgba.AsSpan(i * 4));
            rgba[(i * 4) + 3] = 255;
        }

        System.Runtime.InteropServices.Marshal.Copy(rgba, 0, bitmap.GetPixels(), rgba.Length);
        using var pixmap = bitmap.PeekPixels();
        using var data = format == SKEncodedImageFormat.Webp
            ? pixmap.Encode(new SKWebpEncoderOptions(SKWebpEncoderCompression.Lossless, quality))
            : pixmap.Encode(format, quality);
        return data?.ToArray() ?? throw new InvalidOperationException($"{format} encoding failed");
    }

    /// <summary>An uncompressed 24-bit BMP, bottom row first.</summary>
    public static byte[] Bmp(RgbImage image)
    {
        int stride = ((image.Width * 3) + 3) / 4 * 4, size = 54 + (stride * image.Height);
        using var file = new MemoryStream();
        using var writer = new BinaryWriter(file);
        writer.Write("BM"u8);
        foreach (int value in new[] { size, 0, 54, 40, image.Width, image.Height, 1 | (24 << 16), 0, stride * image.Height, 0, 0, 0, 0 })
        {
            writer.Write(value);
        }

        for (int y = image.Height - 1; y >= 0; y--)
        {
            var row = new byte[stride];
            for (int x = 0; x < image.Width; x++)
            {
                int at = ((y * image.Width) + x) * 3;
                (row[x * 3], row[(x * 3) + 1], row[(x * 3) + 2]) = (image.Pixels[at + 2], image.Pixels[at + 1], image.Pixels[at]);
            }

            writer.Write(row);
        }

        return file.ToArray();
    }

    /// <summary>A GIF of flat 1 x 1 frames: colour 0 is red, colour 1 is blue.</summary>
    public static byte[] Gif(int frames)
    {
        using var file = new MemoryStream();
        file.Write("GIF89a"u8);
        file.Write([1, 0, 1, 0, 0x80, 0, 0, 255, 0, 0, 0, 0, 255]);
        for (int i = 0; i < frames; i++)
        {
            file.Write([0x21, 0xF9, 4, 0, 10, 0, 0, 0]);
            file.Write([0x2C, 0, 0, 0, 0, 1, 0, 1, 0, 0]);
            file.Write([2, 2, (byte)(0x44 | ((i & 1) << 3)), 0x01, 0]);   // LZW, codes of 3 bits: clear, colour, end
        }

        file.WriteByte(0x3B);
        return file.ToArray();
    }

    /// <summary>An animated WebP whose frames are the given still lossless files.</summary>
    public static byte[] AnimatedWebP(int width, int height, params byte[][] stills)
    {
        using var body = new MemoryStream();
        body.Write("WEBP"u8);
        RiffChunk(body, "VP8X", [0x02, 0, 0, 0, .. Int24(width - 1), .. Int24(height - 1)]);
        RiffChunk(body, "ANIM", [0, 0, 0, 0, 0, 0]);
        foreach (byte[] still in stills)
        {
            RiffChunk(body, "ANMF", [0, 0, 0, 0, 0, 0, .. Int24(width - 1), .. Int24(height - 1), 100, 0, 0, 0, .. still.AsSpan(12)]);
        }

        return Riff(body);
    }

    /// <summary>A still lossless WebP with an EXIF chunk.</summary>
    public static byte[] WebPWithExif(int width, int height, byte[] still, byte[] exif)
    {
        using var body = new MemoryStream();
        body.Write("WEBP"u8);
        RiffChunk(body, "VP8X", [0x08, 0, 0, 0, .. Int24(width - 1), .. Int24(height - 1)]);
        body.Write(still.AsSpan(12));
        RiffChunk(body, "EXIF", exif);
        return Riff(body);
    }

    private static byte[] Int24(int value) => [(byte)value, (byte)(value >> 8), (byte)(value >> 16)];

    private static byte[] Riff(MemoryStream body) => [.. "RIFF"u8, .. BitConverter.GetBytes((int)body.Length), .. body.ToArray()];

    private static void RiffChunk(MemoryStream file, string type, byte[] data)
    {
        file.Write(Encoding.ASCII.GetBytes(type));
        file.Write(BitConverter.GetBytes(data.Length));
        file.Write(data);
        if (data.Length % 2 == 1)
        {
            file.WriteByte(0);
        }
    }
}
