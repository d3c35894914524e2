using System.Buffers.Text;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Text;
using CorrMesh.Rendering.Meshes;

namespace CorrMesh.Rendering.Files;

/// <summary>Wavefront OBJ: v (with colours), vt, vn, f, usemtl, mtllib, s. Polygons are cut into fans; lines and points are left out.</summary>
internal static class ObjReader
{
    /// <summary>Whether the first line that says something begins with a word of the format.</summary>
    public static bool LooksLikeOne(ReadOnlySpan<byte> text)
    {
        var scanner = new TextScanner(text);
        while (scanner.TryReadLine(out ReadOnlySpan<byte> line))
        {
            if (!TextScanner.TryReadWord(ref line, out ReadOnlySpan<byte> word) || word[0] == '#') continue;
            return word.SequenceEqual("v"u8) || word.SequenceEqual("vn"u8) || word.SequenceEqual("vt"u8) || word.SequenceEqual("o"u8) || word.SequenceEqual("g"u8)
                || word.SequenceEqual("s"u8) || word.SequenceEqual("mtllib"u8) || word.SequenceEqual("usemtl"u8) || word.SequenceEqual("f"u8);
        }
        return false;
    }

    public static TriangleMesh Read(ReadOnlyMemory<byte> content, MeshResources resources, MeshFileLimits limits, ByteBudget budget) =>
        new Reading(resources, limits, budget).Run(content.Span);

    private sealed class Reading(MeshResources resources, MeshFileLimits limits, ByteBudget budget)
    {
        private readonly List<Vector3> places = [], placeColours = [], givenNormals = [];
        private readonly List<Vector2> givenTextureCoordinates = [];
        private readonly Dictionary<(int Place, int TextureCoordinate, int Normal), int> corners = [];
        private readonly List<Vector3> positions = [], normals = [], colours = [];
        private readonly List<Vector2> textureCoordinates = [];
        // One list of indices per material and kind of shading, in order of appearance.
        private readonly List<(Material Material, bool IsFlat, List<int> Indices)> runs = [];
        private readonly Dictionary<string, Material> materials = [];
        private readonly HashSet<string> libraries = [];
        private readonly TextureCache textures = new(limits);
        private readonly List<int> polygon = [];
        private Material material = new();
        private List<int>? current;
        private bool isFlat;
        private long faces;

        public TriangleMesh Run(ReadOnlySpan<byte> text)
        {
            var scanner = new TextScanner(text.StartsWith("\uFEFF"u8) ? text[3..] : text);
            while (scanner.TryReadLine(out ReadOnlySpan<byte> line))
            {
                if (!TextScanner.TryReadWord(ref line, out ReadOnlySpan<byte> word) || word[0] == '#') continue;
                if (word.SequenceEqual("v"u8)) AddPlace(line, scanner.Line);
                else if (word.SequenceEqual("vt"u8))
                {
                    Vector3 value = Numbers(line, scanner.Line, "vt", 1);
                    givenTextureCoordinates.Add(new Vector2(value.X, 1 - value.Y));   // OBJ counts v upwards
                    limits.CheckVertices(givenTextureCoordinates.Count);
                }
                else if (word.SequenceEqual("vn"u8))
                {
                    givenNormals.Add(Numbers(line, scanner.Line, "vn", 3));
                    limits.CheckVertices(givenNormals.Count);
                }
                else if (word.SequenceEqual("f"u8)) AddFace(line, scanner.Line);
                else if (word.SequenceEqual("usemtl"u8)) Use(Text(line));
                else if (word.SequenceEqual("mtllib"u8)) ReadLibrary(Text(line));
                else if (word.SequenceEqual("s"u8))
                {
                    isFlat = Text(line) is "off" or "0";
                    current = null;
                }
            }
            return Build();
        }

        private void AddPlace(ReadOnlySpan<byte> line, int number)
        {
            places.Add(Numbers(line, number, "v", 3));
            limits.CheckVertices(places.Count);
            for (int i = 0; i < 3; i++) TextScanner.TryReadWord(ref line, out _);
            // Three more numbers are a colour (a common extension); one more is a weight, which means nothing here.
            if (TextScanner.TryReadNumber(ref line, out float red) && TextScanner.TryReadNumber(ref line, out float green) && TextScanner.TryReadNumber(ref line, out float blue))
            {
                if (placeColours.Count < places.Count - 1) placeColours.AddRange(Enumerable.Repeat(Vector3.One, places.Count - 1 - placeColours.Count));
                placeColours.Add(new Vector3(FromSrgb(red), FromSrgb(green), FromSrgb(blue)));
            }
            else if (placeColours.Count > 0) placeColours.Add(Vector3.One);
        }

        // NaN goes through, so that the mesh's check refuses it.
        private static float FromSrgb(float value) => float.IsFinite(value) ? Srgb.ToLinear((byte)(Math.Clamp(value, 0, 1) * 255 + 0.5f)) : value;

