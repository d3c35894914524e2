using CorrMesh.Metrics;
using CorrMesh.Vision.Features;
using CorrMesh.Vision.Images;
using CorrMesh.Vision.Similarity;
using TorchSharp;

namespace CorrMesh.Training.Measuring;

/// <summary>How far a measurement is.</summary>
/// <param name="Name">Of the object that is being measured.</param>
/// <param name="Done">Views described and pairs searched so far...</param>
/// <param name="Total">...of so many.</param>
public readonly record struct EvaluationProgress(string Name, int Done, int Total);

/// <summary>Figures of one pair of views.</summary>
/// <param name="PointCount">Points that they are the mean of.</param>
public sealed record PairFigures(int Source, int Target, int PointCount, DenseCorrespondence Figures);

/// <summary>Figures of an object.</summary>
/// <param name="Pairs">In the probe's order.</param>
public sealed record ObjectFigures(IReadOnlyList<PairFigures> Pairs)
{
    /// <summary>The mean of the pairs.</summary>
    public DenseCorrespondence Mean { get; } = DenseCorrespondence.Mean([.. Pairs.Select(pair => pair.Figures)]);
}

/// <summary>A model gave features that no search can work with.</summary>
public sealed class UnusableFeaturesException(string message) : Exception(message);

/// <summary>Finds an object's points from view to view as the product does: the keypoint sampler, then the most similar pixel of the whole target.</summary>
public static class ModelEvaluator
{
    // Far beyond what a layer norm and a convolution give; squares stay within a float.
    private const float LargestFeature = 1e15f;

    /// <summary>Measures a model on an object, on the model's thread.</summary>
    /// <param name="model">Borrowed.</param>
    /// <param name="probe">Pictures and true correspondences.</param>
    /// <param name="settings">Tokens and threads.</param>
    /// <param name="report">Receives progress after each view and pair.</param>
    /// <param name="cancellation">Looked at between the network's blocks and between pairs.</param>
    /// <exception cref="ArgumentException">The settings have faults.</exception>
    /// <exception cref="UnusableFeaturesException">A feature is not finite or beyond all measure.</exception>
    public static ObjectFigures Evaluate(FeatureModel model, ObjectProbe probe, EvaluationSettings settings, Action<EvaluationProgress>? report = null, CancellationToken cancellation = default)
    {
        settings.Validate();
        int threads = torch.get_num_threads();
        torch.set_num_threads(settings.Threads);
        try
        {
            return Search(model, probe, settings, report ?? (_ => { }), cancellation);
        }
        finally
        {
            torch.set_num_threads(threads);
        }
    }

    private static ObjectFigures Search(FeatureModel model, ObjectProbe probe, EvaluationSettings settings, Action<EvaluationProgress> report, CancellationToken cancellation)
    {
        int done = 0, total = probe.Pictures.Count + probe.Pairs.Count;
        var maps = new FeatureMap[probe.Pictures.Count];
        for (int view = 0; view < maps.Length; view++)
        {
            cancellation.ThrowIfCancellationRequested();
            RgbImage picture = probe.Pictures[view];
            maps[view] = model.Extract([PreparedImage.From(picture, InputGeometry.ForTokens(picture.Width, picture.Height, settings.Tokens, model.Config.PatchSize))], cancellation: cancellation)[0];
            if (Array.Exists(maps[view].Values, value => !(MathF.Abs(value) <= LargestFeature)))
                throw new UnusableFeaturesException($"object '{probe.Name}', view {view}: finite features up to {LargestFeature:G1} needed, the model gives others");
            report(new EvaluationProgress(probe.Name, ++done, total));
        }

        // By target, so that each map is prepared for searching once and only one is at a time.
        var figures = new PairFigures[probe.Pairs.Count];
        foreach (IGrouping<int, int> same in Enumerable.Range(0, probe.Pairs.Count).GroupBy(i => probe.Pairs[i].Target))
        {
            TokenGram target = TokenGram.Create(maps[same.Key]);
            foreach (int i in same)
            {
                cancellation.ThrowIfCancellationRequested();
                figures[i] = Measure(maps[probe.Pairs[i].Source], target, probe.Pairs[i], settings.Threads);
                report(new EvaluationProgress(probe.Name, ++done, total));
            }
        }
        return new ObjectFigures(figures);
    }

    private static PairFigures Measure(FeatureMap source, TokenGram target, ProbePair pair, int threads)
    {
        PixelMatch[] found = BestPosition.Find(target, KeypointSampler.Sample(source, pair.Points, normalise: true), threads);
        double edge = Math.Max(target.Map.ImageWidth, target.Map.ImageHeight);
        double[] errors = [.. found.Select((match, i) => DenseCorrespondence.Error(match.X, match.Y, pair.Truths[2 * i], pair.Truths[2 * i + 1], edge))];
        return new PairFigures(pair.Source, pair.Target, errors.Length, DenseCorrespondence.OfPair(errors));
    }
}
