using System.Diagnostics;
using CorrMesh.Geometry;
using CorrMesh.Training.Data;
using CorrMesh.Training.Finetuning;
using CorrMesh.Vision.Backbones;
using CorrMesh.Vision.Features;
using CorrMesh.Vision.Images;
using CorrMesh.Vision.Weights;
using TorchSharp;

namespace CorrMesh.Benchmarks;

/// <summary>
/// A step of the paper's recipe at 40 tokens with the frozen blocks' output kept (ours) and computed anew (anchor): whole runs of the trainer over the same two views, one thread.
/// The rows are void when the two do not end in the same bits.
/// </summary>
internal static class FinetuneBenchmark
{
    private const int Runs = 3, Steps = 12, ReportSteps = 4;

    public static IReadOnlyList<BenchmarkRow> Run()
    {
        using VisionTransformer compact = BackboneFile.Load(CompactPath());
        using VisionTransformer deep = Random(new VisionTransformerConfig(Width: 384, Depth: 12, Heads: 6, PatchSize: 14, TableSide: 37, Registers: 0, FeedForwardKind.Mlp, HiddenWidth: 1536));
        // Floors: of n blocks 4 are trained, and the backward pass of a block with frozen weights costs about its forward pass: (4 + 4) / (n + 4), the convolution left out.
        return [Measure("fine-tuning step, compact (8 blocks)", compact, 8 / 12.0, 0.85), Measure("fine-tuning step, ViT-S (12 blocks)", deep, 8 / 16.0, 0.70)];
    }

    private static BenchmarkRow Measure(string name, VisionTransformer backbone, double floor, double must)
    {
        FinetuneRecipe recipe = new() { Tokens = 40, Iterations = Steps, CacheTrunk = true, PoolSize = 1 };
        var ours = new List<double>();
        var anchor = new List<double>();
        bool equal = true;
        for (int run = 0; run < Runs; run++)
        {
            FinetuneResult kept = Train(recipe, backbone, ours), fresh = Train(recipe with { CacheBytes = 0 }, backbone, anchor);
            equal &= kept.Adapter.Refine[0].Weight.SequenceEqual(fresh.Adapter.Refine[0].Weight);
        }
        double oursMs = Median(ours), anchorMs = Median(anchor);
        return new BenchmarkRow(name, "ms", oursMs, anchorMs, floor * anchorMs, must, equal,
            FormattableString.Invariant($"steps/s {1000 / oursMs:0.00} cached, {1000 / anchorMs:0.00} uncached, {recipe.Threads} thread; {Account(recipe, backbone)}"));
    }

    // Where a step's time goes: its parts one after the other, as the trainer runs them.
    private static string Account(FinetuneRecipe recipe, VisionTransformer backbone)
    {
        var views = new PlanarViews();
        PreparedImage Prepare(TrainingView view) => PreparedImage.From(view.Image, InputGeometry.ForTokens(view.Image.Width, view.Image.Height, recipe.Tokens, backbone.Config.PatchSize));
        TrainingView first = views.Load(0, 0, null), second = views.Load(0, 1, null);
        PreparedImage source = Prepare(first), target = Prepare(second);
        PointPairs pairs = PointPairs.Match(Draw(first, source.Geometry, recipe.Keypoints), Draw(second, target.Geometry, recipe.Keypoints));
        int threads = torch.get_num_threads();
        torch.set_num_threads(recipe.Threads);
        using var tuner = new Finetuner(backbone, recipe);
        List<double> frozen = [], forward = [], loss = [], backward = [], update = [];
        for (int step = 1; step <= Runs + 1; step++)
        {
            using var scope = torch.NewDisposeScope();
            var clock = Stopwatch.StartNew();
            torch.Tensor sourceTrunk = tuner.Trunk(source), targetTrunk = tuner.Trunk(target);
            Lap(frozen);
            torch.Tensor from = tuner.Descriptors(sourceTrunk, source.Geometry, pairs.Source), to = tuner.Descriptors(targetTrunk, target.Geometry, pairs.Target);
            Lap(forward);
            (_, torch.Tensor fromGradient, torch.Tensor toGradient) = DescriptorLoss.Evaluate(recipe.Loss, from, to, pairs);
            Lap(loss);
            torch.autograd.backward([from, to], [fromGradient, toGradient]);
            Lap(backward);
            tuner.Clip();
            tuner.Update(step);
            Lap(update);

            void Lap(List<double> part)
            {
                if (step > 1) part.Add(clock.Elapsed.TotalMilliseconds);
                clock.Restart();
            }
        }
        torch.set_num_threads(threads);
        return FormattableString.Invariant($"ms: frozen blocks {Median(frozen):0}, the rest forward {Median(forward):0} and backward {Median(backward):0}, loss {Median(loss):0} ") +
            FormattableString.Invariant($"({pairs.PositiveCount} pairs), clip and update {Median(update):0}");
    }

