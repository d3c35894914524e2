using CorrMesh.Geometry;
using CorrMesh.Hosting.Errors;
using CorrMesh.Protos.Common.V1;
using CorrMesh.Protos.Features.V1;
using RigidPose = CorrMesh.Geometry.RigidPose;

namespace CorrMesh.Pose.Objects;

/// <summary>Finds the points that pictures without depth show: places of one are looked for in its neighbours, and where the rays meet is the point.</summary>
/// <remarks>
/// A place counts when at least two neighbours, or the only one, agree on it: going back from each leads to the place again, and the point is seen
/// within a token of every match. Points are where the squared distances to their rays are least (Hartley and Zisserman 2004, section 12).
/// </remarks>
internal static class Triangulation
{
    private const int Neighbours = 4;

    // Rays that are nearly parallel leave the depth open; pictures from too far apart show other sides.
    private const double LeastDegrees = 2, MostDegrees = 50;

    // In tokens: between places that are looked for, and how far a match may be from where it should be.
    private const double Step = 0.8, Tolerance = 0.75;

    /// <returns>The pictures with the points that they show.</returns>
    /// <exception cref="FieldException">Fewer than two, or hardly a point is found.</exception>
    public static async Task<PosedPicture[]> RunAsync(IReadOnlyList<PosedPicture> pictures, MapCalls calls, int tokens, Box? box, CancellationToken cancellation)
    {
        if (pictures.Count < 2) throw new FieldException("picture", $"at least 2 needed without depth, mesh or points, {pictures.Count} given");
        var found = new PosedPicture[pictures.Count];
        int total = 0;
        for (int i = 0; i < pictures.Count; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            PicturePoint[] points = await PointsOfAsync(pictures, i, calls, tokens, box).ConfigureAwait(false);
            total += points.Length;
            found[i] = pictures[i] with { Points = points };
        }
        const int fewest = 50;
        return total >= fewest ? found : throw new FieldException("picture", $"at least {fewest} points that several pictures agree on needed, {total} found; are the poses object to camera, in metres, with y down and z forward?");
    }

    private static async Task<PicturePoint[]> PointsOfAsync(IReadOnlyList<PosedPicture> pictures, int index, MapCalls calls, int tokens, Box? box)
    {
        PosedPicture own = pictures[index];
        int[] others = NeighboursOf(pictures, index);
        if (others.Length == 0) return [];
        double token = (double)Math.Max(own.Width, own.Height) / tokens, step = Step * token;
        var places = new List<Point>();
        for (double y = step / 2 - 0.5; y < own.Height - 0.5; y += step)
            for (double x = step / 2 - 0.5; x < own.Width - 0.5; x += step)
                if (own.Mask is null || own.Mask[(int)Math.Round(y) * own.Width + (int)Math.Round(x)] != 0) places.Add(new Point { X = Math.Round(x), Y = Math.Round(y) });
        if (places.Count == 0) return [];
        SampleDescriptorsResponse sampled = await calls.SampleAsync(own.Content, null, 0, places).ConfigureAwait(false);
        var matches = new List<(PosedPicture Other, (double X, double Y)?[] At, double Tolerance)>();
        foreach (int other in others)
        {
            PosedPicture there = pictures[other];
            CorrelateDescriptorsResponse forth = await calls.CorrelateAsync(there.Content, null, 0, sampled.Values, withBest: true).ConfigureAwait(false);
            CorrelateDescriptorsResponse back = await calls.CorrelateAsync(own.Content, null, 0, forth.BestDescriptors, withBest: false).ConfigureAwait(false);
            double tolerance = Tolerance * Math.Max(there.Width, there.Height) / tokens;
            matches.Add((there, [.. places.Select((place, i) =>
            {
                Point at = forth.Correlations[i].Candidates[0].Position, returned = back.Correlations[i].Candidates[0].Position;
                return Distance(place.X, place.Y, returned.X, returned.Y) <= 1.5 * token ? ((double X, double Y)?)(at.X, at.Y) : null;
            })], tolerance));
        }

        var points = new List<PicturePoint>();
        for (int i = 0; i < places.Count; i++)
        {
            (double x, double y) = (places[i].X, places[i].Y);
            if (Meet(own, (x, y), [.. matches.Where(match => match.At[i] is not null).Select(match => (match.Other, match.At[i]!.Value, match.Tolerance))], others.Length > 1 ? 2 : 1) is not { } place) continue;
            if (box is null || box.Contains(place)) points.Add(new PicturePoint(x, y, place));
        }
        return [.. points];
    }

