using System.Numerics;
using CorrMesh.Rendering.Meshes;

namespace CorrMesh.Pose.Symmetries;

/// <summary>Points by cells: what is within a cell's size lies in a point's own cell or beside it.</summary>
internal sealed class PointGrid
{
    private const int MostCells = 128;

    private readonly Vector3[] points, normals;
    private readonly int[] starts, order;
    private readonly Vector3 least;
    private readonly float cell, reach;
    private readonly int width, height, depth;

    /// <param name="points">At least one.</param>
    /// <param name="normals">Unit vectors of the points.</param>
    /// <param name="reach">How far is looked.</param>
    /// <param name="stride">Only each so many points count.</param>
    public PointGrid(Vector3[] points, Vector3[] normals, float reach, int stride = 1)
    {
        this.reach = reach;
        least = points.Aggregate(Vector3.Min);
        Vector3 size = points.Aggregate(Vector3.Max) - least;
        cell = MathF.Max(reach, MathF.Max(size.X, MathF.Max(size.Y, size.Z)) / MostCells);
        (width, height, depth) = ((int)(size.X / cell) + 1, (int)(size.Y / cell) + 1, (int)(size.Z / cell) + 1);
        int[] cells = [.. Enumerable.Range(0, (points.Length + stride - 1) / stride).Select(i => CellOf(points[i * stride]))];
        starts = new int[width * height * depth + 1];
        foreach (int at in cells) starts[at + 1]++;
        for (int i = 1; i < starts.Length; i++) starts[i] += starts[i - 1];
        order = new int[cells.Length];
        int[] next = [.. starts];
        for (int i = 0; i < cells.Length; i++) order[next[cells[i]]++] = i * stride;
        (this.points, this.normals) = (Array.ConvertAll(order, index => points[index]), Array.ConvertAll(order, index => normals[index]));
    }

    /// <summary>Every point within reach.</summary>
    public void Within(Vector3 at, List<int> found)
    {
        if (Around(at) is not { } block) return;
        for (int z = block.Z0; z <= block.Z1; z++)
            for (int y = block.Y0; y <= block.Y1; y++)
            {
                int row = (z * height + y) * width, end = starts[row + block.X1 + 1];   // cells along x lie one after the other
                for (int i = starts[row + block.X0]; i < end; i++)
                    if (Vector3.DistanceSquared(points[i], at) <= reach * reach) found.Add(order[i]);
            }
    }

    /// <summary>The point within reach that is nearest in place and normal together.</summary>
    /// <param name="weight">How far a normal that lies across counts.</param>
    /// <returns>-1 when there is none.</returns>
    public int Nearest(Vector3 at, Vector3 normal, float weight)
    {
        int nearest = -1;
        float most = float.PositiveInfinity;
        if (Around(at) is not { } block) return -1;
        for (int z = block.Z0; z <= block.Z1; z++)
            for (int y = block.Y0; y <= block.Y1; y++)
            {
                int row = (z * height + y) * width, end = starts[row + block.X1 + 1];
                for (int i = starts[row + block.X0]; i < end; i++)
                {
                    float distance = Vector3.DistanceSquared(points[i], at);
                    if (distance > reach * reach || distance >= most) continue;
                    float across = weight * (1 - MathF.Abs(Vector3.Dot(normals[i], normal)));
                    if (distance + across * across < most) (most, nearest) = (distance + across * across, i);
                }
            }
        return nearest < 0 ? -1 : order[nearest];
    }

    private int CellOf(Vector3 p) => ((int)((p.Z - least.Z) / cell) * height + (int)((p.Y - least.Y) / cell)) * width + (int)((p.X - least.X) / cell);

    private (int X0, int X1, int Y0, int Y1, int Z0, int Z1)? Around(Vector3 at)
    {
        Vector3 place = (at - least) / cell;
        (int x, int y, int z) = ((int)MathF.Floor(place.X), (int)MathF.Floor(place.Y), (int)MathF.Floor(place.Z));
        if (x < -1 || y < -1 || z < -1 || x > width || y > height || z > depth) return null;
        return (Math.Max(x - 1, 0), Math.Min(x + 1, width - 1), Math.Max(y - 1, 0), Math.Min(y + 1, height - 1), Math.Max(z - 1, 0), Math.Min(z + 1, depth - 1));
    }
}
