using CorrMesh.Geometry;

namespace CorrMesh.Pose.Objects;

/// <summary>Which points of an object a picture shows, as densely as its features tell them apart.</summary>
internal static class PicturePoints
{
    // Depth that differs by more of itself from its neighbour's is an edge: features there are half of something else.
    private const double EdgeShare = 0.05;

    /// <summary>Points on a grid of pixels whose depth is known, away from edges where that leaves enough of them; or those that were given.</summary>
    /// <param name="step">Between pixels of the grid, at least 1.</param>
    /// <param name="box">Only points within it; null for all.</param>
    public static PicturePoint[] On(PosedPicture picture, ObjectRegion region, double step, Box? box)
    {
        if (picture.Points is { } given) return [.. given.Where(point => region.Contains(point.X, point.Y) && (box is null || box.Contains(point.Place)))];
        float[] depth = picture.DepthMetres!;
        RigidPose toObject = picture.ObjectToCamera.Inverse();
        int reach = Math.Max(1, (int)Math.Round(step / 2));
        List<PicturePoint> inner = [], all = [];
        for (double v = region.Pixels.Y + step / 2; v < region.Pixels.Y + region.Pixels.Height; v += step)
            for (double u = region.Pixels.X + step / 2; u < region.Pixels.X + region.Pixels.Width; u += step)
            {
                int x = (int)u, y = (int)v;
                if (!IsKnown(picture, depth, x, y)) continue;
                (double X, double Y, double Z) place = toObject.Apply(picture.Camera.Unproject(x, y, depth[y * picture.Width + x]));
                if (!double.IsFinite(place.X + place.Y + place.Z) || (box is not null && !box.Contains(place))) continue;
                var point = new PicturePoint(x, y, place);
                all.Add(point);
                if (IsSmooth(x, y, -reach, 0) && IsSmooth(x, y, reach, 0) && IsSmooth(x, y, 0, -reach) && IsSmooth(x, y, 0, reach)) inner.Add(point);
            }
        return [.. 2 * inner.Count >= all.Count ? inner : all];

        bool IsSmooth(int x, int y, int dx, int dy)
        {
            if (!IsKnown(picture, depth, x + dx, y + dy)) return false;
            float here = depth[y * picture.Width + x], there = depth[(y + dy) * picture.Width + x + dx];
            return Math.Abs(here - there) <= EdgeShare * here;
        }
    }

    private static bool IsKnown(PosedPicture picture, float[] depth, int x, int y)
    {
        if (x < 0 || y < 0 || x >= picture.Width || y >= picture.Height) return false;
        int at = y * picture.Width + x;
        return depth[at] > 0 && (picture.Mask is null || picture.Mask[at] != 0);
    }
}

/// <summary>An axis-parallel box, object frame, metres.</summary>
internal sealed record Box((double X, double Y, double Z) Least, (double X, double Y, double Z) Greatest)
{
    public (double X, double Y, double Z) Middle => ((Least.X + Greatest.X) / 2, (Least.Y + Greatest.Y) / 2, (Least.Z + Greatest.Z) / 2);

    public bool Contains((double X, double Y, double Z) point) =>
        point.X >= Least.X && point.Y >= Least.Y && point.Z >= Least.Z && point.X <= Greatest.X && point.Y <= Greatest.Y && point.Z <= Greatest.Z;

    /// <summary>Around points; each side without the share of them that lies farthest out.</summary>
    /// <param name="points">At least one.</param>
    /// <param name="share">0 for around all of them.</param>
    public static Box Around(IReadOnlyList<(double X, double Y, double Z)> points, double share)
    {
        (double least, double greatest) x = Range(p => p.X), y = Range(p => p.Y), z = Range(p => p.Z);
        return new Box((x.least, y.least, z.least), (x.greatest, y.greatest, z.greatest));

        (double, double) Range(Func<(double X, double Y, double Z), double> along)
        {
            double[] values = [.. points.Select(along).Order()];
            int cut = (int)(share * values.Length);
            return (values[cut], values[^(1 + cut)]);
        }
    }

    /// <summary>The largest distance between two of some points, to within a few percent below it.</summary>
    public static double Diameter(IReadOnlyList<(double X, double Y, double Z)> points)
    {
        double most = 0;
        var from = points[0];
        // From the farthest point to the farthest from it, a few times: the true pair nearly always.
        for (int i = 0; i < 6; i++)
        {
            var start = from;
            double farthest = -1;
            foreach (var point in points)
            {
                double dx = point.X - start.X, dy = point.Y - start.Y, dz = point.Z - start.Z, distance = dx * dx + dy * dy + dz * dz;
                if (distance > farthest) (farthest, from) = (distance, point);
            }
            most = Math.Max(most, Math.Sqrt(farthest));
        }
        return most;
    }
}
