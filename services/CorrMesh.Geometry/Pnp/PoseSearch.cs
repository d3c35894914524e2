using System.Runtime.CompilerServices;

namespace CorrMesh.Geometry.Pnp;

/// <summary>One search for the pose of a point set.</summary>
internal sealed class PoseSearch
{
    private const int MinSamples = 40, LocalSteps = 4;

    // Geman and McClure's scale for sampled poses, as a share of the largest error: samples of three noisy points are off by some pixels themselves.
    private const double ScaleShare = 0.25;

    // Points of the smallest range that is drawn from when there are scores.
    private const int SmallestRange = 16;

    // Squared steps, in standard deviations of the pose, that end a fit: of rivals, and of the answer.
    private const double RoughTolerance = 1e-2, FineTolerance = 1e-6;

    // exp(-9.2): a pose 10,000 times less likely can be told apart.
    private const double LikeliestGap = 9.2;

    // Logarithm of the largest expected number of such poses by chance: 0.1.
    private const double LogFalseAlarmBound = -2.3;

    // Largest standard deviation of the rotation about any axis, radians.
    private const double LargestTurn = 0.5;

    // A sample's triangle: smallest sine in space, and smallest doubled area in the picture, pixels².
    private const double SmallestSine = 0.02, SmallestArea = 4;

    // Points that are searched with; the answer is fitted to all.
    private const int SearchedPoints = 4096;

    private readonly PointSet all, points;
    private readonly PnpOptions options;
    private readonly PoseRefinement refinement;
    private readonly SeededRandom random;
    private readonly ScoredRanges ranges;
    private readonly SampledPoses kept = new();
    private readonly double scale;
    private bool isSpread;   // whether any sample was a triangle

    public PoseSearch(PointSet all, PnpOptions options)
    {
        (this.all, this.options) = (all, options);
        points = all.First(SearchedPoints);
        refinement = new PoseRefinement(points, options.MaxErrorPixels);
        random = new SeededRandom(options.Seed, 0x5341_4D50);
        scale = ScaleShare * options.MaxErrorPixels;
        ranges = new ScoredRanges(points.Count, points.Ranking, SmallestRange);
    }

