using System.Diagnostics;
using CorrMesh.Geometry;
using CorrMesh.Geometry.Pnp;

namespace CorrMesh.Benchmarks.Pnp;

/// <summary>P3P on random problems: three rays within 45 degrees of the axis in each direction, depths of 0.1 to 10, any rotation.</summary>
internal static class MinimalTrial
{
    private const int Problems = 10_000_000, BatchProblems = 10_000;

    // Largest error of a pose that is right: of a ray in radians, of the rotation's entries, and relative to the depths.
    private const double Tolerance = 1e-6;

    public static void Print()
    {
        var random = new SeededRandom(11, 0);
        var bearings = new (double X, double Y, double Z)[3 * BatchProblems];
        var points = new (double X, double Y, double Z)[3 * BatchProblems];
        var truths = new RigidPose[BatchProblems];
        var poses = new RigidPose[PerspectiveThreePoint.MaxPoses * BatchProblems];
        var counts = new int[BatchProblems];
        long missed = 0, wrong = 0, found = 0;
        List<double> times = [];
        for (int batch = 0; batch < Problems / BatchProblems; batch++)
        {
            for (int i = 0; i < BatchProblems; i++) Draw(random, bearings.AsSpan(3 * i, 3), points.AsSpan(3 * i, 3), out truths[i]);
            long start = Stopwatch.GetTimestamp();
            for (int i = 0; i < BatchProblems; i++)
                counts[i] = PerspectiveThreePoint.Solve(bearings.AsSpan(3 * i, 3), points.AsSpan(3 * i, 3), poses.AsSpan(PerspectiveThreePoint.MaxPoses * i, PerspectiveThreePoint.MaxPoses));
            times.Add(Stopwatch.GetElapsedTime(start).TotalNanoseconds / BatchProblems);
            for (int i = 0; i < BatchProblems; i++)
            {
                bool isFound = false;
                foreach (RigidPose pose in poses.AsSpan(PerspectiveThreePoint.MaxPoses * i, counts[i]))
                {
                    if (!Fits(pose, bearings.AsSpan(3 * i, 3), points.AsSpan(3 * i, 3))) wrong++;
                    isFound |= Differ(pose, truths[i]) < Tolerance;
                }
                found += counts[i];
                if (!isFound) missed++;
            }
        }
        times.Sort();
        Console.WriteLine(FormattableString.Invariant(
            $"P3P, {Problems} random problems: {missed} missed, {wrong} wrong poses, {(double)found / Problems:0.00} poses each; {times[times.Count / 2]:0} ns each (median of {times.Count} batches, fastest {times[0]:0})"));
    }

    private static void Draw(SeededRandom random, Span<(double X, double Y, double Z)> bearings, Span<(double X, double Y, double Z)> points, out RigidPose truth)
    {
        double x = random.Normal(), y = random.Normal(), z = random.Normal(), w = random.Normal(), norm = Math.Sqrt(x * x + y * y + z * z + w * w);
        (x, y, z, w) = (x / norm, y / norm, z / norm, w / norm);
        truth = RigidPose.FromQuaternion(x, y, z, w) with { X = random.Normal(), Y = random.Normal(), Z = random.Normal() };
        RigidPose back = truth.Inverse();
        for (int k = 0; k < 3; k++)
        {
            double right = random.Range(-1, 1), down = random.Range(-1, 1), length = Math.Sqrt(right * right + down * down + 1), depth = random.Range(0.1f, 10);
            bearings[k] = (right / length, down / length, 1 / length);
            points[k] = back.Apply((depth * bearings[k].X, depth * bearings[k].Y, depth * bearings[k].Z));
        }
    }

    private static bool Fits(in RigidPose pose, ReadOnlySpan<(double X, double Y, double Z)> bearings, ReadOnlySpan<(double X, double Y, double Z)> points)
    {
        double worst = Differ(pose * pose.Inverse(), RigidPose.Identity);
        for (int k = 0; k < 3; k++)
        {
            var p = pose.Apply(points[k]);
            double length = Math.Sqrt(p.X * p.X + p.Y * p.Y + p.Z * p.Z);
            worst = Math.Max(worst, Math.Abs(p.X / length - bearings[k].X) + Math.Abs(p.Y / length - bearings[k].Y) + Math.Abs(p.Z / length - bearings[k].Z));
        }
        return worst < Tolerance;
    }

    private static double Differ(in RigidPose a, in RigidPose b)
    {
        double[] left = a.Matrix(), right = b.Matrix();
        double sum = 0;
        for (int i = 0; i < left.Length; i++) sum += Math.Abs(left[i] - right[i]);
        return sum;
    }
}
