namespace CorrMesh.Metrics;

/// <summary>The errors of one estimated pose of one target.</summary>
/// <param name="Vsd">[10] by τ of <see cref="AverageRecall.Shares"/>.</param>
/// <param name="Mssd">In the unit of the diameter.</param>
/// <param name="Mspd">Pixels.</param>
/// <param name="Diameter">Of the object.</param>
/// <param name="ImageWidth">Pixels.</param>
public sealed record TargetErrors(double[] Vsd, double Mssd, double Mspd, double Diameter, int ImageWidth)
{
    /// <summary>A target for which there is no pose: wrong at every threshold.</summary>
    public static TargetErrors Missing { get; } = new([.. AverageRecall.Shares.Select(_ => double.PositiveInfinity)], double.PositiveInfinity, double.PositiveInfinity, 1, 640);
}

/// <summary>Average recall of the BOP challenge: the share of targets whose error is below a threshold, averaged over thresholds (Hodaň et al. 2020).</summary>
/// <param name="Vsd">Over ten τ and ten thresholds, 0.05 to 0.5 each.</param>
/// <param name="Mssd">Over ten thresholds, 0.05 to 0.5 of the diameter.</param>
/// <param name="Mspd">Over ten thresholds, 5 to 50 pixels of a picture 640 wide.</param>
public readonly record struct AverageRecall(double Vsd, double Mssd, double Mspd)
{
    private const double ReferenceWidth = 640, PixelStep = 5;

    /// <summary>0.05, 0.1 ... 0.5: τ of VSD, and thresholds of VSD and MSSD.</summary>
    public static IReadOnlyList<double> Shares { get; } = [.. Enumerable.Range(1, 10).Select(i => 0.05 * i)];

    /// <summary>The mean of the three.</summary>
    public double Mean => (Vsd + Mssd + Mspd) / 3;

    /// <summary>Over targets; an error equal to a threshold is above it.</summary>
    /// <exception cref="ArgumentException">No target, or one without ten errors by τ.</exception>
    public static AverageRecall Over(IReadOnlyCollection<TargetErrors> targets)
    {
        if (targets.Count == 0) throw new ArgumentException("targets: at least 1 needed, 0 given", nameof(targets));
        foreach (TargetErrors target in targets)
            if (target.Vsd.Length != Shares.Count) throw new ArgumentException($"vsd: {Shares.Count} errors by tau needed, {target.Vsd.Length} given", nameof(targets));
        double Recall(Func<TargetErrors, bool> isRight) => (double)targets.Count(isRight) / targets.Count;
        return new AverageRecall(
            Enumerable.Range(0, Shares.Count).Average(tau => Shares.Average(bound => Recall(target => target.Vsd[tau] < bound))),
            Shares.Average(bound => Recall(target => target.Mssd < bound * target.Diameter)),
            Enumerable.Range(1, 10).Average(i => Recall(target => target.Mspd * ReferenceWidth / target.ImageWidth < PixelStep * i)));
    }
}
