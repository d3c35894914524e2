using CorrMesh.Geometry;
using CorrMesh.Pose.Estimation;
using CorrMesh.Protos.Pose.V1;

namespace CorrMesh.Evaluation.Pose;

/// <summary>How true confidences are, and the weights that make them so: a logistic regression on the evidence of <see cref="PoseConfidence"/>.</summary>
internal static class ConfidenceFit
{
    private const int Bins = 10, Rounds = 50;

    // Of the weights, so that evidence that always tells right from wrong does not run away.
    private const double Ridge = 0.05;

    /// <summary>One answer: what it was based on, what it said, whether it was right.</summary>
    internal sealed record Case(double[] Evidence, double Confidence, bool IsRight);

    public static IReadOnlyList<Case> Cases(IEnumerable<ObjectResult> results, PinholeCamera camera) =>
    [
        .. results.Where(result => !result.IsSymmetric).SelectMany(result => result.Photos.Where(photo => photo.Answer.Best is not null)
            .Select(photo => new Case(Evidence(photo.Answer, camera.FocalX, result.Info.DiameterM), photo.Answer.Confidence, photo.IsRight(result.Info.DiameterM)))),
    ];

    /// <summary>Newton's method on the penalised likelihood.</summary>
    /// <returns>Intercept first.</returns>
    public static double[] Fit(IReadOnlyList<Case> cases)
    {
        int size = cases[0].Evidence.Length + 1;
        double[] weights = new double[size];
        for (int round = 0; round < Rounds; round++)
        {
            double[,] matrix = new double[size, size + 1];
            foreach (Case one in cases)
            {
                double[] x = [1, .. one.Evidence];
                double p = Of(weights, one.Evidence), w = Math.Max(1e-9, p * (1 - p)), off = (one.IsRight ? 1 : 0) - p;
                for (int i = 0; i < size; i++)
                {
                    for (int j = 0; j < size; j++) matrix[i, j] += w * x[i] * x[j];
                    matrix[i, size] += x[i] * off;
                }
            }
            for (int i = 1; i < size; i++)
            {
                matrix[i, i] += Ridge;
                matrix[i, size] -= Ridge * weights[i];
            }
            double[] step = Solve(matrix, size);
            double largest = 0;
            for (int i = 0; i < size; i++)
            {
                weights[i] += step[i];
                largest = Math.Max(largest, Math.Abs(step[i]));
            }
            if (largest < 1e-8) break;
        }
        return weights;
    }

    public static double Of(double[] weights, double[] evidence)
    {
        double sum = weights[0];
        for (int i = 0; i < evidence.Length; i++) sum += weights[i + 1] * evidence[i];
        return 1 / (1 + Math.Exp(-sum));
    }

    /// <summary>Bins of confidence: how many answers, what they said on average, how many were right.</summary>
    public static IReadOnlyList<(int Count, double Said, double Right)> Reliability(IEnumerable<(double Said, bool IsRight)> answers) =>
        [.. answers.GroupBy(answer => Math.Min(Bins - 1, (int)(Bins * answer.Said))).OrderBy(bin => bin.Key).Select(bin => (bin.Count(), bin.Average(answer => answer.Said), bin.Average(answer => answer.IsRight ? 1.0 : 0)))];

    /// <summary>Expected calibration error: how far bins are off, weighted by their answers.</summary>
    public static double Error(IReadOnlyList<(int Count, double Said, double Right)> bins) => bins.Sum(bin => bin.Count * Math.Abs(bin.Said - bin.Right)) / bins.Sum(bin => bin.Count);

    private static double[] Evidence(ObjectPose answer, double focal, double diameter) =>
        PoseConfidence.Evidence((int)answer.Inliers, (int)answer.Matches, answer.NoisePx * answer.Best.ObjectToCamera.Translation.Z / focal / diameter, [.. answer.Best.Covariance]);

    // Gauss-Jordan with pivots.
    private static double[] Solve(double[,] matrix, int size)
    {
        for (int column = 0; column < size; column++)
        {
            int pivot = column;
            for (int row = column + 1; row < size; row++)
                if (Math.Abs(matrix[row, column]) > Math.Abs(matrix[pivot, column])) pivot = row;
            for (int k = 0; k <= size; k++) (matrix[column, k], matrix[pivot, k]) = (matrix[pivot, k], matrix[column, k]);
            for (int row = 0; row < size; row++)
            {
                if (row == column || matrix[column, column] == 0) continue;
                double factor = matrix[row, column] / matrix[column, column];
                for (int k = column; k <= size; k++) matrix[row, k] -= factor * matrix[column, k];
            }
        }
        return [.. Enumerable.Range(0, size).Select(i => matrix[i, i] == 0 ? 0 : matrix[i, size] / matrix[i, i])];
    }
}
