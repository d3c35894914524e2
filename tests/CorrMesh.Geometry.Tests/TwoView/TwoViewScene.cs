using CorrMesh.Geometry.TwoView;

namespace CorrMesh.Geometry.Tests.TwoView;

/// <summary>Where scene points lie.</summary>
internal enum Relief
{
    Deep,
    Flat,
}

/// <summary>A seeded scene before two cameras: where its points are seen, and the truth.</summary>
/// <param name="Truth">Source to target, metres.</param>
/// <param name="Depths">[N] of the source points, metres.</param>
internal sealed record TwoViewScene(double[] SourcePoints, double[] TargetPoints, double[] Depths, PinholeCamera Source, PinholeCamera Target, RigidPose Truth, bool[] IsInlier)
{
    /// <summary>Points 2 to 6 m before the source, or a tilted plane 4 m away; a turn of up to 20 degrees and a step of a length anywhere; noise in both pictures; outliers anywhere in the target.</summary>
    public static TwoViewScene Draw(string name, int count, double noisePixels, double outlierShare = 0, Relief relief = Relief.Deep, double baseline = 1)
    {
        var random = new SeededRandom(Seed(name), 1);
        PinholeCamera source = new(1280, 960, 900, 910, 640, 480), target = new(1600, 1200, 1100, 1100, 790, 610);
        RigidPose truth = Step(random, random.Range(0, 20), baseline);
        double[] sourcePoints = new double[2 * count], targetPoints = new double[2 * count], depths = new double[count];
        bool[] isInlier = new bool[count];
        double tiltX = random.Range(-0.3f, 0.3f), tiltY = random.Range(-0.3f, 0.3f);
        for (int i = 0; i < count;)
        {
            double u = random.Range(0, 1280), v = random.Range(0, 960);
            depths[i] = relief == Relief.Flat ? 4 / (1 + tiltX * (u - 640) / 900 + tiltY * (v - 480) / 910) : random.Range(2, 6);
            (double X, double Y, double Z) moved = truth.Apply(source.Unproject(u, v, depths[i]));
            (double x, double y) = target.Project(moved);
            if (!(moved.Z > 0.1) || !target.Contains(x, y)) continue;
            isInlier[i] = i >= outlierShare * count;
            (sourcePoints[2 * i], sourcePoints[2 * i + 1]) = (u + noisePixels * random.Normal(), v + noisePixels * random.Normal());
            (targetPoints[2 * i], targetPoints[2 * i + 1]) = isInlier[i] ? (x + noisePixels * random.Normal(), y + noisePixels * random.Normal()) : (random.Range(0, 1600), random.Range(0, 1200));
            i++;
        }
        return new TwoViewScene(sourcePoints, targetPoints, depths, source, target, truth, isInlier);
    }

    /// <summary>A turn by an angle about any axis and a step of a length anywhere.</summary>
    public static RigidPose Step(SeededRandom random, double degrees, double length)
    {
        double x = random.Normal(), y = random.Normal(), z = random.Normal(), norm = Math.Sqrt(x * x + y * y + z * z), half = degrees * Math.PI / 360, sine = Math.Sin(half) / norm;
        RigidPose turn = RigidPose.FromQuaternion(x * sine, y * sine, z * sine, Math.Cos(half));
        (x, y, z) = (random.Normal(), random.Normal(), random.Normal());
        norm = Math.Sqrt(x * x + y * y + z * z) / length;
        return length == 0 ? turn : turn with { X = x / norm, Y = y / norm, Z = z / norm };
    }

    public RelativePoseResult Solve(RelativePoseOptions? options = null, ReadOnlySpan<double> scores = default) => RelativePoseSolver.Solve(SourcePoints, TargetPoints, Source, Target, options, scores);

    public (double Rotation, double Direction) Error(RelativePose pose) => Error(pose.SourceToTarget, Truth);

    /// <summary>Degrees.</summary>
    public static (double Rotation, double Direction) Error(RigidPose pose, RigidPose truth)
    {
        double x = pose.Y * truth.Z - pose.Z * truth.Y, y = pose.Z * truth.X - pose.X * truth.Z, z = pose.X * truth.Y - pose.Y * truth.X;
        return (pose.AngleTo(truth), Math.Atan2(Math.Sqrt(x * x + y * y + z * z), pose.X * truth.X + pose.Y * truth.Y + pose.Z * truth.Z) * 180 / Math.PI);
    }

    private static ulong Seed(string name)
    {
        ulong hash = 14695981039346656037;
        foreach (char letter in name) hash = (hash ^ letter) * 1099511628211;
        return hash;
    }
}