        private void AddFace(ReadOnlySpan<byte> line, int number)
        {
            polygon.Clear();
            while (TextScanner.TryReadWord(ref line, out ReadOnlySpan<byte> word)) polygon.Add(Corner(word, number));
            if (polygon.Count < 3) throw new MeshRejectedException(MeshRejection.Corrupt, $"mesh line {number}: a face of at least 3 corners needed, {polygon.Count} given");
            limits.CheckFaces(faces += polygon.Count - 2);
            if (current is null)
            {
                int known = runs.FindIndex(run => ReferenceEquals(run.Material, material) && run.IsFlat == isFlat);
                if (known < 0)
                {
                    limits.CheckNodes("materials", runs.Count + 1);
                    known = runs.Count;
                    runs.Add((material, isFlat, []));
                }
                current = runs[known].Indices;
            }
            for (int i = 2; i < polygon.Count; i++)
            {
                current.Add(polygon[0]);
                current.Add(polygon[i - 1]);
                current.Add(polygon[i]);
            }
        }

        // "place", "place/texture", "place//normal" or "place/texture/normal"; from 1, or backwards from the end below 0.
        private int Corner(ReadOnlySpan<byte> word, int number)
        {
            Span<int> parts = stackalloc int[3];
            ReadOnlySpan<byte> rest = word;
            for (int i = 0; i < 3; i++)
            {
                int count = i == 0 ? places.Count : i == 1 ? givenTextureCoordinates.Count : givenNormals.Count, length = 0;
                if (!rest.IsEmpty && rest[0] != '/')
                {
                    if (!Utf8Parser.TryParse(rest, out int value, out length))
                        throw new MeshRejectedException(MeshRejection.Corrupt, $"mesh line {number}: a face corner needed, '{Text(word)}' given");
                    parts[i] = value < 0 ? count + value + 1 : value;
                    if (parts[i] < 1 || parts[i] > count) throw new MeshRejectedException(MeshRejection.IndexOutOfRange, $"mesh line {number}: index 1 to {count} needed, {value} given");
                }
                rest = rest[length..];
                if (rest.IsEmpty) break;
                if (rest[0] != '/') throw new MeshRejectedException(MeshRejection.Corrupt, $"mesh line {number}: a face corner needed, '{Text(word)}' given");
                rest = rest[1..];
            }
            if (parts[0] == 0) throw new MeshRejectedException(MeshRejection.Corrupt, $"mesh line {number}: a face corner needed, '{Text(word)}' given");
            ref int corner = ref CollectionsMarshal.GetValueRefOrAddDefault(corners, (parts[0], parts[1], parts[2]), out bool isKnown);
            if (isKnown) return corner;
            limits.CheckVertices(positions.Count + 1);
            corner = positions.Count;
            positions.Add(places[parts[0] - 1]);
            normals.Add(parts[2] > 0 ? givenNormals[parts[2] - 1] : Vector3.Zero);
            textureCoordinates.Add(parts[1] > 0 ? givenTextureCoordinates[parts[1] - 1] : Vector2.Zero);
            colours.Add(parts[0] <= placeColours.Count ? placeColours[parts[0] - 1] : Vector3.One);
            return corner;
        }

        private void Use(string name)
        {
            // A name that no library gives stays without colour, as viewers do.
            if (!materials.TryGetValue(name, out Material? found))
            {
                limits.CheckNodes("materials", materials.Count + 1);
                materials.Add(name, found = new Material { Name = name });
            }
            material = found;
            current = null;
        }

        private void ReadLibrary(string name)
        {
            if (!libraries.Add(name)) return;
            foreach (Material read in MtlReader.Read(resources.Read(name, budget), resources, limits, budget, textures)) materials.TryAdd(read.Name, read);
        }

        private TriangleMesh Build()
        {
            var indices = new List<int>();
            var parts = new List<MeshPart>();
            foreach ((Material made, bool flat, List<int> run) in runs)
            {
                parts.Add(new MeshPart(indices.Count, run.Count, made, flat));
                indices.AddRange(run);
            }
            return new TriangleMesh(
                [.. positions], [.. indices], parts,
                givenNormals.Count > 0 ? [.. normals] : null,
                givenTextureCoordinates.Count > 0 ? [.. textureCoordinates] : null,
                placeColours.Count > 0 ? [.. colours] : null,
                Vector3.UnitY);
        }

        private static Vector3 Numbers(ReadOnlySpan<byte> line, int number, string what, int needed)
        {
            var value = Vector3.Zero;
            for (int i = 0; i < 3; i++)
            {
                if (TextScanner.TryReadNumber(ref line, out float component)) value[i] = component;
                else if (i < needed) throw new MeshRejectedException(MeshRejection.Corrupt, $"mesh line {number}: {what} with {needed} numbers needed, {i} given");
                else break;
            }
            return value;
        }

        private static string Text(ReadOnlySpan<byte> line) => Encoding.UTF8.GetString(line.Trim(" \t"u8)[..Math.Min(line.Trim(" \t"u8).Length, 512)]);
    }
}
