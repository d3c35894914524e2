using System.Buffers.Binary;
using System.Globalization;
using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;

namespace CorrMesh.TestKit;

/// <summary>One array of a .npy file: little-endian, C order.</summary>
/// <param name="Type">The element type as numpy writes it: "&lt;f4", "|u1", ...</param>
/// <param name="Shape">Sizes, outermost first.</param>
/// <param name="Data">Elements in C order.</param>
public sealed record NpyArray(string Type, int[] Shape, byte[] Data)
{
    public int Count => Shape.Aggregate(1, (product, size) => product * size);

    /// <summary>The elements as float32; only exact conversions.</summary>
    public float[] Floats() => Type == "<f4" ? As<float>() : Type == "|u1" ? System.Array.ConvertAll(Data, b => (float)b) : throw Misread("float32");

    /// <summary>The elements as double.</summary>
    public double[] Doubles() => Type switch
    {
        "<f8" => As<double>(),
        "<f4" => System.Array.ConvertAll(As<float>(), x => (double)x),
        _ => throw Misread("double"),
    };

    /// <summary>The elements as long.</summary>
    public long[] Longs() => Type switch
    {
        "<i8" => As<long>(),
        "<i4" => System.Array.ConvertAll(As<int>(), x => (long)x),
        "|u1" or "|b1" => System.Array.ConvertAll(Data, x => (long)x),
        _ => throw Misread("long"),
    };

    private T[] As<T>() where T : unmanaged => MemoryMarshal.Cast<byte, T>(Data).ToArray();

    private InvalidOperationException Misread(string wanted) => new($"npy: elements of type {Type} read as {wanted}");
}

/// <summary>Reads .npy and .npz, writes .npy (numpy format 1.0).</summary>
public static partial class NpyFile
{
    private static ReadOnlySpan<byte> Magic => [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y'];

    public static NpyArray Read(string path) => Parse(File.ReadAllBytes(path), path);

    /// <summary>The arrays of a .npz by name, without ".npy".</summary>
    public static Dictionary<string, NpyArray> ReadArchive(string path)
    {
        using ZipArchive zip = ZipFile.OpenRead(path);
        var arrays = new Dictionary<string, NpyArray>(StringComparer.Ordinal);
        foreach (ZipArchiveEntry entry in zip.Entries)
        {
            using Stream content = entry.Open();
            using var buffer = new MemoryStream();
            content.CopyTo(buffer);
            arrays.Add(Path.GetFileNameWithoutExtension(entry.FullName), Parse(buffer.ToArray(), $"{path}:{entry.FullName}"));
        }
        return arrays;
    }

    /// <summary>Writes float32 values in C order.</summary>
    public static void Write(string path, ReadOnlySpan<float> values, params int[] shape)
    {
        string sizes = shape.Length == 1 ? $"{shape[0]}," : string.Join(", ", shape);
        string header = $"{{'descr': '<f4', 'fortran_order': False, 'shape': ({sizes}), }}";
        header = header.PadRight((header.Length + 11 + 63) / 64 * 64 - 11) + "\n";
        using FileStream stream = File.Create(path);
        stream.Write(Magic);
        stream.Write([1, 0, (byte)header.Length, (byte)(header.Length >> 8)]);
        stream.Write(Encoding.Latin1.GetBytes(header));
        stream.Write(MemoryMarshal.AsBytes(values));
    }

    private static NpyArray Parse(byte[] file, string path)
    {
        if (file.Length < 12 || !file.AsSpan().StartsWith(Magic)) throw new InvalidDataException($"{path}: not a .npy file");
        bool isFirst = file[6] == 1;
        int start = isFirst ? 10 : 12;
        int length = isFirst ? BinaryPrimitives.ReadUInt16LittleEndian(file.AsSpan(8)) : BinaryPrimitives.ReadInt32LittleEndian(file.AsSpan(8));
        string header = Encoding.Latin1.GetString(file, start, length);
        Match match = Header().Match(header);
        if (!match.Success) throw new InvalidDataException($"{path}: header '{header}' is not C order with a plain type");
        int[] shape = [.. match.Groups["shape"].Value.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(s => int.Parse(s, CultureInfo.InvariantCulture))];
        var array = new NpyArray(match.Groups["type"].Value, shape, file[(start + length)..]);
        int size = int.Parse(array.Type[2..], CultureInfo.InvariantCulture);
        if ((long)array.Count * size != array.Data.Length) throw new InvalidDataException($"{path}: {array.Data.Length} bytes do not fill [{string.Join(", ", shape)}]");
        return array;
    }

    [GeneratedRegex(@"'descr':\s*'(?<type>[<|][a-z]\d+)',\s*'fortran_order':\s*False,\s*'shape':\s*\((?<shape>[\d,\s]*)\)")]
    private static partial Regex Header();
}
