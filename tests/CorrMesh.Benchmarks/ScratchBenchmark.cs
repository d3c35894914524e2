using System.Diagnostics;
using CorrMesh.Training;
using CorrMesh.Training.Data;
using CorrMesh.Training.Optimisation;
using CorrMesh.Vision.Backbones;
using TorchSharp;
using static TorchSharp.torch;

namespace CorrMesh.Benchmarks;

/// <summary>
/// A step of `compact`'s training at 224 px, without the making of its views: in mixed precision (ours) and in float32 (anchor), over the same batch from the same weights.
/// A row is void when the two losses differ by more than bfloat16 explains.
/// </summary>
internal static class ScratchBenchmark
{
    private const int Runs = 7, Size = 224;
    private const double LossTolerance = 0.02;

    public static IReadOnlyList<BenchmarkRow> Run() => [Measure(1), Measure(2)];

    private static BenchmarkRow Measure(int threads)
    {
        torch.set_num_threads(threads);
        CompactRecipe recipe = new() { Seed = 7 };
        int step = Enumerable.Range(recipe.CurriculumSteps, 1000).First(s => recipe.BatchAt(s).Size == Size);
        ViewBatch batch = ViewBatch.Build(recipe, new SceneSource(recipe), step);
        using var ours = new Trained(recipe, batch, ScalarType.BFloat16);
        using var anchor = new Trained(recipe, batch, ScalarType.Float32);
        for (int run = 0; run <= Runs; run++)
        {
            ours.Step(isMeasured: run > 0);
            anchor.Step(isMeasured: run > 0);
        }
        bool equal = Math.Abs(ours.FirstLoss - anchor.FirstLoss) <= LossTolerance * anchor.FirstLoss;
        return new BenchmarkRow($"training step from scratch, {Size} px, {threads} thread(s)", "ms", ours.Median, anchor.Median, null, 0.77, equal, FormattableString.Invariant(
            $"{batch.ViewCount} views: {1000 * batch.ViewCount / ours.Median:0.0} images/s against {1000 * batch.ViewCount / anchor.Median:0.0}; losses {ours.FirstLoss:0.000} and {anchor.FirstLoss:0.000}"));
    }

    private sealed class Trained : IDisposable
    {
        private readonly CompactRecipe recipe;
        private readonly ViewBatch batch;
        private readonly VisionTransformer network;
        private readonly HybridOptimizer optimizer;
        private readonly List<double> milliseconds = [];
        private int steps;

        public Trained(CompactRecipe recipe, ViewBatch batch, ScalarType computeType)
        {
            (this.recipe, this.batch) = (recipe, batch);
            torch.manual_seed(3);
            network = new VisionTransformer(recipe.Network) { ComputeType = computeType };
            using (torch.no_grad())
                foreach (var (name, parameter) in network.named_parameters())
                    if (parameter.dim() >= 2 && !name.Contains("norm", StringComparison.Ordinal)) parameter.normal_(0, 0.02);
            optimizer = new HybridOptimizer(network.named_parameters().Where(p => p.name != "mask_token"), recipe.UseMuon, computeType);
        }

        public double FirstLoss { get; private set; }

        public double Median => milliseconds.Order().ElementAt(milliseconds.Count / 2);

        public void Step(bool isMeasured)
        {
            var clock = Stopwatch.StartNew();
            using (torch.NewDisposeScope())
            {
                Tensor pixels = torch.tensor(batch.Pixels, batch.ViewCount, 3, batch.Size, batch.Size);
                Tensor tokens = network.Normalise(network.Forward(pixels)).narrow(1, 1, batch.TokenCount);
                (Tensor loss, _) = CorrespondenceLoss.Compute(tokens, batch.Correspondences, recipe.Temperature);
                loss.backward();
                optimizer.Step(++steps, new UpdateSettings(recipe.LearningRate, recipe.WeightDecay));
                if (steps == 1) FirstLoss = loss.item<float>();
            }
            if (isMeasured) milliseconds.Add(clock.Elapsed.TotalMilliseconds);
        }

        public void Dispose()
        {
            optimizer.Dispose();
            network.Dispose();
        }
    }
}
