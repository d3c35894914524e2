using CorrMesh.Geometry;
using CorrMesh.TestKit.Pnp;
using OpenCvSharp;

namespace CorrMesh.Benchmarks.Pnp;

/// <summary>OpenCV's strongest setting: USAC_DEFAULT (8 px, 10,000 iterations, confidence 0.99), then Levenberg and Marquardt's method on the inliers.</summary>
internal sealed class OpenCvAnchor : IDisposable
{
    // calib3d's number; the binding has no name for it among the methods of solvePnPRansac.
    private const SolvePnPMethod UsacDefault = (SolvePnPMethod)32;

    private const float ErrorPixels = 8;
    private const int Iterations = 10_000;
    private const double Confidence = 0.99;

    private readonly PnpProblem problem;
    private readonly Mat objectPoints, imagePoints, camera;

    public OpenCvAnchor(PnpProblem problem)
    {
        this.problem = problem;
        int count = problem.ImagePoints.Length / 2;
        objectPoints = Mat.FromPixelData(count, 1, MatType.CV_64FC3, problem.ObjectPoints);
        imagePoints = Mat.FromPixelData(count, 1, MatType.CV_64FC2, problem.ImagePoints);
        camera = Mat.FromPixelData(3, 3, MatType.CV_64FC1, problem.Camera.Matrix());
    }

    public static string Version => Cv2.GetVersionString() ?? "unknown";

    /// <summary>The pose, or null where OpenCV gives none or throws.</summary>
    public RigidPose? Solve()
    {
        using Mat distortion = new(), rotation = new(3, 1, MatType.CV_64FC1), translation = new(3, 1, MatType.CV_64FC1), inliers = new();
        try
        {
            Cv2.SolvePnPRansac(objectPoints, imagePoints, camera, distortion, rotation, translation, false, Iterations, ErrorPixels, Confidence, inliers, UsacDefault);
            if (inliers.Rows < 4) return null;
            int count = inliers.Rows;
            double[] chosenObject = new double[3 * count], chosenImage = new double[2 * count];
            for (int i = 0; i < count; i++)
            {
                int row = inliers.At<int>(i);
                problem.ObjectPoints.AsSpan(3 * row, 3).CopyTo(chosenObject.AsSpan(3 * i));
                problem.ImagePoints.AsSpan(2 * row, 2).CopyTo(chosenImage.AsSpan(2 * i));
            }
            using Mat fromObject = Mat.FromPixelData(count, 1, MatType.CV_64FC3, chosenObject), fromImage = Mat.FromPixelData(count, 1, MatType.CV_64FC2, chosenImage);
            Cv2.SolvePnP(fromObject, fromImage, camera, distortion, rotation, translation, useExtrinsicGuess: true, SolvePnPMethod.Iterative);
            using Mat matrix = new();
            Cv2.Rodrigues(rotation, matrix);
            double R(int i, int j) => matrix.At<double>(i, j);
            double T(int i) => translation.At<double>(i);
            return new RigidPose(R(0, 0), R(0, 1), R(0, 2), T(0), R(1, 0), R(1, 1), R(1, 2), T(1), R(2, 0), R(2, 1), R(2, 2), T(2));
        }
        catch (OpenCVException)
        {
            return null;
        }
    }

    public void Dispose()
    {
        objectPoints.Dispose();
        imagePoints.Dispose();
        camera.Dispose();
    }
}
