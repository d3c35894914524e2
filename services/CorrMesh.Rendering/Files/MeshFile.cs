using CorrMesh.Rendering.Meshes;

namespace CorrMesh.Rendering.Files;

/// <summary>The file formats that are read.</summary>
public enum MeshFormat
{
    /// <summary>glTF 2.0 as JSON; buffers and textures embedded or beside it.</summary>
    Gltf,

    /// <summary>glTF 2.0 in one binary file.</summary>
    Glb,

    /// <summary>Wavefront OBJ with material libraries.</summary>
    Obj,

    /// <summary>Stanford PLY: ascii, binary little- and big-endian.</summary>
    Ply,
}

/// <summary>Mesh files to checked triangles.</summary>
/// <remarks>
/// Files are hostile: sizes are checked before memory is taken, names stay inside the mesh's folder, no URL is fetched. Of materials the base
/// colour, its texture, roughness and metalness are read; normal maps, transparency, skins, morphs and animation are not.
/// </remarks>
public static class MeshFile
{
    /// <summary>Reads a file and what it names beside it.</summary>
    /// <exception cref="MeshRejectedException">The mesh cannot be accepted; the message says why.</exception>
    public static TriangleMesh Load(string path, MeshFileLimits? limits = null)
    {
        limits ??= MeshFileLimits.Default;
        using FileStream file = File.OpenRead(path);
        limits.CheckBytes(file.Length);
        var bytes = new byte[file.Length];
        file.ReadExactly(bytes);
        return Read(bytes, MeshResources.Folder(Path.GetDirectoryName(Path.GetFullPath(path))!), limits);
    }

    /// <summary>Reads a mesh from memory.</summary>
    /// <param name="content">The whole file.</param>
    /// <param name="resources">What it may name; nothing when null.</param>
    /// <param name="limits">Bounds; <see cref="MeshFileLimits.Default"/> when null.</param>
    /// <exception cref="MeshRejectedException">The mesh cannot be accepted; the message says why.</exception>
    public static TriangleMesh Read(ReadOnlyMemory<byte> content, MeshResources? resources = null, MeshFileLimits? limits = null)
    {
        limits ??= MeshFileLimits.Default;
        resources ??= MeshResources.None;
        var budget = new ByteBudget(limits);
        budget.Take(content.Length);
        return Detect(content.Span) switch
        {
            MeshFormat.Ply => PlyReader.Read(content, resources, limits, budget),
            MeshFormat.Obj => ObjReader.Read(content, resources, limits, budget),
            _ => GltfReader.Read(content, resources, limits, budget),
        };
    }

    /// <summary>Names the format by how a file begins.</summary>
    /// <exception cref="MeshRejectedException">No bytes, or none of the accepted formats.</exception>
    public static MeshFormat Detect(ReadOnlySpan<byte> content)
    {
        if (content.IsEmpty) throw new MeshRejectedException(MeshRejection.Empty, "mesh: at least 1 byte needed, 0 given");
        if (content.StartsWith("glTF"u8)) return MeshFormat.Glb;
        if (content.StartsWith("ply\n"u8) || content.StartsWith("ply\r"u8)) return MeshFormat.Ply;
        ReadOnlySpan<byte> text = content.StartsWith("\uFEFF"u8) ? content[3..] : content;
        text = text.TrimStart(" \t\r\n"u8);
        if (text.StartsWith("{"u8)) return MeshFormat.Gltf;
        if (ObjReader.LooksLikeOne(text)) return MeshFormat.Obj;
        string known = text.StartsWith("solid"u8) ? "STL" : text.StartsWith("PK"u8) ? "a zip archive" : text.StartsWith("Kaydara FBX"u8) ? "FBX" : text.StartsWith("<"u8) ? "XML (COLLADA?)" : "an unknown format";
        throw new MeshRejectedException(MeshRejection.UnsupportedFormat, $"mesh: {known} is not accepted; send glTF, GLB, OBJ or PLY");
    }
}
