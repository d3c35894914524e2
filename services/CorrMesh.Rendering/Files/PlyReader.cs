using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using System.Text;
using CorrMesh.Rendering.Meshes;

namespace CorrMesh.Rendering.Files;

/// <summary>Stanford PLY, ascii and binary of either byte order: vertices with normals, colours and texture coordinates, and polygon faces.</summary>
internal static class PlyReader
{
    private const int MaxHeader = 1 << 16;

    private enum Encoded
    {
        Ascii,
        Little,
        Big,
    }

    /// <param name="Name">As in the header.</param>
    /// <param name="Type">Of a value, or of a list's values.</param>
    /// <param name="CountType">Of a list's length; null for a single value.</param>
    private sealed record Property(string Name, string Type, string? CountType);

    private sealed record Element(string Name, long Count, List<Property> Properties);

    public static TriangleMesh Read(ReadOnlyMemory<byte> content, MeshResources resources, MeshFileLimits limits, ByteBudget budget)
    {
        var scanner = new TextScanner(content.Span);
        scanner.TryReadLine(out _);
        Encoded? encoded = null;
        var elements = new List<Element>();
        string? textureName = null;
        while (true)
        {
            bool isThere = scanner.TryReadLine(out ReadOnlySpan<byte> line);
            if (!isThere || content.Length - scanner.Rest.Length > MaxHeader) throw new MeshRejectedException(MeshRejection.Truncated, $"mesh header: end_header needed within {MaxHeader:N0} bytes, none found");
            string[] words = Encoding.UTF8.GetString(line).Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (words is ["end_header", ..]) break;
            if (words is ["format", var name, ..])
                encoded = name switch
                {
                    "ascii" => Encoded.Ascii,
                    "binary_little_endian" => Encoded.Little,
                    "binary_big_endian" => Encoded.Big,
                    _ => throw new MeshRejectedException(MeshRejection.UnsupportedFeature, $"mesh format: ascii, binary_little_endian or binary_big_endian needed, '{name}' given"),
                };
            else if (words is ["comment", "TextureFile", .. var file]) textureName = string.Join(' ', file);
            else if (words is ["element", var element, var count])
            {
                if (!long.TryParse(count, NumberStyles.None, CultureInfo.InvariantCulture, out long number)) throw new MeshRejectedException(MeshRejection.Corrupt, $"mesh element {element}: a count needed, '{count}' given");
                elements.Add(new Element(element, number, []));
            }
            else if (words is ["property", "list", var countType, var listType, var list] && elements.Count > 0) elements[^1].Properties.Add(new Property(list, Known(listType), Known(countType)));
            else if (words is ["property", var type, var property] && elements.Count > 0) elements[^1].Properties.Add(new Property(property, Known(type), null));
        }
        if (encoded is null) throw new MeshRejectedException(MeshRejection.Corrupt, "mesh header: a format line needed, none given");

        Material material = new();
        var body = new Body(scanner.Rest, encoded.Value);
        var mesh = new Content(limits);
        foreach (Element element in elements)
        {
            // Each value takes a byte at least; a count that the rest of the file cannot hold is found out before memory is taken.
            long least = element.Properties.Sum(p => encoded == Encoded.Ascii ? 2L : SizeOf(p.CountType ?? p.Type)) - (encoded == Encoded.Ascii ? 1 : 0);
            if (least > 0 && element.Count > (body.Left + 1) / least)
                throw new MeshRejectedException(MeshRejection.Truncated, $"mesh element {element.Name}: {element.Count:N0} declared, at most {(body.Left + 1) / least:N0} fit into the {body.Left:N0} bytes left");
            if (least <= 0 && element.Count > 0 && element.Properties.Count == 0) throw new MeshRejectedException(MeshRejection.Corrupt, $"mesh element {element.Name}: at least 1 property needed, 0 given");
            mesh.Read(element, ref body);
        }
        if (textureName is not null && mesh.TextureCoordinates is not null)
            material = material with { Pattern = new TextureCache(limits).Get(textureName, TextureWrap.Repeat, TextureWrap.Repeat, () => resources.Read(textureName, budget)) };
        int[] indices = [.. mesh.Indices];
        return new TriangleMesh(mesh.Positions, indices, [new MeshPart(0, indices.Length, material)], mesh.Normals, mesh.TextureCoordinates, mesh.Colours);
    }

