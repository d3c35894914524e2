using System.Buffers.Binary;
using System.IO.Compression;
using System.IO.Hashing;

namespace CorrMesh.Rendering.Views;

/// <summary>Grey PNG of 8 or 16 bits, without interlace: depth and masks. The codec for pictures would drop the low byte.</summary>
public static class GreyPng
{
    private static ReadOnlySpan<byte> Magic => [0x89, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10];

    /// <summary>Writes 16-bit samples.</summary>
    public static byte[] Encode(ReadOnlySpan<ushort> samples, int width, int height)
    {
        var bytes = new byte[2 * width * height];
        for (int i = 0; i < width * height; i++) BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(2 * i), samples[i]);
        return Encode(bytes, width, height, 16);
    }

    /// <summary>Writes 8-bit samples.</summary>
    public static byte[] Encode(ReadOnlySpan<byte> samples, int width, int height) => Encode(samples, width, height, 8);

    /// <summary>Reads samples as they are stored: 0 to 255, or 0 to 65535.</summary>
    /// <param name="png">The whole file.</param>
    /// <param name="name">What it is, for messages.</param>
    /// <param name="width">Columns that it must have.</param>
    /// <param name="height">Rows that it must have.</param>
    /// <exception cref="InvalidDataException">It is not such a picture, of another size, or damaged.</exception>
    public static ushort[] Decode(ReadOnlySpan<byte> png, string name, int width, int height)
    {
        if (!png.StartsWith(Magic)) throw new InvalidDataException($"{name}: a PNG needed, other bytes given");
        int bits = 0;
        using var packed = new MemoryStream();
        bool isEnded = false;
        for (long at = 8; at + 12 <= png.Length && !isEnded;)
        {
            ReadOnlySpan<byte> chunk = png[(int)at..];
            uint length = BinaryPrimitives.ReadUInt32BigEndian(chunk);
            if (at + 12 + length > png.Length) throw new InvalidDataException($"{name}: a chunk of {length} bytes declared, {png.Length - at - 12} left");
            ReadOnlySpan<byte> kind = chunk.Slice(4, 4), body = chunk.Slice(8, (int)length);
            if (kind.SequenceEqual("IHDR"u8) && length == 13)
            {
                (int w, int h) = (BinaryPrimitives.ReadInt32BigEndian(body), BinaryPrimitives.ReadInt32BigEndian(body[4..]));
                if ((w, h) != (width, height)) throw new InvalidDataException($"{name}: {width} x {height} pixels needed, {w} x {h} given");
                if (body[8] is not (8 or 16) || body[9] != 0 || body[12] != 0) throw new InvalidDataException($"{name}: grey of 8 or 16 bits without interlace needed, colour type {body[9]} of {body[8]} bits given");
                bits = body[8];
            }
            else if (kind.SequenceEqual("IDAT"u8)) packed.Write(body);
            isEnded = kind.SequenceEqual("IEND"u8);
            at += 12L + length;
        }
        if (bits == 0) throw new InvalidDataException($"{name}: a header needed, none given");
        packed.Position = 0;
        using var rows = new ZLibStream(packed, CompressionMode.Decompress);
        int size = bits / 8, stride = width * size;
        var samples = new ushort[width * height];
        byte[] row = new byte[stride], above = new byte[stride];
        try
        {
            for (int y = 0; y < height; y++)
            {
                int filter = rows.ReadByte();
                rows.ReadExactly(row);
                Unfilter(filter, row, above, size, name);
                for (int x = 0; x < width; x++) samples[y * width + x] = size == 1 ? row[x] : BinaryPrimitives.ReadUInt16BigEndian(row.AsSpan(2 * x));
                (row, above) = (above, row);
            }
        }
        catch (EndOfStreamException e)
        {
            throw new InvalidDataException($"{name}: the data ends before the picture does", e);
        }
        return samples;
    }

    private static byte[] Encode(ReadOnlySpan<byte> bytes, int width, int height, byte bits)
    {
        using var packed = new MemoryStream();
        using (var zlib = new ZLibStream(packed, CompressionLevel.Fastest, leaveOpen: true))
        {
            int stride = width * bits / 8;
            var difference = new byte[stride];
            for (int y = 0; y < height; y++)
            {
                // "Up": depth and masks change little from row to row.
                zlib.WriteByte(2);
                ReadOnlySpan<byte> row = bytes.Slice(y * stride, stride);
                for (int i = 0; i < stride; i++) difference[i] = (byte)(row[i] - (y > 0 ? bytes[(y - 1) * stride + i] : 0));
                zlib.Write(difference);
            }
        }
        using var file = new MemoryStream();
        file.Write(Magic);
        var header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), height);
        header[8] = bits;
        WriteChunk(file, "IHDR"u8, header);
        WriteChunk(file, "IDAT"u8, packed.ToArray());
        WriteChunk(file, "IEND"u8, []);
        return file.ToArray();
    }

    private static void WriteChunk(MemoryStream file, ReadOnlySpan<byte> kind, byte[] body)
    {
        Span<byte> number = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(number, body.Length);
        file.Write(number);
        file.Write(kind);
        file.Write(body);
        var crc = new Crc32();
        crc.Append(kind);
        crc.Append(body);
        BinaryPrimitives.WriteUInt32BigEndian(number, crc.GetCurrentHashAsUInt32());
        file.Write(number);
    }

    // The five filters of the PNG specification, section 9.2.
    private static void Unfilter(int filter, byte[] row, byte[] above, int size, string name)
    {
        if (filter is < 0 or > 4) throw new InvalidDataException($"{name}: a filter 0 to 4 needed, {filter} given");
        for (int i = 0; i < row.Length; i++)
        {
            int left = i >= size ? row[i - size] : 0, up = above[i], corner = i >= size ? above[i - size] : 0;
            row[i] += (byte)(filter switch
            {
                0 => 0,
                1 => left,
                2 => up,
                3 => (left + up) / 2,
                _ => Paeth(left, up, corner),
            });
        }
    }

    private static int Paeth(int left, int up, int corner)
    {
        int estimate = left + up - corner, toLeft = Math.Abs(estimate - left), toUp = Math.Abs(estimate - up), toCorner = Math.Abs(estimate - corner);
        return toLeft <= toUp && toLeft <= toCorner ? left : toUp <= toCorner ? up : corner;
    }
}
