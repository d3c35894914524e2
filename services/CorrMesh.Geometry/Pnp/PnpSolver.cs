namespace CorrMesh.Geometry.Pnp;

/// <summary>The pose of an object from where its points are seen, some of them wrongly (perspective-n-point with outliers).</summary>
/// <remarks>
/// Samples of three points give poses (<see cref="PerspectiveThreePoint"/>); each that costs less than every sample before descends the robust cost over all points (LO-RANSAC, Chum, Matas and
/// Kittler 2003). The best few are fitted together with the noise of the points and the share of outliers, and compared by their likelihood: no threshold has to be known.
/// For flat objects the second pose that looks nearly the same is fitted, too.
/// </remarks>
public static class PnpSolver
{
    public const int MinPoints = 4;

    /// <summary>Finds the pose.</summary>
    /// <param name="objectPoints">[3 N] x, y, z in the object frame, any unit. Rows that are not finite are left out, repeated rows count once.</param>
    /// <param name="imagePoints">[2 N] x, y in pixels without lens distortion (<see cref="LensDistortion.Undistort(ReadOnlySpan{double}, PinholeCamera)"/> takes it away).</param>
    /// <param name="camera">Its focal lengths and principal point.</param>
    /// <param name="options">Null for the defaults.</param>
    /// <param name="scores">[N] how much each row is trusted, higher for more, on any scale; samples are drawn from the best more often. Empty for none. They change where the search looks, not what it finds good.</param>
    /// <exception cref="ArgumentException">Lengths do not fit together, the camera's or an option's numbers cannot be.</exception>
    public static PnpResult Solve(ReadOnlySpan<double> objectPoints, ReadOnlySpan<double> imagePoints, PinholeCamera camera, PnpOptions? options = null, ReadOnlySpan<double> scores = default)
    {
        options ??= new PnpOptions();
        if (objectPoints.Length % 3 != 0 || imagePoints.Length != objectPoints.Length / 3 * 2)
            throw new ArgumentException($"image points: {objectPoints.Length / 3 * 2} values needed for {objectPoints.Length} of object points, {imagePoints.Length} given", nameof(imagePoints));
        if (!(options.MaxErrorPixels > 0) || !double.IsFinite(options.MaxErrorPixels)) throw new ArgumentException($"max error: above 0 pixels needed, {options.MaxErrorPixels} given", nameof(options));
        if (!(options.Confidence > 0 && options.Confidence < 1)) throw new ArgumentException($"confidence: between 0 and 1 needed, {options.Confidence} given", nameof(options));
        if (options.MaxSamples < 1) throw new ArgumentException($"max samples: at least 1 needed, {options.MaxSamples} given", nameof(options));
        if (scores.Length != 0 && scores.Length != imagePoints.Length / 2) throw new ArgumentException($"scores: {imagePoints.Length / 2} needed, one for each row, {scores.Length} given", nameof(scores));
        PointSet points = PointSet.Create(objectPoints, imagePoints, scores, camera.Checked(), options.Seed);
        return points.Count < MinPoints ? PnpResult.Failed(PnpStatus.TooFewPoints) : new PoseSearch(points, options).Run();
    }
}
