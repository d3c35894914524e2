using System.Numerics;
using CorrMesh.Rendering.Meshes;

namespace CorrMesh.Rendering.Procedural;

/// <summary>Collects the surfaces of an object. Solids may run into each other: what lies inside is never seen.</summary>
internal sealed class SolidBuilder
{
    private readonly List<Vector3> positions = [];
    private readonly List<(int Slot, bool IsFlat, List<int> Indices)> runs = [];

    /// <summary>A surface over two parameters from 0 to 1.</summary>
    /// <param name="at">The point at (around, along); around closes on itself.</param>
    /// <param name="columns">Cells around.</param>
    /// <param name="rows">Cells along.</param>
    /// <param name="slot">0 or 1: main or second material.</param>
    /// <param name="isFlat">Faces keep their own light.</param>
    public void AddTube(Func<float, float, Vector3> at, int columns, int rows, int slot = 0, bool isFlat = false)
    {
        int first = positions.Count;
        for (int row = 0; row <= rows; row++)
            for (int column = 0; column < columns; column++)
                positions.Add(at((float)column / columns, (float)row / rows));
        List<int> indices = Run(slot, isFlat);
        for (int row = 0; row < rows; row++)
            for (int column = 0; column < columns; column++)
            {
                int a = first + row * columns + column, b = first + row * columns + (column + 1) % columns;
                indices.AddRange([a, b, a + columns, b, b + columns, a + columns]);
            }
    }

    /// <summary>Triangles as they are.</summary>
    public void AddTriangles(IReadOnlyList<Vector3> points, IReadOnlyList<int> triangles, int slot = 0, bool isFlat = false)
    {
        int first = positions.Count;
        positions.AddRange(points);
        Run(slot, isFlat).AddRange(triangles.Select(index => first + index));
    }

    /// <summary>A ball, stretched and placed by a map.</summary>
    public void AddBall(Func<Vector3, Vector3> map, int rings = 32, int slot = 0, bool isFlat = false) => AddTube((u, v) => map(Direction(u, v)), 2 * rings, rings, slot, isFlat);

    /// <summary>The unit vector of two parameters: u around z, v from the top to the bottom.</summary>
    public static Vector3 Direction(float u, float v)
    {
        (float sine, float cosine) = MathF.SinCos(MathF.PI * v);
        if (v is 0 or 1) sine = 0;   // the poles are single points
        (float y, float x) = MathF.SinCos(MathF.Tau * u);
        return new Vector3(sine * x, sine * y, cosine);
    }

    public TriangleMesh Build(Func<int, Material> material)
    {
        var indices = new List<int>();
        var parts = new List<MeshPart>();
        foreach ((int slot, bool isFlat, List<int> run) in runs)
        {
            parts.Add(new MeshPart(indices.Count, run.Count, material(slot), isFlat));
            indices.AddRange(run);
        }
        return new TriangleMesh([.. positions], [.. indices], parts);
    }

    private List<int> Run(int slot, bool isFlat)
    {
        int known = runs.FindIndex(run => run.Slot == slot && run.IsFlat == isFlat);
        if (known < 0)
        {
            known = runs.Count;
            runs.Add((slot, isFlat, []));
        }
        return runs[known].Indices;
    }
}
