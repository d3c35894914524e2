using System.Numerics;
using CorrMesh.Rendering.Meshes;

namespace CorrMesh.Rendering.Tests;

/// <summary>Meshes whose surfaces are known in closed form.</summary>
internal static class Solids
{
    public static readonly Material Plain = new();

    /// <summary>A sphere about the origin; flat faces lie inside the true one by at most radius * (1 - cos(π / rings)), about.</summary>
    public static TriangleMesh Sphere(float radius, int rings = 128, Material? material = null)
    {
        int columns = 2 * rings;
        var positions = new List<Vector3>();
        var coordinates = new List<Vector2>();
        var indices = new List<int>();
        for (int ring = 0; ring <= rings; ring++)
            for (int column = 0; column <= columns; column++)
            {
                double polar = Math.PI * ring / rings, level = ring == rings ? 0 : Math.Sin(polar), around = 2 * Math.PI * (column % columns) / columns;
                positions.Add(radius * new Vector3((float)(level * Math.Cos(around)), (float)(level * Math.Sin(around)), (float)Math.Cos(polar)));
                coordinates.Add(new Vector2((float)column / columns, (float)ring / rings));
            }
        for (int ring = 0; ring < rings; ring++)
            for (int column = 0; column < columns; column++)
            {
                int at = ring * (columns + 1) + column, below = at + columns + 1;
                indices.AddRange([at, below, at + 1, at + 1, below, below + 1]);
            }
        return new TriangleMesh([.. positions], [.. indices], [new MeshPart(0, indices.Count, material ?? Plain)], textureCoordinates: [.. coordinates]);
    }

    /// <summary>An axis-parallel box about the origin, two triangles a side.</summary>
    public static TriangleMesh Box(Vector3 half, Material? material = null)
    {
        Vector3[] corners = [.. Enumerable.Range(0, 8).Select(i => new Vector3((i & 1) == 0 ? -half.X : half.X, (i & 2) == 0 ? -half.Y : half.Y, (i & 4) == 0 ? -half.Z : half.Z))];
        int[] indices = [0, 2, 1, 1, 2, 3, 4, 5, 6, 5, 7, 6, 0, 1, 4, 1, 5, 4, 2, 6, 3, 3, 6, 7, 0, 4, 2, 2, 4, 6, 1, 3, 5, 3, 7, 5];
        return new TriangleMesh(corners, indices, [new MeshPart(0, indices.Length, material ?? Plain, IsFlat: true)]);
    }

    /// <summary>A square of an edge of 2 in the plane z = 0 about the origin, texture coordinates 0 to 1 with v along y.</summary>
    public static TriangleMesh Square(Material material) => new(
        [new(-1, -1, 0), new(1, -1, 0), new(1, 1, 0), new(-1, 1, 0)], [0, 1, 2, 0, 2, 3], [new MeshPart(0, 6, material)],
        textureCoordinates: [new(0, 0), new(1, 0), new(1, 1), new(0, 1)]);
}
