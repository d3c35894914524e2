using CorrMesh.Geometry.Pnp;

namespace CorrMesh.Geometry.TwoView;

/// <summary>How one calibrated camera stands to another, from points that both see, some of them matched wrongly.</summary>
/// <remarks>
/// Samples of five pairs give poses (<see cref="FivePointPose"/>); each that costs less than every sample before descends the robust cost over all pairs (LO-RANSAC, Chum, Matas and Kittler 2003).
/// The best few, and the second pose that a flat scene would allow, are fitted over SO(3) x S² to the Sampson distances, together with the noise of the pairs and the share of outliers, and compared
/// by their likelihood: no threshold has to be known. A consensus that chance could make is none (Moisan and Stival 2004). A rotation alone is fitted, too: where the pairs need no more, the
/// baseline cannot be seen, and no direction is given. The length of the translation is never seen; <see cref="Length"/> finds it from depths.
/// </remarks>
public static class RelativePoseSolver
{
    public const int MinPairs = FivePointPose.Pairs;

    private const double MedianToDeviation = 1.4826, MedianEfficiency = 1.2533;

    /// <summary>Finds the pose.</summary>
    /// <param name="sourcePoints">[2 N] x, y in pixels without lens distortion (<see cref="LensDistortion.Undistort(ReadOnlySpan{double}, PinholeCamera)"/> takes it away). Pairs that are not finite are left out, repeated pairs count once.</param>
    /// <param name="targetPoints">[2 N] the same points in the other picture.</param>
    /// <param name="source">Its focal lengths and principal point.</param>
    /// <param name="target">Likewise.</param>
    /// <param name="options">Null for the defaults.</param>
    /// <param name="scores">[N] how much each pair is trusted, higher for more, on any scale; samples are drawn from the best more often. Empty for none. They change where the search looks, not what it finds good.</param>
    /// <exception cref="ArgumentException">Lengths do not fit together, a camera's or an option's numbers cannot be.</exception>
    public static RelativePoseResult Solve(
        ReadOnlySpan<double> sourcePoints, ReadOnlySpan<double> targetPoints, PinholeCamera source, PinholeCamera target, RelativePoseOptions? options = null, ReadOnlySpan<double> scores = default)
    {
        options ??= new RelativePoseOptions();
        CheckPairs(sourcePoints, targetPoints);
        if (!(options.MaxErrorPixels > 0) || !double.IsFinite(options.MaxErrorPixels)) throw new ArgumentException($"max error: above 0 pixels needed, {options.MaxErrorPixels} given", nameof(options));
        if (!(options.Confidence > 0 && options.Confidence < 1)) throw new ArgumentException($"confidence: between 0 and 1 needed, {options.Confidence} given", nameof(options));
        if (options.MaxSamples < 1) throw new ArgumentException($"max samples: at least 1 needed, {options.MaxSamples} given", nameof(options));
        if (scores.Length != 0 && scores.Length != sourcePoints.Length / 2) throw new ArgumentException($"scores: {sourcePoints.Length / 2} needed, one for each pair, {scores.Length} given", nameof(scores));
        PairSet pairs = PairSet.Create(sourcePoints, targetPoints, scores, source.Checked(), target.Checked(), options.Seed);
        return pairs.Count < MinPairs ? RelativePoseResult.Failed(RelativePoseStatus.TooFewPairs) : new RelativePoseSearch(pairs, options).Run();
    }

    /// <summary>How long the translation of a solved pose is, from depths of source points.</summary>
    /// <remarks>
    /// A pair of depth z says b' × (z R y + s t) = 0, so s = -(b' × z R y)·(b' × t) / |b' × t|². The answer is the median of s, each weighted by |b' × t| / z, to which the parallax that s is read
    /// from is proportional; the standard deviation is that of the median, from the weighted median of the distances from it.
    /// </remarks>
    /// <param name="sourcePoints">[2 N] pixels, as in <see cref="Solve"/>; best only the inliers, though fewer than half of the weight being wrong does little harm.</param>
    /// <param name="sourceDepths">[N] along the source's optical axis, in metres or any unit; those that are not finite and above 0 are left out.</param>
    /// <param name="targetPoints">[2 N] pixels.</param>
    /// <param name="pose">Of a result with status <see cref="RelativePoseStatus.Solved"/>.</param>
    /// <exception cref="ArgumentException">Lengths do not fit together, a camera's numbers cannot be, or the pose has no direction.</exception>
    public static TranslationLength Length(
        ReadOnlySpan<double> sourcePoints, ReadOnlySpan<double> sourceDepths, ReadOnlySpan<double> targetPoints, PinholeCamera source, PinholeCamera target, RigidPose pose)
    {
        CheckPairs(sourcePoints, targetPoints);
        if (sourceDepths.Length != sourcePoints.Length / 2) throw new ArgumentException($"source depths: {sourcePoints.Length / 2} needed, one for each pair, {sourceDepths.Length} given", nameof(sourceDepths));
        (source, target) = (source.Checked(), target.Checked());
        Vector3d t = new(pose.X, pose.Y, pose.Z);
        if (!(Math.Abs(t.SquaredLength - 1) < 1e-6)) throw new ArgumentException($"pose: a translation of length 1 needed, {Math.Sqrt(t.SquaredLength)} given", nameof(pose));
        List<(double Value, double Weight)> lengths = [];
        for (int i = 0; i < sourceDepths.Length; i++)
        {
            double z = sourceDepths[i], x = (targetPoints[2 * i] - target.CentreX) / target.FocalX, y = (targetPoints[2 * i + 1] - target.CentreY) / target.FocalY, norm = Math.Sqrt(x * x + y * y + 1);
            if (!(z > 0) || !double.IsFinite(z)) continue;
            (double X, double Y, double Z) p = source.Unproject(sourcePoints[2 * i], sourcePoints[2 * i + 1], z);
            Vector3d b = new(x / norm, y / norm, 1 / norm), moved = b.Cross(t), turned = b.Cross(TwoViewGeometry.Rotate(pose, new(p.X, p.Y, p.Z)));
            double value = -turned.Dot(moved) / moved.SquaredLength;
            if (double.IsFinite(value)) lengths.Add((value, Math.Sqrt(moved.SquaredLength) / z));
        }
        if (lengths.Count == 0) return new TranslationLength(double.NaN, double.NaN, 0);
        double length = Median(lengths);
        double spread = Median(lengths.ConvertAll(one => (Math.Abs(one.Value - length), one.Weight)));
        return new TranslationLength(length, lengths.Count < 2 ? double.NaN : MedianEfficiency * MedianToDeviation * spread / Math.Sqrt(lengths.Count), lengths.Count);
    }

    private static double Median(List<(double Value, double Weight)> values)
    {
        values.Sort((a, b) => a.Value.CompareTo(b.Value));
        double half = 0, sum = 0;
        foreach ((_, double weight) in values) half += weight / 2;
        foreach ((double value, double weight) in values)
        {
            sum += weight;
            if (sum >= half) return value;
        }
        return values[^1].Value;
    }

    private static void CheckPairs(ReadOnlySpan<double> sourcePoints, ReadOnlySpan<double> targetPoints)
    {
        if (sourcePoints.Length % 2 != 0 || targetPoints.Length != sourcePoints.Length)
            throw new ArgumentException($"target points: {sourcePoints.Length / 2 * 2} values needed for {sourcePoints.Length} of source points, {targetPoints.Length} given", nameof(targetPoints));
    }
}
