using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using CorrMesh.Geometry.Pnp;

namespace CorrMesh.Geometry.TwoView;

/// <summary>Fits relative poses to the pairs near their epipolar geometry, over SO(3) x S². Holds the buffers of one set.</summary>
internal sealed class RelativePoseRefinement(PairSet pairs, double radius)
{
    private const int MaxSteps = 30;

    // Of the strip that poses are compared in; pairs that one of them just leaves out still count against it.
    private const double GainShare = 1.5;

    // Disparity behind a camera that noise may make, as a share of the largest error.
    private const double SlackShare = 0.5;

    // Longest step, radians: where noise leaves a direction open, a full one goes astray.
    private const double LongestStep = 0.3;

    // Of parallax, from 2 pixels down to 4096 and up.
    private const int Octaves = 12;

    // Logarithm of the largest probability of chance: 0.1.
    private const double LogFalseAlarmBound = -2.3;

    private readonly byte[] octaves = new byte[pairs.Count];
    private readonly double[] squares = new double[pairs.PaddedCount], weights = new double[pairs.PaddedCount];
    private readonly double[] sums = new double[PairKernels.SumCount], step = new double[5];
    private readonly bool[] isLeftOut = new bool[pairs.Count];
    private bool leavesOut;

    /// <summary>r² of each pair under the pose last looked at, pixels².</summary>
    public ReadOnlySpan<double> Squares => squares.AsSpan(0, pairs.Count);

    /// <summary>Weights of the pairs in the last step.</summary>
    public ReadOnlySpan<double> Weights => weights.AsSpan(0, pairs.Count);

    public void Look(in RigidPose pose)
    {
        PairKernels.Residuals(pairs, pose, SlackShare * radius, squares);
        if (!leavesOut) return;
        for (int i = 0; i < isLeftOut.Length; i++)
            if (isLeftOut[i]) squares[i] = double.PositiveInfinity;
    }

    /// <summary>Leaves out, from now on, pairs that lie near the geometry as chance has it: of those that move as far (by octaves of pixels), no more do than of pairs placed at random.</summary>
    /// <remarks>A wrong match moves far; among true ones that hardly do, the few on their lines by chance would else turn the pose about, as the weight of a pair in the direction grows with its parallax.</remarks>
    /// <returns>Whether there are more of them than before, or other ones.</returns>
    public bool LeaveOutChance(in RigidPose pose, double threshold)
    {
        leavesOut = false;
        Look(pose);
        Span<int> near = stackalloc int[Octaves], all = stackalloc int[Octaves];
        near.Clear();
        all.Clear();
        double focal = Math.Sqrt(pairs.Target.FocalX * pairs.Target.FocalY);
        for (int i = 0; i < isLeftOut.Length; i++)
        {
            Vector3d moved = TwoViewGeometry.Rotate(pose, pairs.SourceBearings[i]) - pairs.TargetBearings[i];
            octaves[i] = (byte)Math.Clamp(Math.ILogB(focal * Math.Sqrt(moved.SquaredLength)), 0, Octaves - 1);
            all[octaves[i]]++;
            if (squares[i] <= threshold * threshold) near[octaves[i]]++;
        }
        bool isNew = false;
        for (int i = 0; i < isLeftOut.Length; i++)
        {
            int octave = octaves[i];
            bool isChance = near[octave] > 0 && Chance.LogFalseAlarms(all[octave], near[octave], pairs.ChancePerPixel.Strip * threshold, 1, 0) > LogFalseAlarmBound;
            isNew |= isChance != isLeftOut[i];
            isLeftOut[i] = isChance;
            leavesOut |= isChance;
        }
        return isNew;
    }

    /// <summary>A few steps down the robust cost of <see cref="PairKernels.Cost"/>, by reweighted least squares.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public RigidPose Descend(RigidPose pose, double scale, int steps)
    {
        Vector512<double> bound = Vector512.Create(9 * scale * scale), squaredScale = Vector512.Create(scale * scale);
        for (int k = 0; k < steps; k++)
        {
            Look(pose);
            for (int i = 0; i < squares.Length; i += Vector512<double>.Count)
            {
                var square = Vector512.LoadUnsafe(ref squares[i]);
                var ratio = squaredScale / (square + squaredScale);
                Vector512.ConditionalSelect(Vector512.LessThan(square, bound), ratio * ratio, Vector512<double>.Zero).CopyTo(weights, i);
            }
            PairKernels.Accumulate(pairs, pose, weights, sums);
            if (!TryStep(ref pose, 1e-6)) break;
        }
        return pose;
    }

    /// <summary>The most likely pose and noise near a start, by expectation and maximisation.</summary>
    /// <param name="tolerance">Of the last step, squared, in standard deviations of the pose.</param>
    public RefinedPose Fit(RigidPose pose, NoiseMixture noise, double tolerance)
    {
        for (int k = 0; k < MaxSteps; k++)
        {
            Look(pose);
            noise = noise.Step(squares, radius, weights);
            PairKernels.Accumulate(pairs, pose, weights, sums);
            if (!TryStep(ref pose, 1e-9)) break;
            double motion = 0;
            for (int i = 0; i < step.Length; i++) motion -= step[i] * sums[15 + i];
            if (motion < tolerance) break;
        }
        Look(pose);
        return new RefinedPose(pose, noise, noise.Gain(squares, GainShare * radius));
    }

    /// <summary>H of the pose and weights last fitted: the inverse covariance of ω, s.</summary>
    public ReadOnlySpan<double> Information(in RefinedPose fitted)
    {
        Look(fitted.Pose);
        fitted.Noise.Step(squares, radius, weights);
        PairKernels.Accumulate(pairs, fitted.Pose, weights, sums);
        return sums;
    }

    private bool TryStep(ref RigidPose pose, double damping)
    {
        if (!LeastSquares.TrySolve(sums, damping, step)) return false;
        double length = 0;
        foreach (double value in step) length += value * value;
        length = Math.Sqrt(length);
        if (length > LongestStep)
            for (int i = 0; i < step.Length; i++) step[i] *= LongestStep / length;
        pose = TwoViewGeometry.Move(pose, step);
        return true;
    }
}
