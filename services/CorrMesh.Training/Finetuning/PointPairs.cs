using CorrMesh.Training.Data;
using CorrMesh.Vision.Features;

namespace CorrMesh.Training.Finetuning;

/// <summary>Points of one view: where their descriptors are sampled, and where they lie on the object.</summary>
/// <param name="Corners">[N * 4] tokens, row-major in the grid: the four around each point.</param>
/// <param name="Weights">[N * 4] bilinear weights of those.</param>
/// <param name="ObjectPoints">[N * 3].</param>
public sealed record ViewPoints(long[] Corners, float[] Weights, float[] ObjectPoints)
{
    public int Count => ObjectPoints.Length / 3;

    /// <summary>The paper's keypoint sampler: index clamped to the grid, then bilinear between its four neighbours.</summary>
    /// <param name="points">[N * 2]: x, y, corner-origin pixels of the picture.</param>
    /// <param name="objectPoints">[N * 3].</param>
    public static ViewPoints Create(ReadOnlySpan<float> points, float[] objectPoints, TokenAxis x, TokenAxis y)
    {
        int count = points.Length / 2;
        var corners = new long[4 * count];
        var weights = new float[4 * count];
        for (int i = 0; i < count; i++)
            BilinearCorners.Write(x.IndexOf(points[2 * i]), y.IndexOf(points[2 * i + 1]), x.Count, y.Count, 0, corners.AsSpan(4 * i, 4), weights.AsSpan(4 * i, 4));
        return new ViewPoints(corners, weights, objectPoints);
    }
}

/// <summary>Points of two views of one object, and which of them are the same place on it.</summary>
/// <param name="Source">N points.</param>
/// <param name="Target">M points.</param>
/// <param name="SourceIndices">[K] points of the source...</param>
/// <param name="TargetIndices">[K] ...and those of the target within <see cref="PositiveDistance"/>, ordered by source, then target.</param>
public sealed record PointPairs(ViewPoints Source, ViewPoints Target, long[] SourceIndices, long[] TargetIndices)
{
    /// <summary>Points nearer than this on the object are the same place (the paper's threshold; objects are about 1 long).</summary>
    public const double PositiveDistance = 5e-3;

    /// <summary>Points farther apart than this on the object are different places. Those between the two distances are neither.</summary>
    public const double NegativeDistance = 0.1;

    /// <summary>K.</summary>
    public int PositiveCount => SourceIndices.Length;

    /// <summary>Finds the positive pairs.</summary>
    public static PointPairs Match(ViewPoints source, ViewPoints target)
    {
        // Candidates lie within the distance along x already: of points in the order of x, only a short run.
        float[] a = source.ObjectPoints, b = target.ObjectPoints;
        int[] order = [.. Enumerable.Range(0, target.Count).OrderBy(j => b[3 * j])];
        double[] keys = [.. order.Select(j => (double)b[3 * j])];
        List<long> sources = [], targets = [];
        var found = new List<int>();
        for (int i = 0; i < source.Count; i++)
        {
            double x = a[3 * i], y = a[3 * i + 1], z = a[3 * i + 2];
            int at = Array.BinarySearch(keys, x - PositiveDistance);
            if (at < 0) at = ~at;
            while (at > 0 && keys[at - 1] >= x - PositiveDistance) at--;   // a hit may be any of several equal keys
            found.Clear();
            for (; at < keys.Length && keys[at] <= x + PositiveDistance; at++)
            {
                int j = order[at];
                double dx = b[3 * j] - x, dy = b[3 * j + 1] - y, dz = b[3 * j + 2] - z;
                if (dx * dx + dy * dy + dz * dz < PositiveDistance * PositiveDistance) found.Add(j);
            }
            found.Sort();
            foreach (int j in found)
            {
                sources.Add(i);
                targets.Add(j);
            }
        }
        return new PointPairs(source, target, [.. sources], [.. targets]);
    }
}
