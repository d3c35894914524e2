using System.Numerics;
using System.Runtime.InteropServices;

namespace CorrMesh.Rendering.Meshes;

/// <summary>A run of triangles with one material.</summary>
/// <param name="FirstIndex">Where it starts in <see cref="TriangleMesh.Indices"/>, a multiple of 3.</param>
/// <param name="IndexCount">A multiple of 3.</param>
/// <param name="Material">What it is made of.</param>
/// <param name="IsFlat">Each face is lit by its own plane; the vertex normals are not looked at.</param>
public sealed record MeshPart(int FirstIndex, int IndexCount, Material Material, bool IsFlat = false);

/// <summary>Triangles in the frame and unit of their file, checked: finite, indices in range, at least one face.</summary>
public sealed class TriangleMesh
{
    /// <param name="positions">[N].</param>
    /// <param name="indices">[3 F] into the vertices; either winding.</param>
    /// <param name="parts">Cover the indices without a gap, in order.</param>
    /// <param name="normals">[N] of any length above 0, or null: made smooth where a part is not flat.</param>
    /// <param name="textureCoordinates">[N], u right and v down from the top-left corner of the texture, or null.</param>
    /// <param name="colours">[N] linear RGB that multiply the material's, or null.</param>
    /// <param name="up">The axis that shows upwards when the object stands.</param>
    /// <exception cref="MeshRejectedException">No faces, something not finite, or an index out of range.</exception>
    public TriangleMesh(
        Vector3[] positions, int[] indices, IReadOnlyList<MeshPart> parts,
        Vector3[]? normals = null, Vector2[]? textureCoordinates = null, Vector3[]? colours = null, Vector3? up = null)
    {
        ArgumentNullException.ThrowIfNull(positions);
        ArgumentNullException.ThrowIfNull(indices);
        ArgumentNullException.ThrowIfNull(parts);
        RequireLength(normals?.Length, positions.Length, nameof(normals));
        RequireLength(textureCoordinates?.Length, positions.Length, nameof(textureCoordinates));
        RequireLength(colours?.Length, positions.Length, nameof(colours));
        if (indices.Length == 0) throw new MeshRejectedException(MeshRejection.Empty, "mesh faces: at least 1 needed, 0 given");
        if (indices.Length % 3 != 0) throw new MeshRejectedException(MeshRejection.Corrupt, $"mesh indices: three a face needed, {indices.Length} given");
        int next = 0;
        foreach (MeshPart part in parts)
        {
            if (part.FirstIndex != next || part.IndexCount < 0 || part.IndexCount % 3 != 0) throw new ArgumentException($"parts: whole triangles one after the other needed, {part.FirstIndex} + {part.IndexCount} given after {next}", nameof(parts));
            next += part.IndexCount;
        }
        if (next != indices.Length) throw new ArgumentException($"parts: {indices.Length} indices to cover, {next} covered", nameof(parts));
        for (int i = 0; i < indices.Length; i++)
            if ((uint)indices[i] >= (uint)positions.Length)
                throw new MeshRejectedException(MeshRejection.IndexOutOfRange, $"mesh face {i / 3}: vertex 0 to {positions.Length - 1} needed, {indices[i]} given");
        RequireFinite<Vector3>(positions, "position");
        RequireFinite<Vector3>(normals, "normal");
        RequireFinite<Vector2>(textureCoordinates, "texture coordinate");
        RequireFinite<Vector3>(colours, "colour");
        (Positions, Indices, Parts, TextureCoordinates, Colours) = (positions, indices, parts, textureCoordinates ?? [], colours ?? []);
        Normals = NormalEstimator.Complete(positions, indices, normals);
        Up = up ?? Vector3.UnitZ;
    }

    /// <summary>[N].</summary>
    public Vector3[] Positions { get; }

    /// <summary>[3 F].</summary>
    public int[] Indices { get; }

    public IReadOnlyList<MeshPart> Parts { get; }

    /// <summary>[N] unit vectors; the side they are on need not be the outer one.</summary>
    public Vector3[] Normals { get; }

    /// <summary>[N], or empty.</summary>
    public Vector2[] TextureCoordinates { get; }

    /// <summary>[N], or empty.</summary>
    public Vector3[] Colours { get; }

    /// <summary>Unit vector.</summary>
    public Vector3 Up { get; }

    public int FaceCount => Indices.Length / 3;

    /// <summary>The corners of the axis-parallel box around the vertices that faces use.</summary>
    public (Vector3 Least, Vector3 Greatest) Bounds()
    {
        Vector3 least = new(float.PositiveInfinity), greatest = new(float.NegativeInfinity);
        foreach (int index in Indices)
        {
            least = Vector3.Min(least, Positions[index]);
            greatest = Vector3.Max(greatest, Positions[index]);
        }
        return (least, greatest);
    }

    /// <summary>The paper's normalisation: the box's middle at the origin, its longest edge 1.</summary>
    /// <exception cref="MeshRejectedException">The box has no extent, or a float cannot hold it.</exception>
    public TriangleMesh ToUnitBox()
    {
        (Vector3 least, Vector3 greatest) = Bounds();
        Vector3 size = greatest - least, centre = least + size / 2;
        float edge = MathF.Max(size.X, MathF.Max(size.Y, size.Z)), scale = 1 / edge;
        if (!(edge > 0) || !float.IsFinite(edge) || !float.IsFinite(scale))
            throw new MeshRejectedException(MeshRejection.NoExtent, $"mesh extent: finite and above 0 needed, {edge} given");
        return new TriangleMesh(Array.ConvertAll(Positions, p => (p - centre) * scale), Indices, Parts, Normals, TextureCoordinates.Length > 0 ? TextureCoordinates : null, Colours.Length > 0 ? Colours : null, Up);
    }

    private static void RequireLength(int? length, int expected, string name)
    {
        if (length is { } given && given != expected) throw new ArgumentException($"{name}: {expected} needed, {given} given", name);
    }

    private static void RequireFinite<T>(T[]? values, string name) where T : unmanaged
    {
        ReadOnlySpan<float> numbers = MemoryMarshal.Cast<T, float>(values);
        for (int i = 0; i < numbers.Length; i++)
            if (!float.IsFinite(numbers[i]))
                throw new MeshRejectedException(MeshRejection.NotFinite, $"mesh {name} {i / (numbers.Length / values!.Length)}: finite numbers needed, {numbers[i]} given");
    }
}
