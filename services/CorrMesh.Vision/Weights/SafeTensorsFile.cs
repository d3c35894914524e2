using System.Buffers.Binary;
using System.Text;
using System.Text.Json;

namespace CorrMesh.Vision.Weights;

/// <summary>What a .safetensors file holds.</summary>
/// <param name="Arrays">Arrays in the order of their bytes.</param>
/// <param name="Metadata">Free text by key.</param>
public sealed record SafeTensors(StateDict Arrays, IReadOnlyDictionary<string, string> Metadata);

/// <summary>Reads and writes .safetensors: an 8-byte header length, a JSON header, the arrays' bytes.</summary>
/// <remarks>
/// After the format description of huggingface/safetensors, with its checks: every array inside the file, none overlapping, no
/// gap, as many bytes as type and shape need, no key twice. Format: https://github.com/huggingface/safetensors#format.
/// </remarks>
public static class SafeTensorsFile
{
    /// <summary>Longest JSON header, bytes. The largest public backbone's is under 100 kB.</summary>
    public const int MaxHeaderLength = 16 << 20;

    private const string MetadataKey = "__metadata__";

    private static readonly Dictionary<string, WeightType> Types = new(StringComparer.Ordinal)
    {
        ["F32"] = WeightType.F32,
        ["F64"] = WeightType.F64,
        ["F16"] = WeightType.F16,
        ["BF16"] = WeightType.BF16,
        ["I64"] = WeightType.I64,
        ["I32"] = WeightType.I32,
        ["I16"] = WeightType.I16,
        ["I8"] = WeightType.I8,
        ["U8"] = WeightType.U8,
        ["BOOL"] = WeightType.Bool,
    };

    private sealed record Entry(string Name, WeightType Type, long[] Shape, long Begin, long End);

    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="WeightFileException">The file is damaged or hostile; the message says where.</exception>
    public static SafeTensors Read(string path)
    {
        using FileStream stream = File.OpenRead(path);
        try
        {
            return Read(stream, path);
        }
        catch (Exception problem) when (problem is JsonException or IOException or InvalidOperationException or FormatException)
        {
            throw new WeightFileException(path, $"damaged: {problem.Message}", problem);
        }
    }

    /// <summary>Writes through a temporary file beside the target that is flushed to the disk and then renamed: readers see the old file or the new one, whole.</summary>
    /// <param name="path">Target; replaced when it exists.</param>
    /// <param name="arrays">What to write.</param>
    /// <param name="metadata">Free text by key, or null.</param>
    /// <exception cref="WeightFileException">An array is named like the metadata.</exception>
    public static void Write(string path, StateDict arrays, IReadOnlyDictionary<string, string>? metadata = null)
    {
        if (arrays.Contains(MetadataKey)) throw new WeightFileException(path, $"{MetadataKey}: not a name for an array");
        // Wide elements first keeps every array aligned to its own element size, since the data starts at a multiple of 8.
        KeyValuePair<string, WeightArray>[] ordered =
            [.. arrays.OrderByDescending(pair => pair.Value.Type.ElementSize()).ThenBy(pair => pair.Key, StringComparer.Ordinal)];
        byte[] header = WriteHeader(ordered, metadata);
        string temporary = $"{path}.{Guid.NewGuid():n}.tmp";
        try
        {
            using (var stream = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write))
            {
                Span<byte> length = stackalloc byte[8];
                BinaryPrimitives.WriteInt64LittleEndian(length, header.Length);
                stream.Write(length);
                stream.Write(header);
                foreach ((_, WeightArray array) in ordered) stream.Write(array.Data);
                stream.Flush(flushToDisk: true);
            }
            File.Move(temporary, path, overwrite: true);
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    private static SafeTensors Read(FileStream stream, string path)
    {
        Span<byte> prefix = stackalloc byte[8];
        stream.ReadExactly(prefix);
        ulong length = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (length > MaxHeaderLength || (long)length > stream.Length - 8)
            throw new WeightFileException(path, $"header: at most {Math.Min(MaxHeaderLength, stream.Length - 8)} bytes possible, {length} claimed");
        var header = new byte[(int)length];
        stream.ReadExactly(header);
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal);
        List<Entry> entries = ReadHeader(header, metadata, path);
        CheckLayout(entries, stream.Length - 8 - header.Length, path);

        var arrays = new StateDict(path);
        foreach (Entry entry in entries)
        {
            var data = new byte[entry.End - entry.Begin];
            stream.ReadExactly(data);
            arrays.Add(entry.Name, new WeightArray(entry.Type, entry.Shape, data));
        }
        return new SafeTensors(arrays, metadata);
    }

