using CorrMesh.Rendering.Views;
using CorrMesh.Training.Measuring;
using CorrMesh.Training.Tests.Finetuning;
using CorrMesh.Vision.Adapters;
using CorrMesh.Vision.Backbones;
using CorrMesh.Vision.Features;
using CorrMesh.Vision.Tests;
using TorchSharp;
using Xunit;

namespace CorrMesh.Training.Tests.Measuring;

[Collection(TrainingRuns.Collection)]
public sealed class ModelEvaluatorTests : IDisposable
{
    private static readonly EvaluationSettings Small = new() { Size = 96, ViewCount = 5, PointCount = 40, MaxAngle = 120, Tokens = 8 };

    private readonly VisionTransformer backbone = TinyModel.Create(TinyModel.Plain);
    private readonly FeatureModel model;

    public ModelEvaluatorTests() => model = new FeatureModel(backbone);

    public void Dispose()
    {
        model.Dispose();
        backbone.Dispose();
    }

    [Fact]
    public void Evaluate_SameProbe_GivesTheSameFigures()
    {
        ObjectProbe probe = ObjectProbe.Render("box", Placed.Box, Small);
        ObjectFigures figures = ModelEvaluator.Evaluate(model, probe, Small);
        Assert.Equal(figures.Pairs, ModelEvaluator.Evaluate(model, ObjectProbe.Render("box", Placed.Box, Small), Small).Pairs);
        Assert.Equal(probe.Pairs.Select(pair => (pair.Source, pair.Target, pair.PointCount)), figures.Pairs.Select(pair => (pair.Source, pair.Target, pair.PointCount)));
        Assert.NotEqual(figures.Mean, ModelEvaluator.Evaluate(model, ObjectProbe.Render("box", Placed.Box, Small with { Seed = 9 }), Small).Mean);
    }

    // Goal: answers and truths are in one frame, to a fraction of a pixel. Method: a view and its twin, where any model finds a point at its own place; and one that
    // is shifted by whole tokens' pixels would be off. A tie within the search's margin may move an answer by a pixel.
    [Fact]
    public void Evaluate_TwinViews_FindsEveryPoint()
    {
        ObjectView view = Placed.Views(1, 4, 112)[0];
        ObjectFigures figures = ModelEvaluator.Evaluate(model, ObjectProbe.FromViews("twins", [view, view], Small), Small);
        Assert.Equal(2, figures.Pairs.Count);
        Assert.True(figures.Mean.Ape < 0.25 / 112, $"{figures.Mean.Ape * 112} pixels on the mean");
        Assert.Equal(1, figures.Mean.Pcdp05);
    }

    // Goal: background pixels are candidates. Method: a model whose features are all zero answers with the first pixel of the picture, off the object.
    [Fact]
    public void Evaluate_FeaturesAllZero_AnswersOffTheObject()
    {
        int width = backbone.Config.Width;
        using var flat = new FeatureModel(backbone, new Adapter(width, 0, [], [new RefineLayer(new float[9 * width * width], new float[width])]));
        ObjectProbe probe = ObjectProbe.Render("box", Placed.Box, Small);
        double edge = Small.Size;
        double[] expected = [.. probe.Pairs.Select(pair => Enumerable.Range(0, pair.PointCount).Average(i => Math.Sqrt(Math.Pow(pair.Truths[2 * i], 2) + Math.Pow(pair.Truths[2 * i + 1], 2)) / edge))];
        ObjectFigures figures = ModelEvaluator.Evaluate(flat, probe, Small);
        for (int i = 0; i < expected.Length; i++) Assert.Equal(expected[i], figures.Pairs[i].Figures.Ape, 1e-12);
    }

    [Fact]
    public void Evaluate_Progress_CountsEveryViewAndPair()
    {
        ObjectProbe probe = ObjectProbe.Render("box", Placed.Box, Small);
        var seen = new List<EvaluationProgress>();
        ModelEvaluator.Evaluate(model, probe, Small, seen.Add);
        int total = probe.Pictures.Count + probe.Pairs.Count;
        Assert.Equal(Enumerable.Range(1, total).Select(done => new EvaluationProgress("box", done, total)), seen);
    }

    // Goal: cancelling stops soon, at any stage, and leaves no tensor and no setting behind. Method: cancelled after each single report in turn.
    [Fact]
    public void Evaluate_Cancelled_StopsAtTheNextStep()
    {
        ObjectProbe probe = ObjectProbe.Render("box", Placed.Box, Small);
        int total = probe.Pictures.Count + probe.Pairs.Count, threads = torch.get_num_threads();
        long live = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        foreach (int last in (int[])[1, probe.Pictures.Count, total - 1])
        {
            using var stop = new CancellationTokenSource();
            int reports = 0;
            Assert.ThrowsAny<OperationCanceledException>(() => ModelEvaluator.Evaluate(model, probe, Small, _ =>
            {
                if (++reports == last) stop.Cancel();
            }, stop.Token));
            Assert.Equal(last, reports);
        }
        Assert.Equal(live, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
        Assert.Equal(threads, torch.get_num_threads());
    }

    [Fact]
    public void Evaluate_FeaturesThatAreNoNumbers_NamesTheView()
    {
        int width = backbone.Config.Width;
        float[] bias = new float[width];
        bias[3] = float.NaN;
        using var broken = new FeatureModel(backbone, new Adapter(width, 0, [], [new RefineLayer(new float[9 * width * width], bias)]));
        UnusableFeaturesException problem = Assert.Throws<UnusableFeaturesException>(() => ModelEvaluator.Evaluate(broken, ObjectProbe.Render("box", Placed.Box, Small), Small));
        Assert.Contains("object 'box', view 0", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Evaluate_ImpossibleSettings_IsRefused() =>
        Assert.Throws<ArgumentException>(() => ModelEvaluator.Evaluate(model, ObjectProbe.Render("box", Placed.Box, Small), Small with { Tokens = 1 }));
}
