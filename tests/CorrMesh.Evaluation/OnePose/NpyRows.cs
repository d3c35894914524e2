using System.Buffers.Binary;
using System.Globalization;
using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;

namespace CorrMesh.Evaluation.OnePose;

/// <summary>Rows of three numbers from a numpy archive.</summary>
internal static partial class NpyRows
{
    private const int MaxBytes = 1 << 30;

    private static ReadOnlySpan<byte> Magic => [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y'];

    /// <summary>The N x 3 array of an entry, float32 or float64, C order.</summary>
    /// <returns>[3 N].</returns>
    /// <exception cref="InvalidDataException">No zip archive, no such entry, or it holds something else.</exception>
    public static double[] Read(string archive, string entry)
    {
        using ZipArchive zip = ZipFile.OpenRead(archive);
        ZipArchiveEntry found = zip.GetEntry(entry) ?? throw new InvalidDataException($"{archive}: an entry {entry} needed, none found");
        if (found.Length is < 12 or > MaxBytes) throw Refused($"12 to {MaxBytes} bytes needed, {found.Length} given");
        var file = new byte[found.Length];
        using (Stream content = found.Open()) content.ReadExactly(file);
        if (!file.AsSpan().StartsWith(Magic)) throw Refused("a numpy array needed, other bytes given");
        long start = file[6] == 1 ? 10 + BinaryPrimitives.ReadUInt16LittleEndian(file.AsSpan(8)) : 12L + BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(8));
        if (start > file.Length) throw Refused("the header is cut off");
        string header = Encoding.Latin1.GetString(file, 0, (int)start);
        Match match = Header().Match(header);
        if (!match.Success || !int.TryParse(match.Groups["rows"].Value, CultureInfo.InvariantCulture, out int rows)) throw Refused($"N x 3 of float32 or float64 in C order needed, '{header[10..].Trim()}' given");
        int size = match.Groups["size"].ValueSpan[0] - '0';
        ReadOnlySpan<byte> values = file.AsSpan((int)start);
        if (values.Length != 3L * size * rows) throw Refused($"{3L * size * rows} bytes needed for {rows} rows, {values.Length} given");
        return size == 8 ? MemoryMarshal.Cast<byte, double>(values).ToArray() : Array.ConvertAll(MemoryMarshal.Cast<byte, float>(values).ToArray(), value => (double)value);

        InvalidDataException Refused(string problem) => new($"{archive}: {entry}: {problem}");
    }

    [GeneratedRegex(@"'descr': '<f(?<size>[48])', 'fortran_order': False, 'shape': \((?<rows>\d+), 3\)")]
    private static partial Regex Header();
}