    public PnpResult Run()
    {
        int samples = Sample();
        if (!isSpread) return PnpResult.Failed(PnpStatus.Degenerate, samples);
        var fitted = new List<RefinedPose>();
        var start = new NoiseMixture(scale * scale / 4, 0.5);
        foreach (RigidPose pose in kept.Rivals(points.Count, (a, b) => AreOne(a, b))) Keep(fitted, refinement.Fit(pose, start, RoughTolerance));
        if (fitted.Count == 0) return PnpResult.Failed(PnpStatus.NoConsensus, samples);
        Sort();
        Keep(fitted, refinement.Fit(Flipped(fitted[0]), fitted[0].Noise, RoughTolerance));
        Sort();
        PoseRefinement whole = all == points ? refinement : new PoseRefinement(all, options.MaxErrorPixels);
        // Those that come to the same place only now are one, too.
        RefinedPose[] rough = [.. fitted];
        fitted.Clear();
        for (int i = 0; i < rough.Length; i++) Keep(fitted, i == 0 || all != points ? whole.Fit(rough[i].Pose, rough[i].Noise, FineTolerance) : rough[i]);
        if (fitted.Count == 0) return PnpResult.Failed(PnpStatus.NoConsensus, samples);
        Sort();
        return Judge(fitted, whole, samples);

        void Sort() => fitted.Sort((a, b) => b.Gain.CompareTo(a.Gain));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int Sample()
    {
        Span<RigidPose> poses = stackalloc RigidPose[PerspectiveThreePoint.MaxPoses];
        float bestSample = float.PositiveInfinity, best = float.PositiveInfinity;
        int needed = options.MaxSamples, sample = 0;
        for (; sample < needed; sample++)
        {
            int range = ranges.Draw(random);
            int i = random.Below(range), j = random.Below(range - 1), k = random.Below(range - 2);
            if (j >= i) j++;
            (int low, int high) = i < j ? (i, j) : (j, i);
            if (k >= low) k++;
            if (k >= high) k++;
            (i, j, k) = (ranges[i], ranges[j], ranges[k]);
            if (!IsSpread(i, j, k)) continue;
            isSpread = true;
            int count = PerspectiveThreePoint.Solve(
                points.Bearings[i], points.Bearings[j], points.Bearings[k],
                new(points.X[i], points.Y[i], points.Z[i]), new(points.X[j], points.Y[j], points.Z[j]), new(points.X[k], points.Y[k], points.Z[k]), poses);
            for (int p = 0; p < count; p++)
            {
                float cost = PoseKernels.Cost(points, poses[p], (float)scale, bestSample);
                if (!(cost < bestSample)) continue;
                bestSample = cost;
                RigidPose local = refinement.Descend(poses[p], scale, LocalSteps);
                float localCost = PoseKernels.Cost(points, local, (float)scale, float.PositiveInfinity);
                if (!(localCost < cost)) (local, localCost) = (poses[p], cost);
                kept.Add(local, localCost);
                if (!(localCost < best)) continue;
                best = localCost;
                needed = Math.Min(needed, Needed(local));
            }
        }
        return sample;
    }

    // How many different samples there are.
    private double Triples => (double)points.Count * (points.Count - 1) * (points.Count - 2) / 6;

    private int Needed(in RigidPose pose)
    {
        PoseKernels.Residuals(points, pose, refinement.Buffer);
        double draws = ranges.Needed(refinement.Squares, 4 * scale * scale, 3, options.Confidence);
        return (int)Math.Ceiling(Math.Min(options.MaxSamples, Math.Max(MinSamples, double.IsFinite(draws) ? Math.Min(draws, 2 * Triples) : draws)));
    }

    private bool IsSpread(int i, int j, int k)
    {
        double area = (points.U[j] - points.U[i]) * (points.V[k] - points.V[i]) - (points.U[k] - points.U[i]) * (points.V[j] - points.V[i]);
        if (!(Math.Abs(area) > SmallestArea)) return false;
        Vector3d p = new(points.X[i], points.Y[i], points.Z[i]), a = new Vector3d(points.X[j], points.Y[j], points.Z[j]) - p, b = new Vector3d(points.X[k], points.Y[k], points.Z[k]) - p;
        return a.Cross(b).SquaredLength > SmallestSine * SmallestSine * a.SquaredLength * b.SquaredLength;
    }

    // Where a flat, far object might also be: its depth turned about, S R (I - 2 n nᵀ) with S = I - 2 v vᵀ, v along the view and n across the object.
    private RigidPose Flipped(in RefinedPose fitted)
    {
        refinement.Information(fitted);
        ReadOnlySpan<double> weights = refinement.Weights;
        double sum = 0;
        Vector3d mean = default;
        for (int i = 0; i < points.Count; i++)
        {
            sum += weights[i];
            mean += weights[i] * new Vector3d(points.X[i], points.Y[i], points.Z[i]);
        }
        if (!(sum > 0)) return fitted.Pose;
        mean = (1 / sum) * mean;
        double xx = 0, xy = 0, xz = 0, yy = 0, yz = 0, zz = 0;
        for (int i = 0; i < points.Count; i++)
        {
            if (weights[i] == 0) continue;
            Vector3d d = new Vector3d(points.X[i], points.Y[i], points.Z[i]) - mean;
            xx += weights[i] * d.X * d.X;
            xy += weights[i] * d.X * d.Y;
            xz += weights[i] * d.X * d.Z;
            yy += weights[i] * d.Y * d.Y;
            yz += weights[i] * d.Y * d.Z;
            zz += weights[i] * d.Z * d.Z;
        }
        Vector3d n = SymmetricMatrix.SmallestDirection(xx, xy, xz, yy, yz, zz);
        RigidPose pose = fitted.Pose;
        var seen = pose.Apply((mean.X, mean.Y, mean.Z));
        double length = Math.Sqrt(seen.X * seen.X + seen.Y * seen.Y + seen.Z * seen.Z);
        RigidPose mirror = Mirror(new(seen.X / length, seen.Y / length, seen.Z / length)), turned = mirror * (pose with { X = 0, Y = 0, Z = 0 }) * Mirror(n);
        var moved = turned.Rotate((mean.X, mean.Y, mean.Z));
        return turned with { X = seen.X - moved.X, Y = seen.Y - moved.Y, Z = seen.Z - moved.Z };

        static RigidPose Mirror(Vector3d v) => new(
            1 - 2 * v.X * v.X, -2 * v.X * v.Y, -2 * v.X * v.Z, 0, -2 * v.X * v.Y, 1 - 2 * v.Y * v.Y, -2 * v.Y * v.Z, 0, -2 * v.X * v.Z, -2 * v.Y * v.Z, 1 - 2 * v.Z * v.Z, 0);
    }

    // Within a degree and a hundredth of the distance: a fit from one ends where a fit from the other does.
    private static bool AreOne(in RigidPose a, in RigidPose b)
    {
        Vector3d here = new(a.X, a.Y, a.Z), there = new(b.X, b.Y, b.Z);
        return a.AngleTo(b) < 1 && (here - there).SquaredLength < 1e-4 * here.SquaredLength;
    }

    private static void Keep(List<RefinedPose> fitted, RefinedPose pose)
    {
        if (!double.IsFinite(pose.Gain)) return;
        foreach (RefinedPose other in fitted)
            if (AreOne(other.Pose, pose.Pose)) return;
        fitted.Add(pose);
    }

    private PnpResult Judge(List<RefinedPose> fitted, PoseRefinement whole, int samples)
    {
        RefinedPose best = fitted[0];
        whole.Information(best);
        double threshold = Math.Min(options.MaxErrorPixels, best.Noise.Threshold);
        List<int> inliers = [];
        ReadOnlySpan<double> squares = whole.Squares;
        for (int i = 0; i < squares.Length; i++)
            if (squares[i] <= threshold * threshold) inliers.Add(all.Rows[i]);
        inliers.Sort();
        if (inliers.Count < PnpSolver.MinPoints || Chance.LogFalseAlarms(all.Count, inliers.Count, Math.PI * threshold * threshold / all.Area, Math.Min(samples, Triples)) > LogFalseAlarmBound)
            return PnpResult.Failed(PnpStatus.NoConsensus, samples);
        if (Describe(best, whole) is not { } pose) return PnpResult.Failed(PnpStatus.Degenerate, samples);
        var others = new List<PnpPose>();
        foreach (RefinedPose other in fitted.Skip(1))
            if (best.Gain - other.Gain < LikeliestGap && Describe(other, whole) is { } alternative) others.Add(alternative);
        return new PnpResult(PnpStatus.Solved, pose, others, [.. inliers], Math.Sqrt(best.Noise.Variance), threshold, samples);
    }

    // The pose in the given units with its covariance; null where the points leave it open.
    private PnpPose? Describe(in RefinedPose fitted, PoseRefinement whole)
    {
        Span<double> own = stackalloc double[36];
        if (!NormalEquations.TryInvert(whole.Information(fitted), own)) return null;
        if (!(SymmetricMatrix.LargestValue(own[0], own[1], own[2], own[7], own[8], own[14]) < LargestTurn * LargestTurn)) return null;
        RigidPose pose = all.Restore(fitted.Pose);
        // From a turn about the object's centre c (camera frame) and its motion v to the left perturbation [t; r]: t = v s - ω x c = v s + [c] ω.
        double s = all.Size, cx = fitted.Pose.X * s, cy = fitted.Pose.Y * s, cz = fitted.Pose.Z * s;
        ReadOnlySpan<double> map =
        [
            0, -cz, cy, s, 0, 0,
            cz, 0, -cx, 0, s, 0,
            -cy, cx, 0, 0, 0, s,
            1, 0, 0, 0, 0, 0,
            0, 1, 0, 0, 0, 0,
            0, 0, 1, 0, 0, 0,
        ];
        double[] covariance = new double[36];
        for (int i = 0; i < 6; i++)
            for (int j = 0; j < 6; j++)
            {
                double value = 0;
                for (int k = 0; k < 6; k++)
                    for (int l = 0; l < 6; l++) value += map[6 * i + k] * own[6 * k + l] * map[6 * j + l];
                covariance[6 * i + j] = value;
            }
        return new PnpPose(pose, covariance, fitted.Gain);
    }
}