    private static ViewPoints Draw(TrainingView view, InputGeometry geometry, int count)
    {
        var random = new SeededRandom(7, 0);
        float[] points = new float[2 * count], objectPoints = new float[3 * count];
        for (int i = 0; i < count; i++)
        {
            int at = random.Below(view.Points.Length / 2);
            view.Points.AsSpan(2 * at, 2).CopyTo(points.AsSpan(2 * i));
            view.ObjectPoints.AsSpan(3 * at, 3).CopyTo(objectPoints.AsSpan(3 * i));
        }
        return ViewPoints.Create(points, objectPoints, geometry.X, geometry.Y);
    }

    private static FinetuneResult Train(FinetuneRecipe recipe, VisionTransformer backbone, List<double> milliseconds)
    {
        string folder = Directory.CreateTempSubdirectory("corrmesh-benchmark-").FullName;
        try
        {
            var trainer = new FinetuneTrainer(recipe, backbone, "benchmark", new PlanarViews(), folder, checkpointSteps: Steps, reportSteps: ReportSteps);
            // The first report holds the warm-up and the two views' first pass.
            return trainer.Run(progress => { if (progress.Step > ReportSteps) milliseconds.Add(1000 / progress.StepsPerSecond); }, CancellationToken.None);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static VisionTransformer Random(VisionTransformerConfig config)
    {
        torch.manual_seed(3);
        using var noGrad = torch.no_grad();
        var network = new VisionTransformer(config);
        foreach (var (name, parameter) in network.named_parameters())
            if (parameter.dim() >= 2 && !name.Contains("norm", StringComparison.Ordinal)) parameter.normal_(0, 0.02);
        return network;
    }

    private static string CompactPath()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Mesh.sln"))) folder = folder.Parent;
        return Path.Combine(folder?.FullName ?? ".", "services/CorrMesh.Features/models/compact/compact.safetensors");
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    /// <summary>Two views of one generated flat scene, 320 px, its canvas one unit long.</summary>
    private sealed class PlanarViews : ITrainingViews
    {
        private const int Size = 320;
        private readonly PlanarViewSet scene = new PlanarPairGenerator(5).Generate(0, 0.5, Size, 2);

        public IReadOnlyList<string> Objects { get; } = ["scene"];

        public int CountViews(int objectIndex) => scene.Views.Length;

        public double AngleBetween(int objectIndex, int first, int second) => 0;

        public TrainingView Load(int objectIndex, int viewIndex, ulong? augmentation)
        {
            PlanarView view = scene.Views[viewIndex];
            Homography toCanvas = view.CanvasToView.Inverse();
            List<float> points = [], objectPoints = [];
            for (int i = 0; i < Size * Size; i++)
            {
                if (view.Mask[i] == 0) continue;
                double x = i % Size + 0.5, y = i / Size + 0.5;
                (double u, double v) = toCanvas.Apply(x, y);
                points.AddRange((float)x, (float)y);
                objectPoints.AddRange((float)(u / Size), (float)(v / Size), 0);
            }
            return new TrainingView(new RgbImage(Size, Size, view.Pixels), [.. points], [.. objectPoints]);
        }
    }
}
