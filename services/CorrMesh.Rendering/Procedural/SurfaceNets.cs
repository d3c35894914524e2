using System.Numerics;

namespace CorrMesh.Rendering.Procedural;

/// <summary>The zero surface of a distance function as triangles: naive surface nets (Gibson 1998).</summary>
internal static class SurfaceNets
{
    private const int Probes = 24, Cells = 56;

    /// <summary>Adds the surface to a builder; nothing when the function is nowhere below zero within 3 of the origin.</summary>
    /// <param name="builder">Receives it.</param>
    /// <param name="distance">Below zero inside; about the distance to the surface.</param>
    public static void Add(SolidBuilder builder, Func<Vector3, float> distance)
    {
        // A coarse look first, so that the fine grid is spent on the object alone.
        Vector3 least = new(3), greatest = new(-3);
        const float step = 6f / Probes;
        for (int i = 0; i < Probes * Probes * Probes; i++)
        {
            Vector3 p = new Vector3(i % Probes, i / Probes % Probes, i / (Probes * Probes)) * step + new Vector3(step / 2 - 3);
            if (distance(p) > step) continue;
            least = Vector3.Min(least, p - new Vector3(step));
            greatest = Vector3.Max(greatest, p + new Vector3(step));
        }
        if (least.X > greatest.X) return;
        Vector3 size = greatest - least;
        float cell = MathF.Max(size.X, MathF.Max(size.Y, size.Z)) / Cells;
        (int nx, int ny, int nz) = ((int)(size.X / cell) + 2, (int)(size.Y / cell) + 2, (int)(size.Z / cell) + 2);
        var values = new float[(nx + 1) * (ny + 1) * (nz + 1)];
        for (int z = 0; z <= nz; z++)
            for (int y = 0; y <= ny; y++)
                for (int x = 0; x <= nx; x++)
                    values[Corner(x, y, z)] = distance(least + cell * new Vector3(x, y, z));

        // A vertex in each cell that the surface passes, in the middle of where it cuts the cell's edges.
        var vertexOf = new int[values.Length];
        var points = new List<Vector3>();
        for (int z = 0; z < nz; z++)
            for (int y = 0; y < ny; y++)
                for (int x = 0; x < nx; x++)
                {
                    Vector3 sum = Vector3.Zero;
                    int crossings = 0;
                    for (int a = 0; a < 8; a++)
                        for (int axis = 0; axis < 3; axis++)
                        {
                            if ((a >> axis & 1) != 0) continue;
                            int b = a | 1 << axis;
                            float from = values[Corner(x + (a & 1), y + (a >> 1 & 1), z + (a >> 2))], to = values[Corner(x + (b & 1), y + (b >> 1 & 1), z + (b >> 2))];
                            if (from < 0 == to < 0) continue;
                            Vector3 start = new(x + (a & 1), y + (a >> 1 & 1), z + (a >> 2)), end = new(x + (b & 1), y + (b >> 1 & 1), z + (b >> 2));
                            sum += Vector3.Lerp(start, end, from / (from - to));
                            crossings++;
                        }
                    vertexOf[Corner(x, y, z)] = crossings > 0 ? points.Count : -1;
                    if (crossings > 0) points.Add(least + cell * (sum / crossings));
                }

        // A square around each edge of the grid that the surface cuts, between the four cells that share it.
        var triangles = new List<int>();
        for (int z = 1; z < nz; z++)
            for (int y = 1; y < ny; y++)
                for (int x = 1; x < nx; x++)
                {
                    bool isInside = values[Corner(x, y, z)] < 0;
                    if (isInside != values[Corner(x + 1, y, z)] < 0) Square(isInside, vertexOf[Corner(x, y - 1, z - 1)], vertexOf[Corner(x, y, z - 1)], vertexOf[Corner(x, y, z)], vertexOf[Corner(x, y - 1, z)]);
                    if (isInside != values[Corner(x, y + 1, z)] < 0) Square(!isInside, vertexOf[Corner(x - 1, y, z - 1)], vertexOf[Corner(x, y, z - 1)], vertexOf[Corner(x, y, z)], vertexOf[Corner(x - 1, y, z)]);
                    if (isInside != values[Corner(x, y, z + 1)] < 0) Square(isInside, vertexOf[Corner(x - 1, y - 1, z)], vertexOf[Corner(x, y - 1, z)], vertexOf[Corner(x, y, z)], vertexOf[Corner(x - 1, y, z)]);
                }
        builder.AddTriangles(points, triangles);

        // Wound alike over the whole surface, so that normals may be averaged.
        void Square(bool isForward, int a, int b, int c, int d) => triangles.AddRange(isForward ? [a, b, c, a, c, d] : [a, c, b, a, d, c]);

        int Corner(int x, int y, int z) => (z * (ny + 1) + y) * (nx + 1) + x;
    }
}
