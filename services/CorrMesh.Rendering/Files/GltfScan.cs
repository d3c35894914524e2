using System.Buffers.Binary;
using System.Text.Json;
using CorrMesh.Rendering.Meshes;

namespace CorrMesh.Rendering.Files;

/// <summary>Looks over a glTF document before a library reads it, for what would cost it memory, time or the stack.</summary>
/// <remarks>Counts in a few bytes of JSON can ask for gigabytes, and a chain of nodes for as many stack frames.</remarks>
internal static class GltfScan
{
    private const int MaxDepth = 256;
    private const uint JsonChunk = 0x4E4F534A, BinaryChunk = 0x004E4942;

    /// <exception cref="MeshRejectedException">A bound is passed, the file is cut off, or its hierarchy is none.</exception>
    public static void Check(ReadOnlyMemory<byte> content, MeshFileLimits limits)
    {
        ReadOnlyMemory<byte> json = content.Span.StartsWith("glTF"u8) ? JsonOf(content) : content;
        if (json.Span.StartsWith("\uFEFF"u8)) json = json[3..];
        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            Check(document.RootElement, limits);
        }
        catch (JsonException e)
        {
            throw new MeshRejectedException(MeshRejection.Corrupt, $"mesh glTF: {e.Message}", e);
        }
        // A member of another kind than the format says (a string for a count).
        catch (Exception e) when (e is InvalidOperationException or FormatException)
        {
            throw new MeshRejectedException(MeshRejection.Corrupt, $"mesh glTF: {e.Message}", e);
        }
    }

    private static ReadOnlyMemory<byte> JsonOf(ReadOnlyMemory<byte> content)
    {
        ReadOnlySpan<byte> bytes = content.Span;
        if (bytes.Length < 20) throw Truncated(20, bytes.Length);
        uint version = BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]), length = BinaryPrimitives.ReadUInt32LittleEndian(bytes[8..]);
        if (version != 2) throw new MeshRejectedException(MeshRejection.UnsupportedFeature, $"mesh GLB version: 2 needed, {version} given");
        if (length > bytes.Length) throw Truncated(length, bytes.Length);
        ReadOnlyMemory<byte> json = default;
        for (long at = 12; at + 8 <= length;)
        {
            uint size = BinaryPrimitives.ReadUInt32LittleEndian(bytes[(int)at..]), kind = BinaryPrimitives.ReadUInt32LittleEndian(bytes[((int)at + 4)..]);
            if (at + 8 + size > length) throw Truncated(at + 8 + size, length);
            if (at == 12)
            {
                if (kind != JsonChunk) throw new MeshRejectedException(MeshRejection.Corrupt, "mesh GLB: a JSON chunk first needed, another given");
                json = content.Slice((int)at + 8, (int)size);
            }
            else if (kind == JsonChunk) throw new MeshRejectedException(MeshRejection.Corrupt, "mesh GLB: one JSON chunk needed, several given");
            else if (kind == BinaryChunk && at != 12 + 8 + json.Length) throw new MeshRejectedException(MeshRejection.Corrupt, "mesh GLB: one binary chunk needed, second in order");
            at += 8L + size;
        }
        return json;
    }

    private static MeshRejectedException Truncated(long needed, long given) => new(MeshRejection.Truncated, $"mesh GLB: {needed:N0} bytes declared, {given:N0} given");

    private static void Check(JsonElement root, MeshFileLimits limits)
    {
        if (root.ValueKind != JsonValueKind.Object) throw new MeshRejectedException(MeshRejection.Corrupt, $"mesh glTF: an object needed, {root.ValueKind} given");
        foreach (JsonProperty member in root.EnumerateObject())
            if (member.Value.ValueKind == JsonValueKind.Array) limits.CheckNodes(member.Name, member.Value.GetArrayLength());
        foreach (JsonElement accessor in Items(root, "accessors"))
        {
            long count = Number(accessor, "count");
            if (count < 0) throw new MeshRejectedException(MeshRejection.Corrupt, $"mesh accessor count: at least 1 needed, {count} given");
            limits.CheckFaces(count / 3);
            if (!accessor.TryGetProperty("bufferView", out _)) throw new MeshRejectedException(MeshRejection.UnsupportedFeature, "mesh accessor: a bufferView needed, none given");
        }
        foreach (JsonElement buffer in Items(root, "buffers")) limits.CheckBytes(Number(buffer, "byteLength"));
        foreach (JsonElement mesh in Items(root, "meshes")) limits.CheckNodes("primitives", mesh.TryGetProperty("primitives", out JsonElement primitives) ? primitives.GetArrayLength() : 0);
        CheckReferences(root, "buffers");
        CheckReferences(root, "images");
        CheckHierarchy(root);
    }

    private static void CheckReferences(JsonElement root, string list)
    {
        foreach (JsonElement item in Items(root, list))
            if (item.TryGetProperty("uri", out JsonElement uri) && uri.GetString() is { } name && !name.StartsWith("data:", StringComparison.Ordinal)) MeshResources.CheckName(Uri.UnescapeDataString(name));
    }

    // Every node has one parent at most and is no more than MaxDepth below its root; so there is no ring either.
    private static void CheckHierarchy(JsonElement root)
    {
        JsonElement[] nodes = [.. Items(root, "nodes")];
        var parent = new int[nodes.Length];
        Array.Fill(parent, -1);
        for (int i = 0; i < nodes.Length; i++)
            foreach (JsonElement child in Items(nodes[i], "children"))
            {
                if (!child.TryGetInt32(out int at) || (uint)at >= (uint)nodes.Length) throw new MeshRejectedException(MeshRejection.IndexOutOfRange, $"mesh node {i}: children 0 to {nodes.Length - 1} needed, {child} given");
                if (parent[at] >= 0) throw new MeshRejectedException(MeshRejection.Corrupt, $"mesh node {at}: one parent needed, several given");
                parent[at] = i;
            }
        for (int i = 0; i < nodes.Length; i++)
        {
            int depth = 0;
            for (int at = i; parent[at] >= 0; at = parent[at])
                if (++depth > MaxDepth) throw new MeshRejectedException(MeshRejection.TooLarge, $"mesh node {i}: at most {MaxDepth} ancestors, more given");
        }
    }

    private static JsonElement.ArrayEnumerator Items(JsonElement from, string name) =>
        from.ValueKind == JsonValueKind.Object && from.TryGetProperty(name, out JsonElement list) && list.ValueKind == JsonValueKind.Array ? list.EnumerateArray() : default;

    private static long Number(JsonElement from, string name) => from.TryGetProperty(name, out JsonElement value) ? value.GetInt64() : 0;
}
