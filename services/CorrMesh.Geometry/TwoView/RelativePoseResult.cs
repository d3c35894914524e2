namespace CorrMesh.Geometry.TwoView;

/// <summary>How the search for a relative pose goes.</summary>
public sealed record RelativePoseOptions
{
    /// <summary>Pairs farther than this from the epipolar geometry (Sampson distance) never count, pixels, above 0. How far is too far is found from the pairs themselves; this is its upper bound.</summary>
    public double MaxErrorPixels { get; init; } = 10;

    /// <summary>Probability of meeting a sample without outliers, above 0 and below 1.</summary>
    public double Confidence { get; init; } = 0.9999;

    /// <summary>Most samples that are drawn, at least 1. The default meets one without outliers among 78 % of them.</summary>
    public int MaxSamples { get; init; } = 20_000;

    /// <summary>The same seed and pairs give the same answer.</summary>
    public ulong Seed { get; init; }
}

/// <summary>What became of a search.</summary>
public enum RelativePoseStatus
{
    Solved,

    /// <summary>Fewer than <see cref="RelativePoseSolver.MinPairs"/> different finite pairs.</summary>
    TooFewPairs,

    /// <summary>No more pairs agree on a pose than chance allows. Five pairs fit some pose always, so it takes at least one or two more.</summary>
    NoConsensus,

    /// <summary>The pairs agree and leave the rotation open, or lie on one line.</summary>
    Degenerate,

    /// <summary>The cameras turn about one centre, as far as noise lets one see (or all points are far away): there is a rotation and no direction.</summary>
    NoBaseline,
}

/// <summary>A relative pose that the pairs allow.</summary>
/// <param name="SourceToTarget">x_target = R x_source + s t for some s &gt; 0 that no pair tells; |t| = 1, or 0 where there is no baseline.</param>
/// <param name="Covariance">[25] row-major, radians², of (ω, s): R_true = exp(ω) R, target frame, and t_true = t + s₁u + s₂v to first order, u and v those of <see cref="Tangents"/>. [9], of ω, where there is no baseline.</param>
/// <param name="LogLikelihood">Of the pairs near the epipolar geometry, against all of them being outliers: natural logarithm. Where there is no baseline, of those near where the rotation takes them.</param>
public sealed record RelativePose(RigidPose SourceToTarget, double[] Covariance, double LogLikelihood)
{
    /// <summary>Unit vectors u, v across the translation's direction and each other, target frame, that the covariance refers to; zero where there is no baseline.</summary>
    public ((double X, double Y, double Z) U, (double X, double Y, double Z) V) Tangents()
    {
        if (Covariance.Length == 9) return default;
        (Pnp.Vector3d u, Pnp.Vector3d v) = TwoViewGeometry.Tangents(new(SourceToTarget.X, SourceToTarget.Y, SourceToTarget.Z));
        return ((u.X, u.Y, u.Z), (v.X, v.Y, v.Z));
    }
}

/// <summary>The answer for a set of pairs.</summary>
/// <param name="Status">Whether there is a pose, or why not.</param>
/// <param name="Best">Null unless solved or without baseline.</param>
/// <param name="Alternatives">Other poses that the pairs cannot tell from it, likelier ones first: a flat scene has two.</param>
/// <param name="Inliers">Rows within <paramref name="ThresholdPixels"/> of the epipolar geometry and before both cameras (where there is no baseline: of where the rotation takes them), ascending. Among pairs that move far, where nearly all others hardly do, those near it are left out if no more are than chance puts there.</param>
/// <param name="NoisePixels">Standard deviation of the inliers in each axis of each picture, as fitted.</param>
/// <param name="ThresholdPixels">Sampson distance at which a pair counts as an outlier.</param>
/// <param name="Samples">How many were drawn.</param>
public sealed record RelativePoseResult(
    RelativePoseStatus Status, RelativePose? Best, IReadOnlyList<RelativePose> Alternatives, int[] Inliers, double NoisePixels, double ThresholdPixels, int Samples)
{
    internal static RelativePoseResult Failed(RelativePoseStatus status, int samples = 0) => new(status, null, [], [], 0, 0, samples);
}

/// <summary>How long a translation is.</summary>
/// <param name="Length">Unit of the depths; NaN where no pair tells.</param>
/// <param name="StandardDeviation">Of the length, from the spread of what single pairs say; NaN for fewer than two.</param>
/// <param name="Count">Pairs that say something.</param>
public readonly record struct TranslationLength(double Length, double StandardDeviation, int Count);
