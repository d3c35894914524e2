using System.Runtime.CompilerServices;
using CorrMesh.Geometry.Pnp;

namespace CorrMesh.Geometry.TwoView;

/// <summary>One search for the relative pose of a set of pairs.</summary>
internal sealed class RelativePoseSearch
{
    private const int MinSamples = 40, LocalSteps = 6, ChanceRounds = 3;

    // Geman and McClure's scale for sampled poses, as a share of the largest error: samples of five noisy pairs are off by some pixels themselves.
    private const double ScaleShare = 0.25;

    // Pairs of the smallest range that is drawn from when there are scores.
    private const int SmallestRange = 20;

    // Of a sample's five pairs; noise puts far points behind the cameras.
    private const int LeastBefore = 4;

    // Squared steps, in standard deviations of the pose, that end a fit: of rivals, and of the answer.
    private const double RoughTolerance = 1e-2, FineTolerance = 1e-6;

    // exp(-9.2): a pose 10,000 times less likely can be told apart, if the gap is also so many of its own standard deviations.
    private const double LikeliestGap = 9.2, GapDeviations = 3;

    // Logarithm of the largest expected number of such poses by chance: 0.1.
    private const double LogFalseAlarmBound = -2.3;

    // Largest standard deviation of rotation and direction about any axis, radians.
    private const double LargestTurn = 0.5;

    // Parallax is what is this many standard deviations more than noise makes (of Fisher's z = ln F / 2).
    private const double ParallaxBound = 4;

    // Pixels that rounding may be.
    private const double Exact = 0.01;

    // Pairs that are searched with; the answer is fitted to all.
    private const int SearchedPairs = 4096;

    private readonly PairSet all, pairs;
    private readonly RelativePoseOptions options;
    private readonly RelativePoseRefinement refinement;
    private readonly SeededRandom random;
    private readonly ScoredRanges ranges;
    private readonly SampledPoses kept = new();
    private readonly double scale;

    public RelativePoseSearch(PairSet all, RelativePoseOptions options)
    {
        (this.all, this.options) = (all, options);
        pairs = all.First(SearchedPairs);
        refinement = new RelativePoseRefinement(pairs, options.MaxErrorPixels);
        random = new SeededRandom(options.Seed, 0x5341_4D50);
        scale = ScaleShare * options.MaxErrorPixels;
        ranges = new ScoredRanges(pairs.Count, pairs.Ranking, SmallestRange);
    }

