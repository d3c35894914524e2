using CorrMesh.Geometry;
using CorrMesh.Geometry.Pnp;

namespace CorrMesh.Pose.Linting;

/// <summary>The matches that cameras are compared with: finite ones, at most so many, from all of the input.</summary>
/// <param name="Rows">[N] of the input.</param>
/// <param name="ObjectPoints">[3 N].</param>
/// <param name="ImagePoints">[2 N] as the lens shows them.</param>
/// <param name="Scores">[N], or empty.</param>
internal sealed record Matches(int[] Rows, double[] ObjectPoints, double[] ImagePoints, double[] Scores)
{
    public int Count => Rows.Length;

    public static Matches Of(PhotoInput input, int most)
    {
        (double[] points, double[] seen) = (input.ObjectPoints, input.ImagePoints);
        int[] finite = [.. Enumerable.Range(0, points.Length / 3).Where(i => double.IsFinite(points[3 * i] + points[3 * i + 1] + points[3 * i + 2]) && double.IsFinite(seen[2 * i] + seen[2 * i + 1]))];
        int[] rows = finite.Length <= most ? finite : [.. Enumerable.Range(0, most).Select(i => finite[(int)((long)i * finite.Length / most)])];
        return new Matches(
            rows, [.. rows.SelectMany(i => new[] { points[3 * i], points[3 * i + 1], points[3 * i + 2] })], [.. rows.SelectMany(i => new[] { seen[2 * i], seen[2 * i + 1] })],
            input.Scores.Length == 0 ? [] : [.. rows.Select(i => input.Scores[i])]);
    }
}

/// <summary>How well cameras explain the same matches, each with the best pose that is found for it.</summary>
internal sealed class CameraComparison
{
    private readonly Matches matches;
    private readonly LensDistortion? lens;
    private readonly PnpOptions options;
    private readonly CameraFit fit;
    private readonly PinholeCamera camera;

    public CameraComparison(Matches matches, PhotoInput input, int samples)
    {
        (this.matches, lens, camera) = (matches, input.Lens, input.Camera);
        options = new PnpOptions { MaxErrorPixels = input.MaxErrorPixels, MaxSamples = samples };
        fit = new CameraFit(matches.ObjectPoints, input.MaxErrorPixels);
        Given = Fixed(camera);
        if (input.Result is not { Best: { } best } result) return;
        foreach (RigidPose pose in result.Alternatives.Prepend(best).Select(found => found.ObjectToCamera)) Improve(fit.Fit(Seen(camera), camera, pose, freeFocal: false));
    }

    /// <summary>The best pose with the camera as given.</summary>
    public FittedCamera Given { get; private set; }

    /// <summary>The best pose with a camera.</summary>
    public FittedCamera Fixed(PinholeCamera other)
    {
        double[] seen = Seen(other);
        FittedCamera best = new(RigidPose.Identity, other, 0, 0);
        foreach (RigidPose pose in Search(other, seen)) best = Better(best, fit.Fit(seen, other, pose, freeFocal: false));
        if (Given.Gain > 0) best = Better(best, fit.Fit(seen, other, fit.Carry(Given.ObjectToCamera, camera, other), freeFocal: false));
        return best;
    }

    /// <summary>The best pose with a camera whose focal length may be a little different.</summary>
    public FittedCamera Near(PinholeCamera other, double factor)
    {
        FittedCamera best = Fixed(other), free = fit.Fit(Seen(other), other, best.ObjectToCamera, freeFocal: true);
        double change = free.Camera.FocalX / other.FocalX;
        return change < factor && change > 1 / factor ? Better(best, free) : best;
    }

    /// <summary>The best pose and focal length, of those that lenses have; the principal point and the ratio of the focal lengths stay.</summary>
    /// <param name="starts">Focal lengths to start from, in longer sides of the picture.</param>
    public FittedCamera BestFocal(PinholeCamera other, double[] starts)
    {
        double longer = Math.Max(other.Width, other.Height);
        FittedCamera best = new(RigidPose.Identity, other, 0, 0);
        if (Given.Gain > 0) Try(other, fit.Carry(Given.ObjectToCamera, camera, other));
        foreach (double start in starts)
        {
            double factor = start * longer / other.FocalX;
            PinholeCamera at = other with { FocalX = other.FocalX * factor, FocalY = other.FocalY * factor };
            foreach (RigidPose pose in Search(at, Seen(at))) Try(at, pose);
        }
        return best;

        void Try(PinholeCamera at, RigidPose pose)
        {
            FittedCamera fitted = fit.Fit(Seen(at), at, pose, freeFocal: true);
            // A lens bends by the focal length, so once more with what was found.
            if (lens is not null) fitted = fit.Fit(Seen(fitted.Camera), fitted.Camera, fitted.ObjectToCamera, freeFocal: true);
            double focal = fitted.Camera.FocalX / longer;
            if (focal > CameraNumbers.ShortestFocal && focal < CameraNumbers.LongestFocal) best = Better(best, fitted);
        }
    }

    /// <summary>Looks for a better pose of the given camera near that of another, so that the given one does not lose by a search that missed.</summary>
    public void Revisit(FittedCamera other)
    {
        if (other.Gain > 0) Improve(fit.Fit(Seen(camera), camera, fit.Carry(other.ObjectToCamera, other.Camera, camera), freeFocal: false));
    }

    /// <summary>Rows of the input that fit, ascending.</summary>
    public int[] Inliers(FittedCamera fitted)
    {
        double[] seen = Seen(fitted.Camera);
        double bound = 9.21 * fitted.NoisePixels * fitted.NoisePixels;
        return [.. Enumerable.Range(0, matches.Count).Where(i =>
        {
            var point = fitted.ObjectToCamera.Apply((matches.ObjectPoints[3 * i], matches.ObjectPoints[3 * i + 1], matches.ObjectPoints[3 * i + 2]));
            (double x, double y) = fitted.Camera.Project(point);
            return point.Z > 0 && (x - seen[2 * i]) * (x - seen[2 * i]) + (y - seen[2 * i + 1]) * (y - seen[2 * i + 1]) < bound;
        }).Select(i => matches.Rows[i])];
    }

    private static FittedCamera Better(FittedCamera a, FittedCamera b) => b.Gain > a.Gain ? b : a;

    private void Improve(FittedCamera found) => Given = Better(Given, found);

    private IEnumerable<RigidPose> Search(PinholeCamera other, double[] seen)
    {
        PnpResult result = PnpSolver.Solve(matches.ObjectPoints, seen, other, options, matches.Scores);
        return result.Best is { } best ? result.Alternatives.Prepend(best).Select(pose => pose.ObjectToCamera) : [];
    }

    private double[] Seen(PinholeCamera other) => lens is null ? matches.ImagePoints : lens.Undistort(matches.ImagePoints, other);
}
