namespace CorrMesh.Geometry.Pnp;

/// <summary>Corrects a pose by measured depth: a picture alone says little of how far away an object is.</summary>
public static class DepthRefinement
{
    // Depth sensors err by the surface and the place, many pixels at once: more points than this say nothing more.
    private const double Independent = 25;

    // Least standard deviation: millimetres of a near object, and a share of the distance.
    private const double FloorShare = 0.004;

    private const int Rounds = 8;

    // Tukey's biweight, in standard deviations.
    private const double Cut = 4.685;

    /// <summary>The pose that the picture and the depth allow together.</summary>
    /// <remarks>
    /// To first order about the pose, depth of a point (X, Y, Z) changes by t_z + Y r_x - X r_y. The pose's covariance is the prior; what the
    /// points disagree by (their median deviation) is the noise, and what is far from the others, such as something before the object, does not count.
    /// </remarks>
    /// <param name="pose">Of the solver.</param>
    /// <param name="objectPoints">[3 N].</param>
    /// <param name="depth">[N] along the optical axis where the picture shows them, in the unit of the points; 0 or not finite: not known.</param>
    /// <returns>The pose as it was when fewer than 6 depths are known or they do not agree with each other.</returns>
    public static PnpPose Refine(PnpPose pose, ReadOnlySpan<double> objectPoints, ReadOnlySpan<double> depth)
    {
        ArgumentNullException.ThrowIfNull(pose);
        const int fewest = 6, size = NormalEquations.Size;
        var points = new List<(double X, double Y, double Off)>();
        double distance = 0;
        for (int i = 0; i < depth.Length; i++)
        {
            if (!(depth[i] > 0) || !double.IsFinite(depth[i])) continue;
            var (x, y, z) = pose.ObjectToCamera.Apply((objectPoints[3 * i], objectPoints[3 * i + 1], objectPoints[3 * i + 2]));
            points.Add((x, y, depth[i] - z));
            distance += z;
        }
        if (points.Count < fewest) return pose;
        distance /= points.Count;
        Span<double> prior = stackalloc double[27], sums = stackalloc double[27], step = stackalloc double[size], inverse = stackalloc double[size * size], row = stackalloc double[size];
        Pack(pose.Covariance, prior);
        if (!NormalEquations.TryInvert(prior, inverse)) return pose;
        Pack(inverse, prior);
        double[] off = new double[points.Count];
        Span<double> moved = stackalloc double[size];
        double sigma = 0;
        for (int round = 0; round < Rounds; round++)
        {
            for (int i = 0; i < off.Length; i++) off[i] = points[i].Off - (moved[2] + points[i].Y * moved[3] - points[i].X * moved[4]);
            double middle = round == 0 ? Median(off) : 0;
            sigma = Math.Max(FloorShare * distance, 1.4826 * Median([.. off.Select(value => Math.Abs(value - middle))]));
            prior.CopyTo(sums);
            sums[21..].Clear();
            double counted = 0;
            for (int i = 0; i < off.Length; i++) counted += Weight((off[i] - middle) / sigma);
            if (counted < fewest) return pose;
            double share = Math.Min(1, Independent / counted) / (sigma * sigma);
            for (int i = 0; i < off.Length; i++)
            {
                double weight = share * Weight((off[i] - middle) / sigma);
                row.Clear();
                (row[2], row[3], row[4]) = (1, points[i].Y, -points[i].X);
                int at = 0;
                for (int a = 0; a < size; a++)
                {
                    for (int b = a; b < size; b++) sums[at++] += weight * row[a] * row[b];
                    sums[21 + a] -= weight * row[a] * points[i].Off;
                }
            }
            if (!NormalEquations.TrySolve(sums, 0, step)) return pose;
            step.CopyTo(moved);
        }
        if (!NormalEquations.TryInvert(sums, inverse)) return pose;
        // A left perturbation turns the translation, too.
        Span<double> turn = stackalloc double[size];
        (turn[0], turn[1], turn[2]) = (moved[3], moved[4], moved[5]);
        RigidPose turned = NormalEquations.Move(pose.ObjectToCamera with { X = 0, Y = 0, Z = 0 }, turn), about = NormalEquations.Move(RigidPose.Identity, turn);
        (double tx, double ty, double tz) = about.Rotate((pose.ObjectToCamera.X, pose.ObjectToCamera.Y, pose.ObjectToCamera.Z));
        return pose with { ObjectToCamera = turned with { X = tx + moved[0], Y = ty + moved[1], Z = tz + moved[2] }, Covariance = inverse.ToArray() };
    }

    private static double Weight(double deviations)
    {
        double u = deviations / Cut, inside = 1 - u * u;
        return Math.Abs(u) < 1 ? inside * inside : 0;
    }

    private static double Median(double[] values)
    {
        double[] sorted = [.. values.Order()];
        return sorted[sorted.Length / 2];
    }

    private static void Pack(ReadOnlySpan<double> matrix, Span<double> packed)
    {
        int at = 0;
        for (int i = 0; i < NormalEquations.Size; i++)
            for (int j = i; j < NormalEquations.Size; j++)
                packed[at++] = matrix[i * NormalEquations.Size + j];
    }
}
