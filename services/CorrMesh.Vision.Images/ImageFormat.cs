using System.Buffers.Binary;

namespace CorrMesh.Vision.Images;

/// <summary>The encodings that are accepted.</summary>
public enum ImageFormat
{
    Png,
    Jpeg,
    WebP,
    Bmp,
    Gif,
}

/// <summary>Names an encoding by its first bytes, so that only the decoders of accepted formats ever see a caller's data.</summary>
internal static class ImageSignature
{
    /// <exception cref="ImageRejectedException">The bytes begin no accepted format; the message names the format when it is a known one.</exception>
    public static ImageFormat Detect(ReadOnlySpan<byte> encoded)
    {
        if (encoded.StartsWith(PngSignature))
        {
            return ImageFormat.Png;
        }

        if (encoded.StartsWith(JpegSignature))
        {
            return ImageFormat.Jpeg;
        }

        if (encoded.StartsWith("RIFF"u8) && encoded.Length >= 12 && encoded.Slice(8, 4).SequenceEqual("WEBP"u8))
        {
            return ImageFormat.WebP;
        }

        if (encoded.StartsWith("GIF87a"u8) || encoded.StartsWith("GIF89a"u8))
        {
            return ImageFormat.Gif;
        }

        if (encoded.StartsWith("BM"u8))
        {
            return ImageFormat.Bmp;
        }

        throw new ImageRejectedException(
            ImageRejection.UnsupportedFormat, $"image: {NameOther(encoded)} is not accepted; send PNG, JPEG, WebP, BMP or GIF");
    }

    private static ReadOnlySpan<byte> PngSignature => [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A];

    private static ReadOnlySpan<byte> JpegSignature => [0xFF, 0xD8, 0xFF];

    private static string NameOther(ReadOnlySpan<byte> encoded)
    {
        if (encoded.StartsWith("II*\0"u8) || encoded.StartsWith("MM\0*"u8))
        {
            return "TIFF (or a camera's raw format)";
        }

        if (encoded.Length >= 12 && encoded.Slice(4, 4).SequenceEqual("ftyp"u8))
        {
            var brand = encoded.Slice(8, 4);
            return brand.SequenceEqual("avif"u8) || brand.SequenceEqual("avis"u8) ? "AVIF"
                : brand.StartsWith("he"u8) || brand.SequenceEqual("mif1"u8) ? "HEIF"
                : "an ISO media file (video)";
        }

        if (encoded.StartsWith(JpegXlCodestream) || (encoded.Length >= 8 && encoded.Slice(4, 4).SequenceEqual("JXL "u8)))
        {
            return "JPEG XL";
        }

        if (encoded.Length >= 8 && encoded.Slice(4, 4).SequenceEqual("jP  "u8))
        {
            return "JPEG 2000";
        }

        if (encoded.Length >= 6 && BinaryPrimitives.ReadUInt32LittleEndian(encoded) is 0x00010000 or 0x00020000)
        {
            return "ICO";
        }

        return encoded.StartsWith("%PDF"u8) ? "PDF"
            : encoded.StartsWith("<svg"u8) || encoded.StartsWith("<?xml"u8) ? "SVG or XML"
            : encoded.StartsWith("P5\n"u8) || encoded.StartsWith("P6\n"u8) ? "PNM"
            : encoded.StartsWith("8BPS"u8) ? "Photoshop"
            : "an unknown format";
    }

    private static ReadOnlySpan<byte> JpegXlCodestream => [0xFF, 0x0A];
}
