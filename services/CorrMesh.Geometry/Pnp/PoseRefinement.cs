using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace CorrMesh.Geometry.Pnp;

/// <summary>A pose with what the points say of it.</summary>
/// <param name="Pose">Of the centred object.</param>
/// <param name="Noise">Fitted together with it.</param>
/// <param name="Gain">Log-likelihood of the points against no pose at all.</param>
internal readonly record struct RefinedPose(RigidPose Pose, NoiseMixture Noise, double Gain);

/// <summary>Fits poses to the points near their projections. Holds the buffers of one point set.</summary>
internal sealed class PoseRefinement(PointSet points, double radius)
{
    private const int MaxSteps = 30;

    // Of the disc that poses are compared in; points that one of them just leaves out still count against it.
    private const double GainShare = 1.5;

    private readonly double[] squares = new double[points.PaddedCount], weights = new double[points.PaddedCount];
    private readonly double[] sums = new double[PoseKernels.SumCount], step = new double[NormalEquations.Size];

    /// <summary>r² of each point under the pose last looked at, pixels².</summary>
    public ReadOnlySpan<double> Squares => squares.AsSpan(0, points.Count);

    /// <summary>[PaddedCount] of r².</summary>
    public Span<double> Buffer => squares;

    /// <summary>Weights of the points in the last step.</summary>
    public ReadOnlySpan<double> Weights => weights.AsSpan(0, points.Count);

    /// <summary>A few steps down the robust cost of <see cref="PoseKernels.Cost"/>, by reweighted least squares.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public RigidPose Descend(RigidPose pose, double scale, int steps)
    {
        Vector512<double> bound = Vector512.Create(9 * scale * scale), squaredScale = Vector512.Create(scale * scale);
        for (int k = 0; k < steps; k++)
        {
            PoseKernels.Residuals(points, pose, squares);
            for (int i = 0; i < squares.Length; i += Vector512<double>.Count)
            {
                var square = Vector512.LoadUnsafe(ref squares[i]);
                var ratio = squaredScale / (square + squaredScale);
                Vector512.ConditionalSelect(Vector512.LessThan(square, bound), ratio * ratio, Vector512<double>.Zero).CopyTo(weights, i);
            }
            PoseKernels.Accumulate(points, pose, weights, sums);
            if (!NormalEquations.TrySolve(sums, 1e-6, step)) break;
            pose = NormalEquations.Move(pose, step);
        }
        return pose;
    }

    /// <summary>The most likely pose and noise near a start, by expectation and maximisation.</summary>
    /// <param name="tolerance">Of the last step, squared, in standard deviations of the pose.</param>
    public RefinedPose Fit(RigidPose pose, NoiseMixture noise, double tolerance)
    {
        pose = Orthonormal(pose);
        for (int k = 0; k < MaxSteps; k++)
        {
            PoseKernels.Residuals(points, pose, squares);
            noise = noise.Step(squares, radius, weights);
            PoseKernels.Accumulate(points, pose, weights, sums);
            if (!NormalEquations.TrySolve(sums, 1e-9, step)) break;
            pose = NormalEquations.Move(pose, step);
            // Mean squared motion of the image in units of its noise: stepᵀ H step, over the points that took part.
            double motion = 0;
            for (int i = 0; i < NormalEquations.Size; i++) motion -= step[i] * sums[21 + i];
            if (motion < tolerance) break;
        }
        PoseKernels.Residuals(points, pose, squares);
        return new RefinedPose(pose, noise, noise.Gain(squares, GainShare * radius));
    }

    /// <summary>H of the pose and weights last fitted: the inverse covariance of ω, v.</summary>
    public ReadOnlySpan<double> Information(in RefinedPose fitted)
    {
        PoseKernels.Residuals(points, fitted.Pose, squares);
        fitted.Noise.Step(squares, radius, weights);
        PoseKernels.Accumulate(points, fitted.Pose, weights, sums);
        return sums;
    }

    // The rotation of a sample of nearly one line is one to some 1e-6 only; steps keep what it is.
    private static RigidPose Orthonormal(in RigidPose pose)
    {
        Vector3d x = new(pose.R11, pose.R12, pose.R13), y = new(pose.R21, pose.R22, pose.R23);
        x = (1 / Math.Sqrt(x.SquaredLength)) * x;
        y -= x.Dot(y) * x;
        y = (1 / Math.Sqrt(y.SquaredLength)) * y;
        Vector3d z = x.Cross(y);
        return new RigidPose(x.X, x.Y, x.Z, pose.X, y.X, y.Y, y.Z, pose.Y, z.X, z.Y, z.Z, pose.Z);
    }
}