    private static List<Entry> ReadHeader(byte[] header, Dictionary<string, string> metadata, string path)
    {
        // The parser recurses with the nesting; four levels are all that a header has.
        using JsonDocument document = JsonDocument.Parse(header, new JsonDocumentOptions { MaxDepth = 4 });
        if (header[0] != (byte)'{') throw new WeightFileException(path, "header: does not begin with an object");
        var names = new HashSet<string>(StringComparer.Ordinal);
        var entries = new List<Entry>();
        foreach (JsonProperty property in document.RootElement.EnumerateObject())
        {
            if (!names.Add(property.Name)) throw new WeightFileException(path, $"header: {WeightFileException.Printable(property.Name)} is there twice");
            if (property.Name != MetadataKey) entries.Add(ReadEntry(property, path));
            else
            {
                foreach (JsonProperty item in property.Value.EnumerateObject())
                    if (!metadata.TryAdd(item.Name, item.Value.GetString() ?? throw new WeightFileException(path, "metadata: a value is not text")))
                        throw new WeightFileException(path, $"metadata: {WeightFileException.Printable(item.Name)} is there twice");
            }
        }
        entries.Sort((x, y) => x.Begin != y.Begin ? x.Begin.CompareTo(y.Begin) : x.End.CompareTo(y.End));
        return entries;
    }

    private static Entry ReadEntry(JsonProperty property, string path)
    {
        string shown = WeightFileException.Printable(property.Name);
        string? type = null;
        long[]? shape = null, offsets = null;
        foreach (JsonProperty field in property.Value.EnumerateObject())
        {
            bool isNew = field.Name switch
            {
                "dtype" => type is null,
                "shape" => shape is null,
                "data_offsets" => offsets is null,
                _ => false,
            };
            if (!isNew) throw new WeightFileException(path, $"{shown}: field {WeightFileException.Printable(field.Name)} is unknown or there twice");
            if (field.Name == "dtype") type = field.Value.GetString() ?? "";
            else if (field.Name == "shape") shape = Longs(field.Value);
            else offsets = Longs(field.Value);
        }
        if (type is null || shape is null || offsets is not [long begin, long end]) throw new WeightFileException(path, $"{shown}: dtype, shape and two data_offsets needed");
        if (!Types.TryGetValue(type, out WeightType element))
            throw new WeightFileException(path, $"{shown}: type {WeightFileException.Printable(type)} is not one of {string.Join(' ', Types.Keys)}");
        if (begin < 0 || end < begin) throw new WeightFileException(path, $"{shown}: offsets [{begin}, {end}] are not a range");
        if (end - begin > Array.MaxLength) throw new WeightFileException(path, $"{shown}: at most {Array.MaxLength} bytes allowed, {end - begin} given");
        long count = WeightArray.CountElements(shape) ?? throw new WeightFileException(path, $"{shown}: shape [{string.Join(", ", shape)}] is negative or too large");
        if ((Int128)count * element.ElementSize() != end - begin)
            throw new WeightFileException(path, $"{shown}: [{string.Join(", ", shape)}] of {type} does not take {end - begin} bytes");
        return new Entry(property.Name, element, shape, begin, end);
    }

    private static long[] Longs(JsonElement array)
    {
        if (array.GetArrayLength() > 16) throw new FormatException($"at most 16 dimensions allowed, {array.GetArrayLength()} given");
        return [.. array.EnumerateArray().Select(item => item.GetInt64())];
    }

    private static void CheckLayout(List<Entry> entries, long dataLength, string path)
    {
        long position = 0;
        foreach (Entry entry in entries)
        {
            if (entry.Begin != position)
                throw new WeightFileException(path, $"{WeightFileException.Printable(entry.Name)}: begins at {entry.Begin}, {(entry.Begin < position ? "inside" : "after a gap behind")} the array that ends at {position}");
            position = entry.End;
        }
        if (position != dataLength) throw new WeightFileException(path, $"its arrays take {position} bytes, {dataLength} are there");
    }

    private static byte[] WriteHeader(KeyValuePair<string, WeightArray>[] arrays, IReadOnlyDictionary<string, string>? metadata)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            if (metadata is { Count: > 0 })
            {
                json.WriteStartObject(MetadataKey);
                foreach ((string key, string value) in metadata.OrderBy(pair => pair.Key, StringComparer.Ordinal)) json.WriteString(key, value);
                json.WriteEndObject();
            }
            long begin = 0;
            foreach ((string name, WeightArray array) in arrays)
            {
                json.WriteStartObject(name);
                json.WriteString("dtype", Types.First(pair => pair.Value == array.Type).Key);
                WriteLongs(json, "shape", array.Shape);
                WriteLongs(json, "data_offsets", [begin, begin += array.Data.LongLength]);
                json.WriteEndObject();
            }
            json.WriteEndObject();
        }
        buffer.Write(Encoding.ASCII.GetBytes(new string(' ', (int)((8 - buffer.Length % 8) % 8))));
        return buffer.ToArray();
    }

    private static void WriteLongs(Utf8JsonWriter json, string name, long[] values)
    {
        json.WriteStartArray(name);
        foreach (long value in values) json.WriteNumberValue(value);
        json.WriteEndArray();
    }
}
