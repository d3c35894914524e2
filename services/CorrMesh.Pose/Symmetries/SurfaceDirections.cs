using System.Numerics;

namespace CorrMesh.Pose.Symmetries;

/// <summary>Directions along which a surface may have an axis of symmetry.</summary>
internal static class SurfaceDirections
{
    /// <summary>A motion that keeps colours keeps their centroids, and the axes of their spread.</summary>
    public static IEnumerable<Vector3> OfColours(SurfaceCloud cloud)
    {
        Vector3 mean = Vector3.Zero;
        foreach (Vector3 colour in cloud.Colours) mean += colour / cloud.Colours.Length;
        for (int channel = 0; channel < 3; channel++)
        {
            int tone = channel;
            Vector3 centroid = Vector3.Zero;
            for (int i = 0; i < cloud.Points.Length; i++) centroid += (cloud.Colours[i][tone] - mean[tone]) * cloud.Points[i] / cloud.Points.Length;
            if (centroid.Length() > 1e-3f) yield return Vector3.Normalize(centroid);
            (Vector3[] directions, double[] moments) = Principal(cloud, i => cloud.Colours[i][tone] - mean[tone]);
            if (moments[0] - moments[2] < 1e-3) continue;
            foreach (Vector3 direction in directions) yield return direction;
        }
    }

    /// <summary>Of the points' spread, the largest moment first, by Jacobi's rotations.</summary>
    public static (Vector3[] Directions, double[] Moments) Principal(SurfaceCloud cloud, Func<int, double> weight)
    {
        var a = new double[3, 3];
        for (int i = 0; i < cloud.Points.Length; i++)
        {
            (Vector3 p, double share) = (cloud.Points[i], weight(i) / cloud.Points.Length);
            for (int r = 0; r < 3; r++)
                for (int c = 0; c < 3; c++) a[r, c] += share * p[r] * p[c];
        }
        double[,] v = { { 1, 0, 0 }, { 0, 1, 0 }, { 0, 0, 1 } };
        for (int sweep = 0; sweep < 24; sweep++)
        {
            (int p, int q) = (sweep % 3) switch { 0 => (0, 1), 1 => (0, 2), _ => (1, 2) };
            double angle = Math.Atan2(2 * a[p, q], a[q, q] - a[p, p]) / 2, cosine = Math.Cos(angle), sine = Math.Sin(angle);
            for (int k = 0; k < 3; k++) (a[k, p], a[k, q]) = (cosine * a[k, p] - sine * a[k, q], sine * a[k, p] + cosine * a[k, q]);
            for (int k = 0; k < 3; k++) (a[p, k], a[q, k]) = (cosine * a[p, k] - sine * a[q, k], sine * a[p, k] + cosine * a[q, k]);
            for (int k = 0; k < 3; k++) (v[k, p], v[k, q]) = (cosine * v[k, p] - sine * v[k, q], sine * v[k, p] + cosine * v[k, q]);
        }
        int[] order = [.. Enumerable.Range(0, 3).OrderByDescending(i => a[i, i])];
        return ([.. order.Select(i => Vector3.Normalize(new Vector3((float)v[0, i], (float)v[1, i], (float)v[2, i])))], [.. order.Select(i => a[i, i])]);
    }

    /// <summary>All, evenly; each for its opposite, too.</summary>
    public static IEnumerable<Vector3> HalfSphere(int count) => Enumerable.Range(0, count).Select(i =>
    {
        float z = (i + 0.5f) / count, level = MathF.Sqrt(1 - z * z);
        (float sine, float cosine) = MathF.SinCos((float)(i * Math.PI * (3 - Math.Sqrt(5)) % (2 * Math.PI)));
        return new Vector3(level * cosine, level * sine, z);
    });

    /// <summary>Those across an axis, evenly; each for its opposite, too.</summary>
    public static IEnumerable<Vector3> Fan(Vector3 axis, int count)
    {
        Vector3 x = Across(axis), y = Vector3.Cross(axis, x);
        return Enumerable.Range(0, count).Select(i => MathF.Cos(MathF.PI * i / count) * x + MathF.Sin(MathF.PI * i / count) * y);
    }

    /// <summary>One across a direction.</summary>
    public static Vector3 Across(Vector3 axis) => Vector3.Normalize(Vector3.Cross(axis, MathF.Abs(axis.X) < 0.7f ? Vector3.UnitX : Vector3.UnitY));
}
