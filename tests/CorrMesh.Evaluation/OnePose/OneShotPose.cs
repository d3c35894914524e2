using CorrMesh.Geometry;
using CorrMesh.Geometry.Pnp;
using CorrMesh.Vision.Images;
using CorrMesh.Vision.Similarity;

namespace CorrMesh.Evaluation.OnePose;

/// <summary>All points of an object's reference pictures.</summary>
/// <param name="Descriptors">[N * channels] unit length.</param>
/// <param name="Points">[3 N] object frame, metres; a point seen in several pictures has several rows.</param>
internal sealed record TemplatePoints(float[] Descriptors, double[] Points)
{
    public const int MaxCount = 120_000;

    public int Count => Points.Length / 3;

    /// <summary>Describes the reference pictures and stacks what they show.</summary>
    /// <remarks>The script draws rows by chance where there are more than it can hold; here they are spread evenly, so that the same input gives the same answer.</remarks>
    /// <param name="maxCount">Rows at most.</param>
    public static TemplatePoints From(IReadOnlyList<TemplateView> views, OneShotFeatures features, int maxCount = MaxCount)
    {
        int total = views.Sum(view => view.Count), kept = Math.Min(total, maxCount), next = 0, first = 0;
        var (descriptors, points) = (new float[(long)kept * features.Channels], new double[3L * kept]);
        foreach (TemplateView view in views)
        {
            int start = next;
            List<float> keypoints = [];
            for (; next < kept && Row(next) is var row && row < first + view.Count; next++)
            {
                keypoints.AddRange(view.Keypoints.AsSpan(2 * (row - first), 2));
                view.Points.AsSpan(3 * (row - first), 3).CopyTo(points.AsSpan(3 * next));
            }
            first += view.Count;
            if (next > start) features.Describe(ImageDecoder.Decode(File.ReadAllBytes(view.ImagePath)), keypoints.ToArray()).CopyTo(descriptors, (long)start * features.Channels);
        }
        return new TemplatePoints(descriptors, points);

        int Row(int index) => (int)((long)index * total / kept);
    }
}

/// <summary>Points of an object in a picture.</summary>
/// <param name="ImagePoints">[2 N] x, y, pixels.</param>
/// <param name="ObjectPoints">[3 N] object frame, metres.</param>
internal sealed record PointMatches(double[] ImagePoints, double[] ObjectPoints)
{
    public int Count => ImagePoints.Length / 2;
}

/// <summary>The paper's one-shot pose: a grid of the picture against all template points, mutual nearest neighbours, a robust pose.</summary>
/// <remarks>
/// After evaluate.py of You et al., "Multiview Equivariance Improves 3D Correspondence Understanding with Minimal Feature Finetuning", ICLR 2025. The pose alone is made otherwise: OpenCV's RANSAC there,
/// 8 pixels, 10,000 draws; <see cref="PnpSolver"/> here with its default options, which finds from the points how far off an inlier may be. Cosines decide where dot products do there: descriptors are of
/// unit length.
/// </remarks>
internal static class OneShotPose
{
    public const int GridStep = 4;

    private const int MinMatches = 4, MinInliers = 6;

    /// <summary>Every fourth pixel from 0, row by row.</summary>
    /// <returns>[2 N] x, y.</returns>
    public static float[] Grid(int width, int height)
    {
        List<float> grid = [];
        for (int y = 0; y < height; y += GridStep)
            for (int x = 0; x < width; x += GridStep) grid.AddRange([x, y]);
        return [.. grid];
    }

    /// <summary>Grid and template points that are each other's nearest.</summary>
    /// <param name="grid">[2 N] x, y, pixels.</param>
    /// <param name="descriptors">[N * channels] of the grid.</param>
    /// <param name="threads">At most; the answer does not depend on it.</param>
    public static PointMatches Match(float[] grid, float[] descriptors, TemplatePoints templates, int threads)
    {
        IndexMatch[] pairs = MutualMatches.Find(descriptors, templates.Descriptors, descriptors.Length / (grid.Length / 2), threads);
        return new PointMatches(
            [.. pairs.SelectMany(pair => new double[] { grid[2 * pair.Source], grid[2 * pair.Source + 1] })],
            [.. pairs.SelectMany(pair => templates.Points[(3 * pair.Target)..(3 * pair.Target + 3)])]);
    }

    /// <summary>The pose that the matches give, or null when there are fewer than four, or none that more than five of them follow.</summary>
    /// <returns>Object to camera, metres.</returns>
    public static RigidPose? Estimate(PointMatches matches, PinholeCamera camera)
    {
        if (matches.Count < MinMatches) return null;
        PnpResult result = PnpSolver.Solve(matches.ObjectPoints, matches.ImagePoints, camera);
        return result.Inliers.Length >= MinInliers ? result.Best?.ObjectToCamera : null;
    }
}
