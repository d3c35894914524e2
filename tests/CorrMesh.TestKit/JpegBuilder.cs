namespace CorrMesh.TestKit;

/// <summary>Writes JPEG files whose 8 x 8 blocks are flat, so that the decoded samples are known exactly.</summary>
/// <remarks>Only DC coefficients are sent: quantiser 1, DC = 8 (value - 128), one Huffman code length for every DC category.</remarks>
public static class JpegBuilder
{
    /// <summary>Components share one sampling, so a component's block (row, column) covers pixels 8 row.., 8 column...</summary>
    /// <param name="blocks">[component][row * blocksWide + column] stored sample value of each block.</param>
    /// <param name="progressive">SOF2 with a DC scan and empty AC scans instead of SOF0.</param>
    /// <param name="adobeTransform">Writes Adobe's APP14 with this transform flag: 0 none, 1 YCbCr, 2 YCCK; nothing when null.</param>
    public static byte[] Build(byte[][] blocks, int blocksWide, int blocksHigh, bool progressive = false, byte? adobeTransform = null)
    {
        int components = blocks.Length, width = blocksWide * 8, height = blocksHigh * 8;
        using var file = new MemoryStream();
        file.Write([0xFF, 0xD8]);
        if (adobeTransform is { } transform)
        {
            Segment(file, 0xEE, [.. "Adobe"u8, 0, 100, 0, 0, 0, 0, transform]);
        }

        Segment(file, 0xDB, [0, .. Enumerable.Repeat((byte)1, 64)]);
        var frame = new List<byte> { 8, (byte)(height >> 8), (byte)height, (byte)(width >> 8), (byte)width, (byte)components };
        var scan = new List<byte> { (byte)components };
        for (byte i = 1; i <= components; i++)
        {
            frame.AddRange([i, 0x11, 0]);
            scan.AddRange([i, 0x00]);
        }

        Segment(file, (byte)(progressive ? 0xC2 : 0xC0), [.. frame]);
        Segment(file, 0xC4, [0x00, 0, 0, 0, 12, .. new byte[12], .. Enumerable.Range(0, 12).Select(i => (byte)i)]);   // DC: 12 codes of 4 bits
        Segment(file, 0xC4, [0x10, 1, .. new byte[15], 0x00]);                                                       // AC: "0" ends the block
        Segment(file, 0xDA, [.. scan, 0, (byte)(progressive ? 0 : 63), 0]);

        var bits = new BitWriter(file);
        var previous = new int[components];
        for (int block = 0; block < blocksWide * blocksHigh; block++)
        {
            for (int c = 0; c < components; c++)
            {
                int value = 8 * (blocks[c][block] - 128), difference = value - previous[c];
                previous[c] = value;
                int category = difference == 0 ? 0 : System.Numerics.BitOperations.Log2((uint)Math.Abs(difference)) + 1;
                bits.Write(category, 4);
                bits.Write(difference >= 0 ? difference : difference + (1 << category) - 1, category);
                if (!progressive)
                {
                    bits.Write(0, 1);
                }
            }
        }

        bits.Flush();
        for (byte c = 1; progressive && c <= components; c++)
        {
            // Without its AC scans a progressive picture counts as unfinished, and libjpeg smooths across blocks.
            Segment(file, 0xDA, [1, c, 0x00, 1, 63, 0]);
            for (int block = 0; block < blocksWide * blocksHigh; block++)
            {
                bits.Write(0, 1);
            }

            bits.Flush();
        }

        file.Write([0xFF, 0xD9]);
        return file.ToArray();
    }

    /// <summary>Inserts an EXIF segment holding only an orientation right after the start marker.</summary>
    public static byte[] WithOrientation(byte[] jpeg, int orientation)
    {
        using var file = new MemoryStream();
        file.Write(jpeg, 0, 2);
        Segment(file, 0xE1, [.. "Exif\0\0"u8, .. ExifOrientation(orientation)]);
        file.Write(jpeg, 2, jpeg.Length - 2);
        return file.ToArray();
    }

    /// <summary>A little-endian TIFF block with one tag: 0x0112, orientation.</summary>
    public static byte[] ExifOrientation(int orientation) =>
        [.. "II*\0"u8, 8, 0, 0, 0, 1, 0, 0x12, 0x01, 3, 0, 1, 0, 0, 0, (byte)orientation, 0, 0, 0, 0, 0, 0, 0];

    private static void Segment(MemoryStream file, byte marker, byte[] payload)
    {
        int length = payload.Length + 2;
        file.Write([0xFF, marker, (byte)(length >> 8), (byte)length, .. payload]);
    }

    private sealed class BitWriter(MemoryStream file)
    {
        private int held;
        private int count;

        public void Write(int value, int bits)
        {
            for (int i = bits - 1; i >= 0; i--)
            {
                held = (held << 1) | ((value >> i) & 1);
                if (++count == 8)
                {
                    file.WriteByte((byte)held);
                    if ((byte)held == 0xFF)
                    {
                        file.WriteByte(0);   // a data byte FF is followed by 00, or it would read as a marker
                    }

                    (held, count) = (0, 0);
                }
            }
        }

        public void Flush()
        {
            while (count != 0)
            {
                Write(1, 1);
            }
        }
    }
}
