using System.Diagnostics;
using CorrMesh.Training.Data;
using CorrMesh.Training.Optimisation;
using CorrMesh.Vision.Backbones;
using TorchSharp;
using static TorchSharp.torch;

namespace CorrMesh.Training;

/// <summary>What one line of progress says.</summary>
/// <param name="Step">Updates done.</param>
/// <param name="Loss">Mean loss since the last report.</param>
/// <param name="HitFraction">Points whose best token is one of the four around the truth, since the last report.</param>
/// <param name="ImagesPerSecond">Views trained on, per second of wall time since the last report.</param>
/// <param name="Remaining">Time left at that rate.</param>
public readonly record struct TrainingProgress(int Step, double Loss, double HitFraction, double ImagesPerSecond, TimeSpan Remaining);

/// <summary>Trains the built-in model from scratch on planar scenes; stops and resumes at checkpoints.</summary>
/// <param name="recipe">What to do; decides the result.</param>
/// <param name="checkpointPath">Where the run is kept between interruptions.</param>
/// <param name="checkpointSteps">Steps between checkpoints.</param>
/// <param name="reportSteps">Steps between reports.</param>
public sealed class CompactTrainer(CompactRecipe recipe, string checkpointPath, int checkpointSteps = 100, int reportSteps = 20)
{
    private const int PrefetchedBatches = 3;

    /// <summary>Runs to the end of the recipe, from the checkpoint when there is one.</summary>
    /// <param name="report">Receives progress.</param>
    /// <returns>The trained weights by hub key, float32.</returns>
    public TrainedWeights Run(Action<TrainingProgress> report, CancellationToken cancellation)
    {
        torch.manual_seed(recipe.Seed);
        using var network = new VisionTransformer(recipe.Network);
        Initialise(network);
        using var optimizer = new HybridOptimizer(network.named_parameters().Where(p => p.name != "mask_token"), recipe.UseMuon);
        int step = TrainingCheckpoint.Restore(checkpointPath, network, optimizer);
        var clock = Stopwatch.StartNew();
        (double loss, double hits, long images, int steps) sum = default;

        foreach (PlanarBatch batch in Prefetch(step, cancellation))
        {
            (double loss, double hits) = Step(network, optimizer, batch, step);
            step++;
            sum = (sum.loss + loss, sum.hits + hits, sum.images + batch.ViewCount, sum.steps + 1);
            if (step % checkpointSteps == 0 || step == recipe.Steps) TrainingCheckpoint.Save(checkpointPath, step, network, optimizer);
            if (step % reportSteps != 0 && step != recipe.Steps) continue;
            double seconds = clock.Elapsed.TotalSeconds;
            report(new TrainingProgress(step, sum.loss / sum.steps, sum.hits / sum.steps, sum.images / seconds,
                TimeSpan.FromSeconds(seconds / sum.steps * (recipe.Steps - step))));
            sum = default;
            clock.Restart();
        }

        cancellation.ThrowIfCancellationRequested();
        return new TrainedWeights(network.named_parameters().ToDictionary(p => p.name, p => (p.parameter.shape, p.parameter.data<float>().ToArray())));
    }

    private (double Loss, double Hits) Step(VisionTransformer network, HybridOptimizer optimizer, PlanarBatch batch, int step)
    {
        using var scope = torch.NewDisposeScope();
        Tensor pixels = torch.tensor(batch.Pixels, batch.ViewCount, 3, batch.Size, batch.Size);
        Tensor tokens = network.Normalise(network.Forward(pixels)).narrow(1, 1, batch.TokenCount);   // [I, T, C], without the class token
        (Tensor loss, Tensor hits) = CorrespondenceLoss.Compute(tokens, batch.Correspondences, recipe.Temperature);
        loss.backward();
        nn.utils.clip_grad_norm_(network.parameters(), 1.0);
        optimizer.Step(step + 1, new UpdateSettings(recipe.LearningRateAt(step), recipe.WeightDecay));
        return (loss.ToDouble(), hits.ToDouble());
    }

    // Scenes are drawn beside the device's work; the order, and so the result, does not depend on who is faster.
    private IEnumerable<PlanarBatch> Prefetch(int first, CancellationToken cancellation)
    {
        var queue = new System.Collections.Concurrent.BlockingCollection<PlanarBatch>(PrefetchedBatches);
        var producer = new Thread(() =>
        {
            try
            {
                var generator = new PlanarPairGenerator((ulong)recipe.Seed);
                for (int step = first; step < recipe.Steps; step++) queue.Add(PlanarBatch.Build(recipe, generator, step), cancellation);
            }
            catch (OperationCanceledException)
            {
                // The reader sees the same token.
            }
            finally
            {
                queue.CompleteAdding();
            }
        })
        { IsBackground = true, Name = "planar scenes" };
        producer.Start();
        return queue.GetConsumingEnumerable(cancellation);
    }

    // Normal of 0.02, cut at two deviations, for matrices and tokens; zero biases.
    private static void Initialise(VisionTransformer network)
    {
        using var noGrad = torch.no_grad();
        foreach ((string name, var parameter) in network.named_parameters())
        {
            bool drawn = name.EndsWith("weight", StringComparison.Ordinal) && parameter.dim() >= 2 || name is "pos_embed" or "cls_token";
            if (drawn) parameter.normal_(0, 0.02).clamp_(-0.04, 0.04);
        }
    }
}
