using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;

namespace CorrMesh.Pose.Objects;

/// <summary>Arrays in NumPy's own format (npy 1.0, little-endian, C order).</summary>
internal static partial class Npy
{
    private static ReadOnlySpan<byte> Magic => [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y', 1, 0];

    /// <param name="type">NumPy's name of the elements: &lt;f4, &lt;f2, &lt;f8, &lt;i4 or |u1.</param>
    public static void Write(Stream to, string type, ReadOnlySpan<byte> content, params int[] shape)
    {
        string sizes = string.Join(", ", shape.Select(size => size.ToString(CultureInfo.InvariantCulture))) + (shape.Length == 1 ? "," : "");
        string header = $"{{'descr': '{type}', 'fortran_order': False, 'shape': ({sizes}), }}";
        // The whole before the values is a multiple of 64 bytes.
        header = header.PadRight((header.Length + Magic.Length + 3 + 63) / 64 * 64 - Magic.Length - 3) + "\n";
        Span<byte> length = stackalloc byte[2];
        BinaryPrimitives.WriteUInt16LittleEndian(length, (ushort)header.Length);
        to.Write(Magic);
        to.Write(length);
        to.Write(Encoding.ASCII.GetBytes(header));
        to.Write(content);
    }

    /// <summary>The elements and the shape.</summary>
    /// <exception cref="InvalidDataException">It is no array of these elements, or not whole.</exception>
    public static (T[] Values, int[] Shape) Read<T>(Stream from, string type) where T : unmanaged
    {
        var copy = new MemoryStream();
        from.CopyTo(copy);
        ReadOnlySpan<byte> bytes = copy.GetBuffer().AsSpan(0, (int)copy.Length);
        if (bytes.Length < 10 || !bytes.StartsWith(Magic)) throw new InvalidDataException("an npy file needed, other bytes found");
        int header = BinaryPrimitives.ReadUInt16LittleEndian(bytes[8..]);
        if (bytes.Length < 10 + header) throw new InvalidDataException("npy: cut short");
        Match match = Header().Match(Encoding.ASCII.GetString(bytes.Slice(10, header)));
        if (!match.Success || match.Groups[1].Value != type) throw new InvalidDataException($"npy: elements {type} in C order needed");
        int[] shape = [.. match.Groups[2].Value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(size => int.Parse(size, CultureInfo.InvariantCulture))];
        ReadOnlySpan<T> values = MemoryMarshal.Cast<byte, T>(bytes[(10 + header)..]);
        long expected = shape.Aggregate(1L, (product, size) => product * size);
        return values.Length == expected ? (values.ToArray(), shape) : throw new InvalidDataException($"npy: {expected} elements needed, {values.Length} found");
    }

    [GeneratedRegex(@"'descr': '([^']+)', 'fortran_order': False, 'shape': \(([0-9, ]*)\)")]
    private static partial Regex Header();
}
