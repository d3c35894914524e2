namespace CorrMesh.Metrics;

/// <summary>How well points of one view are found in another: the paper's figures of dense correspondence.</summary>
/// <remarks>
/// The public code holds no evaluation of them, so this is our reading of the paper. An error is the distance from the answer to the truth in pixels over
/// the edge of the (square) target picture. Any of the target's pixels can be the answer, background included. Figures are means: first over the points
/// of a pair, then over an object's pairs, then over objects, so that neither large objects nor those with many pairs weigh more.
/// </remarks>
/// <param name="Ape">Average pixel error: the mean error, 0 to √2; smaller is better.</param>
/// <param name="Pcdp05">Part of the dense points that are correct: share of errors below 0.05, 0 to 1.</param>
/// <param name="Pcdp10">Share of errors below 0.1.</param>
/// <param name="Pcdp20">Share of errors below 0.2.</param>
public readonly record struct DenseCorrespondence(double Ape, double Pcdp05, double Pcdp10, double Pcdp20)
{
    /// <summary>Errors strictly below are correct, as fractions of the picture's edge.</summary>
    public static IReadOnlyList<double> Thresholds { get; } = [0.05, 0.1, 0.2];

    /// <summary>The error of one point.</summary>
    /// <param name="foundX">The answer, pixels.</param>
    /// <param name="foundY">The answer, pixels.</param>
    /// <param name="trueX">The truth, pixels.</param>
    /// <param name="trueY">The truth, pixels.</param>
    /// <param name="edgePx">Of the target picture, pixels, above 0; the longer one where it is not square.</param>
    public static double Error(double foundX, double foundY, double trueX, double trueY, double edgePx)
    {
        double x = foundX - trueX, y = foundY - trueY;
        return Math.Sqrt(x * x + y * y) / edgePx;
    }

    /// <summary>Figures of one pair of views.</summary>
    /// <param name="errors">Of its points, each finite and at least 0.</param>
    /// <exception cref="ArgumentException">There is no error, or one is negative or no number: each point has an answer, however wrong.</exception>
    public static DenseCorrespondence OfPair(ReadOnlySpan<double> errors)
    {
        if (errors.IsEmpty) throw new ArgumentException("errors: at least 1 point needed, 0 given", nameof(errors));
        double sum = 0;
        int near = 0, middle = 0, far = 0;
        foreach (double error in errors)
        {
            if (!(error >= 0) || !double.IsFinite(error)) throw new ArgumentException($"errors: finite distances of at least 0 needed, {error} given", nameof(errors));
            sum += error;
            if (error < Thresholds[0]) near++;
            if (error < Thresholds[1]) middle++;
            if (error < Thresholds[2]) far++;
        }
        double count = errors.Length;
        return new DenseCorrespondence(sum / count, near / count, middle / count, far / count);
    }

    /// <summary>The plain mean: of an object's pairs, or of objects.</summary>
    /// <exception cref="ArgumentException">There is nothing to average.</exception>
    public static DenseCorrespondence Mean(IReadOnlyCollection<DenseCorrespondence> figures)
    {
        if (figures.Count == 0) throw new ArgumentException("figures: at least 1 needed, 0 given", nameof(figures));
        return new DenseCorrespondence(figures.Average(f => f.Ape), figures.Average(f => f.Pcdp05), figures.Average(f => f.Pcdp10), figures.Average(f => f.Pcdp20));
    }

    /// <summary>Means of objects, those that a rotation maps onto themselves apart: their correspondences are ambiguous, and no model can know the truth.</summary>
    /// <returns>The mean of either kind; null where there is none of it.</returns>
    public static (DenseCorrespondence? Distinct, DenseCorrespondence? Symmetric) MeansApart(IReadOnlyCollection<(DenseCorrespondence Figures, bool IsSymmetric)> objects)
    {
        return (Of(false), Of(true));

        DenseCorrespondence? Of(bool isSymmetric)
        {
            DenseCorrespondence[] kind = [.. objects.Where(o => o.IsSymmetric == isSymmetric).Select(o => o.Figures)];
            return kind.Length > 0 ? Mean(kind) : null;
        }
    }
}
