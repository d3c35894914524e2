namespace CorrMesh.Geometry.Pnp;

/// <summary>How the search for a pose goes.</summary>
public sealed record PnpOptions
{
    /// <summary>Points farther than this from their projections never count, pixels, above 0. How far is too far is found from the points themselves; this is its upper bound.</summary>
    public double MaxErrorPixels { get; init; } = 14;

    /// <summary>Probability of meeting a sample without outliers, above 0 and below 1.</summary>
    public double Confidence { get; init; } = 0.9999;

    /// <summary>Most samples that are drawn, at least 1.</summary>
    public int MaxSamples { get; init; } = 30_000;

    /// <summary>The same seed and points give the same answer.</summary>
    public ulong Seed { get; init; }
}

/// <summary>What became of a search.</summary>
public enum PnpStatus
{
    Solved,
    TooFewPoints,
    NoConsensus,
    Degenerate,
}

/// <summary>A pose that the points allow.</summary>
/// <param name="ObjectToCamera">Unit of the object points.</param>
/// <param name="Covariance">[36] row-major, of [t; r]: the unit of the object points and radians, camera frame, left perturbation.</param>
/// <param name="LogLikelihood">Of the points near their projections, against all of them being outliers: natural logarithm.</param>
public sealed record PnpPose(RigidPose ObjectToCamera, double[] Covariance, double LogLikelihood);

/// <summary>The answer for a set of correspondences.</summary>
/// <param name="Status">Whether there is a pose, or why not.</param>
/// <param name="Best">Null unless solved.</param>
/// <param name="Alternatives">Other poses that the points cannot tell from it, likelier ones first.</param>
/// <param name="Inliers">Rows within <paramref name="ThresholdPixels"/> of their projections, ascending.</param>
/// <param name="NoisePixels">Standard deviation of the inliers in each axis, as fitted.</param>
/// <param name="ThresholdPixels">Distance at which a point counts as an outlier.</param>
/// <param name="Samples">How many were drawn.</param>
public sealed record PnpResult(PnpStatus Status, PnpPose? Best, IReadOnlyList<PnpPose> Alternatives, int[] Inliers, double NoisePixels, double ThresholdPixels, int Samples)
{
    /// <summary>No pose.</summary>
    public static PnpResult Failed(PnpStatus status, int samples = 0) => new(status, null, [], [], 0, 0, samples);
}