    public RelativePoseResult Run()
    {
        int samples = Sample();
        var fitted = new List<RefinedPose>();
        var start = new NoiseMixture(scale * scale / 4, 0.5, 1, 5);
        foreach (RigidPose pose in kept.Rivals(pairs.Count, (a, b) => AreOne(a, b))) Keep(fitted, refinement.Fit(pose, start, RoughTolerance));
        Sort();
        if (fitted.Count > 0 && Rival(fitted[0]) is { } rival) Keep(fitted, refinement.Fit(rival, fitted[0].Noise, RoughTolerance));
        Sort();
        RelativePoseRefinement whole = all == pairs ? refinement : new RelativePoseRefinement(all, options.MaxErrorPixels);
        // Those that come to the same place only now are one, too.
        RefinedPose[] rough = [.. fitted];
        fitted.Clear();
        foreach (RefinedPose one in rough)
            Keep(fitted, whole.Fit(one.Pose, one.Noise, FineTolerance));
        Sort();
        for (int round = 0; round < ChanceRounds && fitted.Count > 0 && whole.LeaveOutChance(fitted[0].Pose, Math.Min(options.MaxErrorPixels, fitted[0].Noise.Threshold)); round++)
        {
            rough = [.. fitted];
            fitted.Clear();
            foreach (RefinedPose one in rough) Keep(fitted, whole.Fit(one.Pose, one.Noise, FineTolerance));
            Sort();
        }
        return Judge(fitted, whole, samples);

        void Sort() => fitted.Sort((a, b) => b.Gain.CompareTo(a.Gain));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int Sample()
    {
        Span<RigidPose> poses = stackalloc RigidPose[FivePointPose.MaxPoses];
        Span<Vector3d> source = stackalloc Vector3d[FivePointPose.Pairs], target = stackalloc Vector3d[FivePointPose.Pairs];
        Span<int> drawn = stackalloc int[FivePointPose.Pairs];
        float bestSample = float.PositiveInfinity, best = float.PositiveInfinity;
        int needed = options.MaxSamples, sample = 0;
        for (; sample < needed; sample++)
        {
            int range = ranges.Draw(random);
            for (int k = 0; k < drawn.Length;)
            {
                drawn[k] = random.Below(range);
                if (!drawn[..k].Contains(drawn[k])) k++;
            }
            for (int k = 0; k < drawn.Length; k++)
            {
                int at = ranges[drawn[k]];
                (source[k], target[k]) = (pairs.SourceBearings[at], pairs.TargetBearings[at]);
            }
            int count = FivePointPose.Solve(source, target, poses, LeastBefore);
            for (int p = 0; p < count; p++)
            {
                float cost = PairKernels.Cost(pairs, poses[p], (float)scale, bestSample);
                if (!(cost < bestSample)) continue;
                bestSample = cost;
                RigidPose local = refinement.Descend(poses[p], scale, LocalSteps);
                float localCost = PairKernels.Cost(pairs, local, (float)scale, float.PositiveInfinity);
                if (!(localCost < cost)) (local, localCost) = (poses[p], cost);
                kept.Add(local, localCost);
                if (!(localCost < best)) continue;
                best = localCost;
                needed = Math.Min(needed, Needed(local));
            }
        }
        return sample;
    }

    // Poses of different samples, at most.
    private double Tried(int samples) => FivePointPose.MaxPoses * Math.Min(samples, (double)pairs.Count * (pairs.Count - 1) * (pairs.Count - 2) * (pairs.Count - 3) * (pairs.Count - 4) / 120);

    private int Needed(in RigidPose pose)
    {
        refinement.Look(pose);
        return (int)Math.Ceiling(Math.Min(options.MaxSamples, Math.Max(MinSamples, ranges.Needed(refinement.Squares, 4 * scale * scale, FivePointPose.Pairs, options.Confidence))));
    }

    // Of a flat scene, n·x = 1 in the source's frame, the other pose: with a = Rᵀt and H = R (I + a nᵀ), HᵀH - I = n cᵀ + c nᵀ where c = a + n |a|² / 2, so that n and c may change places
    // (Longuet-Higgins 1986, "The reconstruction of a plane surface from two perspective projections"). Of a scene with depth, a start that leads back or nowhere.
    private RigidPose? Rival(in RefinedPose fitted)
    {
        refinement.Information(fitted);
        ReadOnlySpan<double> weights = refinement.Weights;
        RigidPose pose = fitted.Pose;
        Vector3d t = new(pose.X, pose.Y, pose.Z), a = TwoViewGeometry.Rotate(pose.Inverse(), t);
        // Inverse depths ρ: b × (R y + ρ t) = 0, least squares for n·y = ρ.
        Span<double> sums = stackalloc double[9], n3 = stackalloc double[3], y = stackalloc double[3];
        sums.Clear();
        for (int i = 0; i < pairs.Count; i++)
        {
            if (weights[i] == 0) continue;
            (y[0], y[1], y[2]) = (pairs.SourceX[i], pairs.SourceY[i], 1);
            Vector3d b = pairs.TargetBearings[i], moved = b.Cross(t), turned = b.Cross(TwoViewGeometry.Rotate(pose, new(y[0], y[1], 1)));
            double weight = weights[i] * moved.SquaredLength, right = weights[i] * turned.Dot(moved);
            for (int j = 0, at = 0; j < 3; j++)
            {
                for (int k = j; k < 3; k++) sums[at++] += weight * y[j] * y[k];
                sums[6 + j] += right * y[j];
            }
        }
        if (!LeastSquares.TrySolve(sums, 0, n3)) return null;
        Vector3d n = new(n3[0], n3[1], n3[2]), c = a + 0.5 * n;
        double ratio = Math.Sqrt(n.SquaredLength / c.SquaredLength);
        Vector3d m = ratio * c, other = (1 / ratio) * n - 0.5 * m;
        double across = 1 + other.Dot(m);
        if (!(Math.Abs(across) > 1e-9) || !double.IsFinite(ratio)) return null;
        // R (I + a nᵀ) (I - other mᵀ / (1 + m·other)).
        Vector3d x = Row(new(pose.R11, pose.R12, pose.R13)), z = Row(new(pose.R21, pose.R22, pose.R23));
        RigidPose turn = TwoViewGeometry.Rotation(x, z);
        Vector3d direction = TwoViewGeometry.Rotate(turn, other);
        direction = (1 / Math.Sqrt(direction.SquaredLength)) * direction;
        RigidPose forth = turn with { X = direction.X, Y = direction.Y, Z = direction.Z }, back = turn with { X = -direction.X, Y = -direction.Y, Z = -direction.Z };
        return PairKernels.Cost(pairs, forth, (float)scale, float.PositiveInfinity) <= PairKernels.Cost(pairs, back, (float)scale, float.PositiveInfinity) ? forth : back;

        Vector3d Row(Vector3d r)
        {
            r += r.Dot(a) * n;
            return r - r.Dot(other) / across * m;
        }
    }

    // Within a degree, and two of the direction: a fit from one ends where a fit from the other does.
    private static bool AreOne(in RigidPose a, in RigidPose b) => a.AngleTo(b) < 1 && a.X * b.X + a.Y * b.Y + a.Z * b.Z > 0.9994;

    private static void Keep(List<RefinedPose> fitted, RefinedPose pose)
    {
        if (!double.IsFinite(pose.Gain)) return;
        foreach (RefinedPose other in fitted)
            if (AreOne(other.Pose, pose.Pose)) return;
        fitted.Add(pose);
    }

    private RelativePoseResult Judge(List<RefinedPose> fitted, RelativePoseRefinement whole, int samples)
    {
        var turning = new RotationFit(all, options.MaxErrorPixels);
        (RigidPose rotation, NoiseMixture noise, double gain) = turning.Run(fitted.Count > 0 ? fitted[0].Pose : RigidPose.Identity, random);
        double turnThreshold = Math.Min(options.MaxErrorPixels, noise.Threshold);
        int[] turned = Within(turning.Squares, turnThreshold);
        bool isTurn = Chance.LogFalseAlarms(all.Count, turned.Length, all.ChancePerPixel.Disc * turnThreshold * turnThreshold, (double)all.Count * all.Count / 2, 2) <= LogFalseAlarmBound;
        // Samples give no pose at all where pairs are exact only, of a turn or of points on a line; a turn is exact, too.
        if (kept.Count == 0 && isTurn) isTurn = turned.All(at => turning.Squares[at] < Exact * Exact);
        if (fitted.Count == 0) return isTurn ? Turn() : RelativePoseResult.Failed(kept.Count == 0 ? RelativePoseStatus.Degenerate : RelativePoseStatus.NoConsensus, samples);

        RefinedPose best = fitted[0];
        whole.Look(best.Pose);
        double threshold = Math.Min(options.MaxErrorPixels, best.Noise.Threshold);
        int[] inliers = Within(whole.Squares, threshold);
        if (isTurn && !HasParallax(whole.Squares, turning.Squares, best.Noise, threshold, turnThreshold)) return Turn();
        if (Chance.LogFalseAlarms(all.Count, inliers.Length, all.ChancePerPixel.Strip * threshold, Tried(samples), FivePointPose.Pairs) > LogFalseAlarmBound)
            return RelativePoseResult.Failed(RelativePoseStatus.NoConsensus, samples);
        if (Describe(best, whole) is not { } pose) return isTurn ? Turn() : RelativePoseResult.Failed(RelativePoseStatus.Degenerate, samples);
        var others = new List<RelativePose>();
        foreach (RefinedPose other in fitted.Skip(1))
            if (!IsLess(best, other, whole) && Describe(other, whole) is { } alternative) others.Add(alternative);
        return new RelativePoseResult(RelativePoseStatus.Solved, pose, others, Rows(inliers), Math.Sqrt(best.Noise.Variance), threshold, samples);

        RelativePoseResult Turn() => turning.Covariance() is { } covariance
            ? new RelativePoseResult(RelativePoseStatus.NoBaseline, new RelativePose(rotation, covariance, gain), [], Rows(turned), Math.Sqrt(noise.Variance), turnThreshold, samples)
            : RelativePoseResult.Failed(RelativePoseStatus.Degenerate, samples);
    }

    // A direction fits any pairs that a rotation explains, and two more. It is real where pairs move along their lines by more than noise, or where more others lie on lines than chance puts there.
    private bool HasParallax(ReadOnlySpan<double> squares, ReadOnlySpan<double> turnSquares, NoiseMixture noise, double threshold, double turnThreshold)
    {
        int both = 0, others = 0, explained = 0;
        double sum = 0, turnSum = 0;
        for (int i = 0; i < squares.Length; i++)
        {
            bool isInlier = squares[i] <= threshold * threshold;
            if (turnSquares[i] <= turnThreshold * turnThreshold)
            {
                if (!isInlier) continue;
                both++;
                sum += squares[i];
                turnSum += turnSquares[i];
            }
            else if (turnSquares[i] > 4 * turnThreshold * turnThreshold)
            {
                // Between the two are the last hundredth of what the rotation does explain.
                others++;
                if (isInlier) explained++;
            }
        }
        if (explained > 2 && Chance.LogFalseAlarms(others, explained, all.ChancePerPixel.Strip * threshold, (double)others * others / 2, 2) <= LogFalseAlarmBound) return true;
        double along = (turnSum - sum) / (both + 2) / noise.Variance, freedom = Math.Max(1, both - 5 + NoiseMixture.BeliefCount);
        return 0.5 * Math.Log(Math.Max(along, 1e-9)) > ParallaxBound * Math.Sqrt(0.5 * (1.0 / (both + 2) + 1 / freedom));
    }

    // Poses of a flat scene fit with other residuals, each a component of the same noise: the sum of n squares then differs by some 2√n, which says nothing (Vuong 1989, test of models of which none
    // holds the other).
    private bool IsLess(in RefinedPose best, in RefinedPose other, RelativePoseRefinement whole)
    {
        double gap = best.Gain - other.Gain;
        if (gap < LikeliestGap) return false;
        NoiseMixture noise = best.Noise;
        double peak = noise.Share * options.MaxErrorPixels / Math.Sqrt(Math.PI / 2 * noise.Variance), sum = 0, squared = 0;
        double[] first = new double[all.Count];
        whole.Look(best.Pose);
        for (int i = 0; i < first.Length; i++) first[i] = Likelihood(whole.Squares[i]);
        whole.Look(other.Pose);
        for (int i = 0; i < first.Length; i++)
        {
            double difference = first[i] - Likelihood(whole.Squares[i]);
            sum += difference;
            squared += difference * difference;
        }
        return gap > GapDeviations * Math.Sqrt(squared - sum * sum / first.Length);

        double Likelihood(double square) => Math.Log(peak * Math.Exp(-0.5 * square / noise.Variance) + 1 - noise.Share);
    }

    private static int[] Within(ReadOnlySpan<double> squares, double threshold)
    {
        List<int> found = [];
        for (int i = 0; i < squares.Length; i++)
            if (squares[i] <= threshold * threshold) found.Add(i);
        return [.. found];
    }

    private int[] Rows(int[] found)
    {
        int[] rows = Array.ConvertAll(found, at => all.Rows[at]);
        Array.Sort(rows);
        return rows;
    }

    // Null where the pairs leave it open.
    private static RelativePose? Describe(in RefinedPose fitted, RelativePoseRefinement whole)
    {
        if (LeastSquares.Inverse(whole.Information(fitted), 5) is not { } c) return null;
        double turn = SymmetricMatrix.LargestValue(c[0], c[1], c[2], c[6], c[7], c[12]), mean = (c[18] + c[24]) / 2, half = (c[18] - c[24]) / 2;
        double swing = mean + Math.Sqrt(half * half + c[19] * c[19]);
        return turn < LargestTurn * LargestTurn && swing < LargestTurn * LargestTurn ? new RelativePose(fitted.Pose, c, fitted.Gain) : null;
    }
}
