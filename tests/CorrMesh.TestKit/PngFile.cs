using System.Buffers.Binary;
using System.IO.Compression;

namespace CorrMesh.TestKit;

/// <summary>A decoded fixture image: 8-bit RGB, row-major, interleaved.</summary>
public sealed record PngImage(int Width, int Height, byte[] Pixels);

/// <summary>Reads 8-bit RGB PNG without interlace, all that the fixtures use. Independent of the decoder under test.</summary>
public static class PngFile
{
    private static ReadOnlySpan<byte> Magic => [0x89, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10];

    public static PngImage Read(string path)
    {
        byte[] file = File.ReadAllBytes(path);
        if (!file.AsSpan().StartsWith(Magic)) throw new InvalidDataException($"{path}: not a PNG file");
        int width = 0, height = 0;
        using var packed = new MemoryStream();
        for (int at = 8; at < file.Length;)
        {
            int length = BinaryPrimitives.ReadInt32BigEndian(file.AsSpan(at));
            ReadOnlySpan<byte> kind = file.AsSpan(at + 4, 4), body = file.AsSpan(at + 8, length);
            if (kind.SequenceEqual("IHDR"u8))
            {
                (width, height) = (BinaryPrimitives.ReadInt32BigEndian(body), BinaryPrimitives.ReadInt32BigEndian(body[4..]));
                if (!body[8..13].SequenceEqual(new byte[] { 8, 2, 0, 0, 0 })) throw new InvalidDataException($"{path}: not 8-bit RGB without interlace");
            }
            else if (kind.SequenceEqual("IDAT"u8)) packed.Write(body);
            at += length + 12;
        }
        packed.Position = 0;
        using var rows = new ZLibStream(packed, CompressionMode.Decompress);
        int stride = width * 3;
        var pixels = new byte[height * stride];
        byte[] previous = new byte[stride];
        for (int y = 0; y < height; y++)
        {
            int filter = rows.ReadByte();
            Span<byte> row = pixels.AsSpan(y * stride, stride);
            rows.ReadExactly(row);
            Unfilter(filter, row, previous);
            row.CopyTo(previous);
        }
        return new PngImage(width, height, pixels);
    }

    // The five filters of the PNG specification, section 9.2; 3 bytes a pixel.
    private static void Unfilter(int filter, Span<byte> row, byte[] above)
    {
        for (int i = 0; i < row.Length; i++)
        {
            int left = i >= 3 ? row[i - 3] : 0, up = above[i], corner = i >= 3 ? above[i - 3] : 0;
            int predicted = filter switch
            {
                0 => 0,
                1 => left,
                2 => up,
                3 => (left + up) / 2,
                4 => Paeth(left, up, corner),
                _ => throw new InvalidDataException($"filter {filter} is not known"),
            };
            row[i] = (byte)(row[i] + predicted);
        }
    }

    private static int Paeth(int left, int up, int corner)
    {
        int estimate = left + up - corner;
        int toLeft = Math.Abs(estimate - left), toUp = Math.Abs(estimate - up), toCorner = Math.Abs(estimate - corner);
        if (toLeft <= toUp && toLeft <= toCorner) return left;
        return toUp <= toCorner ? up : corner;
    }
}
