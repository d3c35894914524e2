using System.Buffers.Binary;
using System.Numerics;
using System.Text;

namespace CorrMesh.Vision.Weights;

/// <summary>Bounded reads of a pickle's bytes. A read past the end, or a length that cannot be, is a <see cref="FormatException"/>.</summary>
internal sealed class PickleInput(byte[] data)
{
    private const int LongestLine = 4096;
    private const int LongestInteger = 32;
    private static readonly UTF8Encoding Utf8 = new(false, throwOnInvalidBytes: true);

    public int Position { get; private set; }

    public byte Byte() => Bytes(1)[0];

    public int UInt16() => BinaryPrimitives.ReadUInt16LittleEndian(Bytes(2));

    public int Int32() => BinaryPrimitives.ReadInt32LittleEndian(Bytes(4));

    public uint UInt32() => BinaryPrimitives.ReadUInt32LittleEndian(Bytes(4));

    public double Double() => BinaryPrimitives.ReadDoubleBigEndian(Bytes(8));

    /// <summary>A length of 8 bytes that must fit what is left.</summary>
    public long Length64() => Fitting(BinaryPrimitives.ReadUInt64LittleEndian(Bytes(8)));

    public ReadOnlySpan<byte> Bytes(long count)
    {
        if (count < 0 || count > data.Length - Position)
            throw new FormatException($"length {count} at byte {Position} reaches past the end of {data.Length} bytes");
        var span = data.AsSpan(Position, (int)count);
        Position += (int)count;
        return span;
    }

    public string Text(long count)
    {
        ReadOnlySpan<byte> bytes = Bytes(count);
        try
        {
            // Python writes lone surrogates as three bytes ("surrogatepass"); names of weights have none, so they are refused.
            return Utf8.GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            throw new FormatException($"text before byte {Position} is not UTF-8");
        }
    }

    /// <summary>Text up to a line feed, which is consumed.</summary>
    public string Line()
    {
        int length = data.AsSpan(Position, Math.Min(data.Length - Position, LongestLine)).IndexOf((byte)'\n');
        if (length < 0) throw new FormatException($"line at byte {Position} does not end within {LongestLine} bytes");
        string line = Text(length);
        Position++;
        return line;
    }

    /// <summary>A two's complement integer of a given size in bytes.</summary>
    public object Integer(long size)
    {
        if (size is < 0 or > LongestInteger) throw new FormatException($"integer of {size} bytes at byte {Position}, at most {LongestInteger} allowed");
        return Narrow(new BigInteger(Bytes(size)));
    }

    /// <summary>An integer written in decimal digits.</summary>
    public object DecimalInteger(string digits)
    {
        if (digits.Length > 2 * LongestInteger || !BigInteger.TryParse(digits, System.Globalization.NumberStyles.AllowLeadingSign, null, out BigInteger value))
            throw new FormatException($"'{WeightFileException.Printable(digits)}' before byte {Position} is not an integer");
        return Narrow(value);
    }

    // One kind of number for all that fit 64 bits, so that readers need not look for two.
    private static object Narrow(BigInteger value)
    {
        object narrowed = value;
        if (value >= long.MinValue && value <= long.MaxValue) narrowed = (long)value;
        return narrowed;
    }

    private long Fitting(ulong length) => length <= (ulong)(data.Length - Position)
        ? (long)length
        : throw new FormatException($"length {length} at byte {Position} reaches past the end of {data.Length} bytes");
}