    private static string Known(string type) => type switch
    {
        "char" or "int8" => "int8",
        "uchar" or "uint8" => "uint8",
        "short" or "int16" => "int16",
        "ushort" or "uint16" => "uint16",
        "int" or "int32" => "int32",
        "uint" or "uint32" => "uint32",
        "float" or "float32" => "float32",
        "double" or "float64" => "float64",
        _ => throw new MeshRejectedException(MeshRejection.Corrupt, $"mesh property: a type of PLY needed, '{type}' given"),
    };

    private static int SizeOf(string type) => type switch
    {
        "int8" or "uint8" => 1,
        "int16" or "uint16" => 2,
        "float64" => 8,
        _ => 4,
    };

    private sealed class Content(MeshFileLimits limits)
    {
        private bool hasVertices;

        public Vector3[] Positions { get; private set; } = [];

        public Vector3[]? Normals { get; private set; }

        public Vector2[]? TextureCoordinates { get; private set; }

        public Vector3[]? Colours { get; private set; }

        public List<int> Indices { get; } = [];

        public void Read(Element element, ref Body body)
        {
            if (element.Name == "vertex") ReadVertices(element, ref body);
            else if (element.Name == "face") ReadFaces(element, ref body);
            else
                for (long i = 0; i < element.Count; i++)
                    foreach (Property property in element.Properties) Skip(property, ref body);
        }

        private static void Skip(Property property, ref Body body)
        {
            long count = property.CountType is null ? 1 : Count(property, ref body);
            for (long i = 0; i < count; i++) body.Next(property.Type);
        }

        private static long Count(Property property, ref Body body)
        {
            double count = body.Next(property.CountType!);
            return count >= 0 && count <= body.Left + 1 ? (long)count : throw new MeshRejectedException(MeshRejection.Truncated, $"mesh list {property.Name}: {count} values declared, {body.Left:N0} bytes left");
        }

        private void ReadVertices(Element element, ref Body body)
        {
            limits.CheckVertices(element.Count);
            if (hasVertices) throw new MeshRejectedException(MeshRejection.Corrupt, "mesh element vertex: once needed, more often given");
            hasVertices = true;
            int count = (int)element.Count;
            // Where each property goes: 0-2 position, 3-5 normal, 6-8 colour, 9-10 texture coordinate.
            int[] slots = [.. element.Properties.Select(property => property.CountType is not null ? -1 : property.Name switch
            {
                "x" => 0, "y" => 1, "z" => 2,
                "nx" => 3, "ny" => 4, "nz" => 5,
                "red" or "r" or "diffuse_red" => 6, "green" or "g" or "diffuse_green" => 7, "blue" or "b" or "diffuse_blue" => 8,
                "s" or "u" or "texture_u" => 9, "t" or "v" or "texture_v" => 10,
                _ => -1,
            })];
            if (!slots.Contains(0) || !slots.Contains(1) || !slots.Contains(2)) throw new MeshRejectedException(MeshRejection.Corrupt, "mesh element vertex: properties x, y and z needed, not all given");
            Positions = new Vector3[count];
            if (slots.Contains(3) && slots.Contains(4) && slots.Contains(5)) Normals = new Vector3[count];
            if (slots.Contains(6) && slots.Contains(7) && slots.Contains(8)) Colours = new Vector3[count];
            if (slots.Contains(9) && slots.Contains(10)) TextureCoordinates = new Vector2[count];
            bool[] isReal = [.. element.Properties.Select(property => property.Type.StartsWith("float", StringComparison.Ordinal))];
            Span<float> values = stackalloc float[11];
            for (int i = 0; i < count; i++)
            {
                for (int k = 0; k < slots.Length; k++)
                {
                    Property property = element.Properties[k];
                    if (slots[k] < 0) Skip(property, ref body);
                    else
                    {
                        float value = (float)body.Next(property.Type);
                        values[slots[k]] = slots[k] is >= 6 and <= 8 ? FromSrgb(isReal[k] ? value : value / (property.Type == "uint16" ? 65535f : 255f)) : value;
                    }
                }
                Positions[i] = new Vector3(values[0], values[1], values[2]);
                if (Normals is not null) Normals[i] = new Vector3(values[3], values[4], values[5]);
                if (Colours is not null) Colours[i] = new Vector3(values[6], values[7], values[8]);
                if (TextureCoordinates is not null) TextureCoordinates[i] = new Vector2(values[9], 1 - values[10]);
            }
        }

