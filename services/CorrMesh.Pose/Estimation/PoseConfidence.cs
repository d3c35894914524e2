using CorrMesh.Geometry.Pnp;

namespace CorrMesh.Pose.Estimation;

/// <summary>How probable it is that a pose is right.</summary>
/// <remarks>
/// Right: turned by at most 5 degrees, and off by at most 5 cm or a tenth of the object's diameter, whichever is less. A logistic regression on
/// what the search leaves behind, fitted on rendered scenes with and without the object (`CorrMesh.Evaluation -- pose --calibrate`).
/// </remarks>
internal static class PoseConfidence
{
    // Intercept; ln inliers; share of matches that are inliers; ln of the noise on the object over its diameter; ln of the rotation's deviation, radians.
    private static readonly double[] Weights = [-10.869, 0.873, 3.876, 1.931, -3.108];

    public static double Of(PnpResult result, int matches, double focal, double diameter)
    {
        if (result.Best is not { } best) return 0;
        double[] evidence = Evidence(result.Inliers.Length, matches, result.NoisePixels * best.ObjectToCamera.Z / focal / diameter, best.Covariance);
        double sum = Weights[0];
        for (int i = 0; i < evidence.Length; i++) sum += Weights[i + 1] * evidence[i];
        return 1 / (1 + Math.Exp(-sum));
    }

    /// <summary>What the weights but the first belong to.</summary>
    /// <param name="inliers">Matches that the pose explains.</param>
    /// <param name="matches">All of them.</param>
    /// <param name="noise">Of the inliers, on the object, over its diameter.</param>
    /// <param name="covariance">[36] of the pose.</param>
    internal static double[] Evidence(int inliers, int matches, double noise, double[] covariance) =>
    [
        Math.Log(Math.Max(1, inliers)), (double)inliers / Math.Max(1, matches), Math.Log(Math.Max(1e-5, noise)), 0.5 * Math.Log(Math.Max(1e-12, (covariance[21] + covariance[28] + covariance[35]) / 3)),
    ];
}
