using System.Buffers.Binary;

namespace CorrMesh.Vision.Images;

/// <summary>Facts that the codec does not report, read from the containers' own markers without decoding.</summary>
internal static class ContainerScan
{
    /// <summary>Frames and EXIF orientation of a PNG: its acTL (APNG) and eXIf chunks; (1, 1) when it has neither.</summary>
    /// <remarks>The codec knows neither: it would show one picture of an animation, unturned. acTL counts only before the first IDAT.</remarks>
    public static (long Frames, int Orientation) Png(ReadOnlySpan<byte> png)
    {
        long frames = 1;
        int orientation = 1;
        bool dataSeen = false;
        for (long at = 8; at + 12 <= png.Length;)
        {
            var chunk = png[(int)at..];
            uint length = BinaryPrimitives.ReadUInt32BigEndian(chunk);
            var type = chunk.Slice(4, 4);
            dataSeen |= type.SequenceEqual("IDAT"u8);
            if (type.SequenceEqual("acTL"u8) && length >= 4 && !dataSeen)
            {
                frames = BinaryPrimitives.ReadUInt32BigEndian(chunk[8..]);
            }
            else if (type.SequenceEqual("eXIf"u8))
            {
                orientation = ExifOrientation(chunk.Slice(8, (int)Math.Min(length, chunk.Length - 8)));
            }

            at += 12L + length;
        }

        return (frames, orientation);
    }

    /// <summary>A PNG without its large chunks other than pixels; null when it has none.</summary>
    /// <remarks>
    /// No such chunk decides a pixel: the palette and the transparent colours are small. The codec collects a chunk piece by piece and
    /// copies all that it has each time, so 32 MiB of a chunk that nobody reads would hold a core for minutes.
    /// </remarks>
    public static byte[]? PngWithoutLargeChunks(ReadOnlySpan<byte> png)
    {
        const uint large = 1 << 16;
        MemoryStream? kept = null;
        int from = 0;
        for (long at = 8; at + 12 <= png.Length;)
        {
            var chunk = png[(int)at..];
            uint length = BinaryPrimitives.ReadUInt32BigEndian(chunk);
            long next = at + 12L + length;
            if (length > large && !chunk.Slice(4, 4).SequenceEqual("IDAT"u8))
            {
                kept ??= new MemoryStream();
                kept.Write(png[from..(int)at]);
                from = (int)Math.Min(next, png.Length);
            }

            at = next;
        }

        kept?.Write(png[from..]);
        return kept?.ToArray();
    }

    /// <summary>Tag 0x0112 of a TIFF block's first directory; 1 when it is absent or outside 1 to 8.</summary>
    private static int ExifOrientation(ReadOnlySpan<byte> tiff)
    {
        bool little = tiff.StartsWith("II*\0"u8);
        if (tiff.Length < 8 || (!little && !tiff.StartsWith("MM\0*"u8)))
        {
            return 1;
        }

        uint directory = little ? BinaryPrimitives.ReadUInt32LittleEndian(tiff[4..]) : BinaryPrimitives.ReadUInt32BigEndian(tiff[4..]);
        if (directory > tiff.Length - 2)
        {
            return 1;
        }

        var entries = tiff[(int)directory..];
        int count = Short(entries);
        entries = entries[2..];
        for (; count > 0 && entries.Length >= 12; count--, entries = entries[12..])
        {
            if (Short(entries) == 0x0112)
            {
                int value = Short(entries[8..]);
                return value is >= 1 and <= 8 ? value : 1;
            }
        }

        return 1;

        int Short(ReadOnlySpan<byte> at) => little ? BinaryPrimitives.ReadUInt16LittleEndian(at) : BinaryPrimitives.ReadUInt16BigEndian(at);
    }

    /// <summary>Components of a JPEG's frame header, and whether an Adobe APP14 segment says how they are to be read.</summary>
    /// <returns>(0, false) when there is no frame header before the first scan.</returns>
    public static (int Components, bool Adobe) JpegColour(ReadOnlySpan<byte> jpeg)
    {
        bool adobe = false;
        int components = 0;
        for (int at = 2; at + 4 <= jpeg.Length;)
        {
            if (jpeg[at] != 0xFF)
            {
                break;
            }

            byte marker = jpeg[at + 1];
            if (marker == 0xFF)
            {
                at++;   // fill byte
                continue;
            }

            if (marker is 0x01 or (>= 0xD0 and <= 0xD8))
            {
                at += 2;   // markers without a length
                continue;
            }

            int length = BinaryPrimitives.ReadUInt16BigEndian(jpeg[(at + 2)..]);
            if (length < 2 || marker is 0xDA or 0xD9)
            {
                break;
            }

            var segment = jpeg[(at + 4)..Math.Min(at + 2 + length, jpeg.Length)];
            adobe |= marker == 0xEE && segment.StartsWith("Adobe"u8);
            bool isFrameHeader = marker is >= 0xC0 and <= 0xCF and not (0xC4 or 0xC8 or 0xCC);
            if (isFrameHeader && segment.Length >= 6)
            {
                components = segment[5];
            }

            at += 2 + length;
        }

        return (components, adobe);
    }
}
