namespace CorrMesh.Rendering.Meshes;

/// <summary>What a mesh may cost. Each bound is checked before the memory it stands for is taken.</summary>
public sealed record MeshFileLimits
{
    /// <summary>The limits of the public API.</summary>
    public static MeshFileLimits Default { get; } = new();

    /// <summary>No bounds, for what was checked before.</summary>
    public static MeshFileLimits None { get; } = new() { MaxBytes = long.MaxValue, MaxVertices = int.MaxValue, MaxFaces = int.MaxValue, MaxTexturePixels = long.MaxValue };

    /// <summary>Largest file, and largest sum of a file and what it refers to, bytes.</summary>
    public long MaxBytes { get; init; } = 256L << 20;

    /// <summary>Vertices after instances are laid out and corners with different normals or texture coordinates are split.</summary>
    public int MaxVertices { get; init; } = 2_000_000;

    /// <summary>Triangles after polygons are cut and instances are laid out.</summary>
    public int MaxFaces { get; init; } = 4_000_000;

    /// <summary>Width times height, summed over the textures.</summary>
    public long MaxTexturePixels { get; init; } = 64_000_000;

    /// <summary>Materials, nodes of a scene, and members of any other list of a glTF document.</summary>
    public int MaxNodes { get; init; } = 10_000;

    /// <exception cref="MeshRejectedException">More than <see cref="MaxBytes"/>.</exception>
    internal void CheckBytes(long bytes) => Check("bytes", bytes, MaxBytes);

    /// <exception cref="MeshRejectedException">More than <see cref="MaxVertices"/>.</exception>
    internal void CheckVertices(long count) => Check("vertices", count, MaxVertices);

    /// <exception cref="MeshRejectedException">More than <see cref="MaxFaces"/>.</exception>
    internal void CheckFaces(long count) => Check("faces", count, MaxFaces);

    /// <exception cref="MeshRejectedException">More than <see cref="MaxTexturePixels"/>.</exception>
    internal void CheckTexturePixels(long count) => Check("texture pixels", count, MaxTexturePixels);

    /// <exception cref="MeshRejectedException">More than <see cref="MaxNodes"/>.</exception>
    internal void CheckNodes(string what, long count) => Check(what, count, MaxNodes);

    private static void Check(string what, long count, long bound)
    {
        if (count > bound) throw new MeshRejectedException(MeshRejection.TooLarge, $"mesh {what}: at most {bound:N0}, {count:N0} given");
    }
}