        // NaN goes through, so that the mesh's check refuses it.
        private static float FromSrgb(float value) => float.IsFinite(value) ? Srgb.ToLinear((byte)(Math.Clamp(value, 0, 1) * 255 + 0.5f)) : value;

        private void ReadFaces(Element element, ref Body body)
        {
            int at = element.Properties.FindIndex(property => property.CountType is not null && property.Name is "vertex_indices" or "vertex_index");
            if (at < 0) throw new MeshRejectedException(MeshRejection.Corrupt, "mesh element face: a list vertex_indices needed, none given");
            for (long face = 0; face < element.Count; face++)
                for (int k = 0; k < element.Properties.Count; k++)
                {
                    Property property = element.Properties[k];
                    if (k != at)
                    {
                        Skip(property, ref body);
                        continue;
                    }
                    long count = Count(property, ref body);
                    if (count < 3) throw new MeshRejectedException(MeshRejection.Corrupt, $"mesh face {face}: at least 3 corners needed, {count} given");
                    limits.CheckFaces(Indices.Count / 3 + count - 2);
                    int first = Index(body.Next(property.Type), face), previous = Index(body.Next(property.Type), face);
                    for (long i = 2; i < count; i++)
                    {
                        int next = Index(body.Next(property.Type), face);
                        Indices.Add(first);
                        Indices.Add(previous);
                        Indices.Add(next);
                        previous = next;
                    }
                }
        }

        private static int Index(double value, long face) => value >= 0 && value <= int.MaxValue && value == Math.Floor(value)
            ? (int)value
            : throw new MeshRejectedException(MeshRejection.IndexOutOfRange, $"mesh face {face}: a vertex number needed, {value} given");
    }

    private ref struct Body(ReadOnlySpan<byte> bytes, Encoded encoded)
    {
        private ReadOnlySpan<byte> rest = bytes;

        public readonly long Left => rest.Length;

        /// <exception cref="MeshRejectedException">The file ends here, or its text is no number.</exception>
        public double Next(string type)
        {
            if (encoded == Encoded.Ascii)
            {
                rest = rest.TrimStart(" \t\r\n"u8);
                if (rest.IsEmpty) throw Ended();
                int end = rest.IndexOfAny(" \t\r\n"u8);
                ReadOnlySpan<byte> word = end < 0 ? rest : rest[..end];
                rest = end < 0 ? default : rest[end..];
                if (double.TryParse(word, NumberStyles.Float, CultureInfo.InvariantCulture, out double value)) return value;
                if (word.EndsWith("nan"u8)) return double.NaN;
                if (word.EndsWith("inf"u8)) return double.PositiveInfinity;
                throw new MeshRejectedException(MeshRejection.Corrupt, $"mesh body: a number needed, '{Encoding.UTF8.GetString(word[..Math.Min(word.Length, 40)])}' given");
            }
            int size = SizeOf(type);
            if (rest.Length < size) throw Ended();
            ReadOnlySpan<byte> at = rest[..size];
            rest = rest[size..];
            bool isLittle = encoded == Encoded.Little;
            return type switch
            {
                "int8" => (sbyte)at[0],
                "uint8" => at[0],
                "int16" => isLittle ? BinaryPrimitives.ReadInt16LittleEndian(at) : BinaryPrimitives.ReadInt16BigEndian(at),
                "uint16" => isLittle ? BinaryPrimitives.ReadUInt16LittleEndian(at) : BinaryPrimitives.ReadUInt16BigEndian(at),
                "int32" => isLittle ? BinaryPrimitives.ReadInt32LittleEndian(at) : BinaryPrimitives.ReadInt32BigEndian(at),
                "uint32" => isLittle ? BinaryPrimitives.ReadUInt32LittleEndian(at) : BinaryPrimitives.ReadUInt32BigEndian(at),
                "float32" => isLittle ? BinaryPrimitives.ReadSingleLittleEndian(at) : BinaryPrimitives.ReadSingleBigEndian(at),
                _ => isLittle ? BinaryPrimitives.ReadDoubleLittleEndian(at) : BinaryPrimitives.ReadDoubleBigEndian(at),
            };
        }

        private static MeshRejectedException Ended() => new(MeshRejection.Truncated, "mesh body: the file ends before the declared elements do");
    }
}
