using CorrMesh.Geometry;

namespace CorrMesh.Pose.Linting;

/// <summary>Whether points that several views show meet in space.</summary>
/// <remarks>Each track is put where its rays come nearest to each other, and seen again from there. Poses and focal lengths may be others than given; lenses are straightened once, with the cameras as given.</remarks>
internal sealed class TrackConsistency
{
    private const double RadiusPixels = 14;

    private const int LongestTrack = 12;

    // Determinant of the mean of I - d dᵀ; about the squared angle between rays: below it they are parallel and meet anywhere.
    private const double LeastSpread = 1e-6;

    // A wrong observation takes a point along; so rays that pass it farther than some pixels count less, and once more with those that are left.
    private const int Rounds = 2;
    private const double WeightScale = 6, SmallestWeight = 1e-4;

    private readonly (int View, double X, double Y)[] observations;   // of the plane at depth 1
    private readonly int[] starts;
    private readonly PinholeCamera[] cameras;
    private readonly double[] squares, weights;

    // Of the object's frame: unit directions, and (I - d dᵀ) C.
    private readonly ((double X, double Y, double Z) Direction, (double X, double Y, double Z) Foot)[] rays;

    /// <param name="most">Tracks beyond it are left out, evenly.</param>
    public TrackConsistency(IReadOnlyList<PosedPhoto> views, IReadOnlyList<TrackedPoint> points, int most)
    {
        cameras = [.. views.Select(view => view.Camera)];
        IGrouping<int, TrackedPoint>[] tracks =
        [
            .. points.Where(point => point.View >= 0 && point.View < views.Count && double.IsFinite(point.X + point.Y) && CameraNumbers.IsUsable(views[point.View].Camera))
                .GroupBy(point => point.Track).Where(track => track.Count() > 1),
        ];
        if (tracks.Length > most) tracks = [.. Enumerable.Range(0, most).Select(i => tracks[(int)((long)i * tracks.Length / most)])];
        TrackedPoint[][] kept = [.. tracks.Select(Thin)];
        observations = [.. kept.SelectMany(track => track).Select(point => Ray(views[point.View], point))];
        starts = new int[kept.Length + 1];
        for (int i = 0; i < kept.Length; i++) starts[i + 1] = starts[i] + kept[i].Length;
        rays = new ((double, double, double), (double, double, double))[observations.Length];
        (squares, weights) = (new double[observations.Length], new double[observations.Length]);
    }

    public int Count => starts.Length - 1;

    public int Observations => observations.Length;

    /// <summary>How well the tracks meet.</summary>
    /// <param name="poses">[views] object to camera.</param>
    /// <param name="scaleX">What the focal lengths along x are multiplied with.</param>
    /// <param name="scaleY">Along y.</param>
    /// <returns>Gain: log-likelihood against all observations being wrong; the noise of those that fit, pixels; and how many those are.</returns>
    public (double Gain, double NoisePixels, double Fitting) Evaluate(RigidPose[] poses, double scaleX = 1, double scaleY = 1)
    {
        RigidPose[] backs = [.. poses.Select(pose => pose.Inverse())];
        for (int i = 0; i < rays.Length; i++)
        {
            RigidPose back = backs[observations[i].View];
            double x = observations[i].X / scaleX, y = observations[i].Y / scaleY, length = Math.Sqrt(x * x + y * y + 1);
            var d = back.Rotate((x / length, y / length, 1 / length));
            double along = back.X * d.X + back.Y * d.Y + back.Z * d.Z;
            rays[i] = (d, (back.X - d.X * along, back.Y - d.Y * along, back.Z - d.Z * along));
        }
        for (int track = 0; track < Count; track++) Measure(poses, scaleX, scaleY, starts[track], starts[track + 1]);
        (double variance, double fitting) = MatchLikelihood.Noise(squares, RadiusPixels);
        return (MatchLikelihood.Gain(squares, variance, RadiusPixels), Math.Sqrt(variance), fitting);
    }

    // Long tracks say no more of the cameras than the first dozen views, spread evenly.
    private static TrackedPoint[] Thin(IEnumerable<TrackedPoint> track)
    {
        TrackedPoint[] all = [.. track];
        return all.Length <= LongestTrack ? all : [.. Enumerable.Range(0, LongestTrack).Select(i => all[(int)((long)i * all.Length / LongestTrack)])];
    }

    private static (int View, double X, double Y) Ray(PosedPhoto view, TrackedPoint point)
    {
        PinholeCamera camera = view.Camera;
        (double x, double y) = ((point.X - camera.CentreX) / camera.FocalX, (point.Y - camera.CentreY) / camera.FocalY);
        if (view.Lens is { } lens) (x, y) = lens.Undistort(x, y);
        return (point.View, x, y);
    }

    private void Measure(RigidPose[] poses, double scaleX, double scaleY, int start, int end)
    {
        weights.AsSpan(start, end - start).Fill(1);
        for (int round = 0; ; round++)
        {
            if (Meet(start, end) is not { } point)
            {
                squares.AsSpan(start, end - start).Fill(double.PositiveInfinity);
                return;
            }
            for (int i = start; i < end; i++)
            {
                (int view, double x, double y) = observations[i];
                var at = poses[view].Apply(point);
                double ex = cameras[view].FocalX * (at.X / at.Z * scaleX - x), ey = cameras[view].FocalY * (at.Y / at.Z * scaleY - y), square = ex * ex + ey * ey;
                squares[i] = at.Z > 0 && double.IsFinite(square) ? square : double.PositiveInfinity;
            }
            if (round == Rounds) return;
            for (int i = start; i < end; i++)
            {
                double ratio = 1 / (1 + squares[i] / (WeightScale * WeightScale));
                weights[i] = Math.Max(ratio * ratio, SmallestWeight);
            }
        }
    }

    // Σ w (I - d dᵀ) (X - C) = 0 over the rays, C their centres.
    private (double X, double Y, double Z)? Meet(int start, int end)
    {
        double xx = 0, xy = 0, xz = 0, yy = 0, yz = 0, zz = 0, gx = 0, gy = 0, gz = 0, sum = 0;
        for (int i = start; i < end; i++)
        {
            double w = weights[i];
            (var d, var foot) = rays[i];
            (xx, xy, xz) = (xx + w * (1 - d.X * d.X), xy - w * d.X * d.Y, xz - w * d.X * d.Z);
            (yy, yz, zz) = (yy + w * (1 - d.Y * d.Y), yz - w * d.Y * d.Z, zz + w * (1 - d.Z * d.Z));
            (gx, gy, gz) = (gx + w * foot.X, gy + w * foot.Y, gz + w * foot.Z);
            sum += w;
        }
        double a = yy * zz - yz * yz, b = xz * yz - xy * zz, c = xy * yz - xz * yy, determinant = xx * a + xy * b + xz * c;
        if (!(determinant > LeastSpread * sum * sum * sum)) return null;
        return (
            (a * gx + b * gy + c * gz) / determinant,
            (b * gx + (xx * zz - xz * xz) * gy + (xy * xz - xx * yz) * gz) / determinant,
            (c * gx + (xy * xz - xx * yz) * gy + (xx * yy - xy * xy) * gz) / determinant);
    }
}