    // The nearest in direction of those that see the scene from far enough apart.
    private static int[] NeighboursOf(IReadOnlyList<PosedPicture> pictures, int index)
    {
        RigidPose own = pictures[index].ObjectToCamera;
        return
        [
            .. Enumerable.Range(0, pictures.Count).Where(i => i != index)
                .Select(i => (Index: i, Angle: own.AngleTo(pictures[i].ObjectToCamera)))
                .Where(other => other.Angle <= MostDegrees)
                .OrderBy(other => Math.Abs(other.Angle - 6 * LeastDegrees)).Take(Neighbours).Select(other => other.Index),
        ];
    }

    // The point that most matches agree on, from each of them in turn.
    private static (double X, double Y, double Z)? Meet(PosedPicture own, (double X, double Y) at, (PosedPicture Other, (double X, double Y) At, double Tolerance)[] matches, int needed)
    {
        if (matches.Length < needed) return null;
        Ray ray = RayOf(own, at);
        (Ray Ray, int Index)[] rays = [.. matches.Select((match, i) => (RayOf(match.Other, match.At), i))];
        List<int> best = [];
        foreach ((Ray other, int _) in rays)
        {
            if (AngleBetween(ray, other) < LeastDegrees || Nearest([ray, other]) is not { } point) continue;
            List<int> agreeing = [.. rays.Where(entry => Sees(matches[entry.Index].Other, point, matches[entry.Index].At, matches[entry.Index].Tolerance)).Select(entry => entry.Index)];
            if (agreeing.Count > best.Count) best = agreeing;
        }
        if (best.Count < needed || Nearest([ray, .. best.Select(i => rays[i].Ray)]) is not { } meeting) return null;
        return Sees(own, meeting, at, matches[0].Tolerance) ? meeting : null;
    }

    private static bool Sees(PosedPicture picture, (double X, double Y, double Z) point, (double X, double Y) at, double tolerance)
    {
        var seen = picture.ObjectToCamera.Apply(point);
        if (!(seen.Z > 0)) return false;
        (double x, double y) = picture.Camera.Project(seen);
        return Distance(x, y, at.X, at.Y) <= tolerance;
    }

    private static Ray RayOf(PosedPicture picture, (double X, double Y) at)
    {
        RigidPose toObject = picture.ObjectToCamera.Inverse();
        (double x, double y, double z) = toObject.Rotate(picture.Camera.Unproject(at.X, at.Y, 1));
        double length = Math.Sqrt(x * x + y * y + z * z);
        return new Ray((toObject.X, toObject.Y, toObject.Z), (x / length, y / length, z / length));
    }

    private static double AngleBetween(Ray one, Ray other) =>
        180 / Math.PI * Math.Acos(Math.Clamp(one.Along.X * other.Along.X + one.Along.Y * other.Along.Y + one.Along.Z * other.Along.Z, -1, 1));

    // Least squares of the distances to the rays: sum (I - d dT) (p - o) = 0, by Cramer's rule.
    private static (double X, double Y, double Z)? Nearest(IReadOnlyList<Ray> rays)
    {
        double xx = 0, xy = 0, xz = 0, yy = 0, yz = 0, zz = 0, bx = 0, by = 0, bz = 0;
        foreach (((double X, double Y, double Z) o, (double X, double Y, double Z) d) in rays)
        {
            (double mxx, double mxy, double mxz, double myy, double myz, double mzz) = (1 - d.X * d.X, -d.X * d.Y, -d.X * d.Z, 1 - d.Y * d.Y, -d.Y * d.Z, 1 - d.Z * d.Z);
            (xx, xy, xz, yy, yz, zz) = (xx + mxx, xy + mxy, xz + mxz, yy + myy, yz + myz, zz + mzz);
            (bx, by, bz) = (bx + mxx * o.X + mxy * o.Y + mxz * o.Z, by + mxy * o.X + myy * o.Y + myz * o.Z, bz + mxz * o.X + myz * o.Y + mzz * o.Z);
        }
        double determinant = xx * (yy * zz - yz * yz) - xy * (xy * zz - yz * xz) + xz * (xy * yz - yy * xz);
        if (!(Math.Abs(determinant) > 1e-12)) return null;
        return (
            (bx * (yy * zz - yz * yz) - xy * (by * zz - yz * bz) + xz * (by * yz - yy * bz)) / determinant,
            (xx * (by * zz - yz * bz) - bx * (xy * zz - yz * xz) + xz * (xy * bz - by * xz)) / determinant,
            (xx * (yy * bz - by * yz) - xy * (xy * bz - by * xz) + bx * (xy * yz - yy * xz)) / determinant);
    }

    private static double Distance(double x, double y, double u, double v) => Math.Sqrt((x - u) * (x - u) + (y - v) * (y - v));

    // Object frame; the direction has length 1.
    private readonly record struct Ray((double X, double Y, double Z) From, (double X, double Y, double Z) Along);
}
