using System.Buffers.Binary;
using System.IO.Compression;

namespace CorrMesh.TestKit;

/// <summary>Writes PNG files chunk by chunk, including ones no encoder would write.</summary>
public static class PngBuilder
{
    public const byte Grey = 0, Rgb = 2, Palette = 3, GreyAlpha = 4, Rgba = 6;

    /// <summary>A PNG of unfiltered rows.</summary>
    /// <param name="samples">Rows top to bottom, already packed as the colour type and bit depth say (16 bit: big-endian).</param>
    /// <param name="beforeData">Chunks between IHDR and IDAT.</param>
    public static byte[] Build(int width, int height, byte colourType, byte bitDepth, byte[] samples, params (string Type, byte[] Data)[] beforeData)
    {
        using var file = Begin(width, height, colourType, bitDepth);
        foreach (var (type, data) in beforeData)
        {
            WriteChunk(file, type, data);
        }

        WriteChunk(file, "IDAT", Compress(samples, height));
        WriteChunk(file, "IEND", []);
        return file.ToArray();
    }

    /// <summary>A header of any size followed by almost no data.</summary>
    public static byte[] HeaderOnly(int width, int height)
    {
        using var file = Begin(width, height, Rgb, 8);
        WriteChunk(file, "IDAT", Compress(new byte[600], 1));
        WriteChunk(file, "IEND", []);
        return file.ToArray();
    }

    /// <summary>An APNG of frames of the same size.</summary>
    public static byte[] Animated(int width, int height, params byte[][] frames)
    {
        using var file = Begin(width, height, Rgb, 8);
        var control = new byte[8];
        BinaryPrimitives.WriteInt32BigEndian(control, frames.Length);
        WriteChunk(file, "acTL", control);
        int sequence = 0;
        for (int i = 0; i < frames.Length; i++)
        {
            var frame = new byte[26];
            BinaryPrimitives.WriteInt32BigEndian(frame, sequence++);
            BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(4), width);
            BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(8), height);
            frame[21] = 1;
            frame[23] = 10;
            WriteChunk(file, "fcTL", frame);
            byte[] data = Compress(frames[i], height);
            if (i == 0)
            {
                WriteChunk(file, "IDAT", data);
                continue;
            }

            var number = new byte[4];
            BinaryPrimitives.WriteInt32BigEndian(number, sequence++);
            WriteChunk(file, "fdAT", [.. number, .. data]);
        }

        WriteChunk(file, "IEND", []);
        return file.ToArray();
    }

    private static MemoryStream Begin(int width, int height, byte colourType, byte bitDepth)
    {
        var file = new MemoryStream();
        file.Write([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]);
        var header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), height);
        (header[8], header[9]) = (bitDepth, colourType);
        WriteChunk(file, "IHDR", header);
        return file;
    }

    private static byte[] Compress(byte[] samples, int height)
    {
        int rowBytes = samples.Length / height;
        using var compressed = new MemoryStream();
        using (var zlib = new ZLibStream(compressed, CompressionLevel.Optimal, leaveOpen: true))
        {
            for (int row = 0; row < height; row++)
            {
                zlib.WriteByte(0);
                zlib.Write(samples, row * rowBytes, rowBytes);
            }
        }

        return compressed.ToArray();
    }

    private static void WriteChunk(MemoryStream file, string type, byte[] data)
    {
        byte[] body = [.. System.Text.Encoding.ASCII.GetBytes(type), .. data];
        Span<byte> number = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(number, data.Length);
        file.Write(number);
        file.Write(body);
        BinaryPrimitives.WriteUInt32BigEndian(number, Crc(body));
        file.Write(number);
    }

    private static uint Crc(byte[] data)
    {
        uint crc = 0xFFFFFFFF;
        foreach (byte value in data)
        {
            crc ^= value;
            for (int bit = 0; bit < 8; bit++)
            {
                crc = (crc >> 1) ^ (0xEDB88320 & (uint)-(int)(crc & 1));
            }
        }

        return ~crc;
    }
}
