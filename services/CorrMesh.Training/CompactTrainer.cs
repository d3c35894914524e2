using System.Globalization;
using CorrMesh.Training.Data;
using CorrMesh.Training.Optimisation;
using CorrMesh.Vision.Backbones;
using CorrMesh.Vision.Execution;
using CorrMesh.Vision.Weights;
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

/// <summary>Trains the built-in model on rendered objects and flat scenes, from scratch or from earlier weights; stops and resumes at checkpoints.</summary>
/// <param name="recipe">What to do; decides the result.</param>
/// <param name="checkpointFolder">Where the run is kept between interruptions; of this run alone.</param>
/// <param name="start">The weights that the recipe's <see cref="CompactRecipe.StartDigest"/> names, by hub key; null for random ones.</param>
/// <param name="checkpointSteps">Steps between checkpoints.</param>
/// <param name="reportSteps">Steps between reports.</param>
public sealed class CompactTrainer(CompactRecipe recipe, string checkpointFolder, StateDict? start = null, int checkpointSteps = 100, int reportSteps = 20)
{
    /// <summary>Runs to the end of the recipe, from the checkpoint when there is one.</summary>
    /// <param name="report">Receives progress.</param>
    /// <returns>The trained weights by hub key, float32.</returns>
    public TrainedWeights Run(Action<TrainingProgress> report, CancellationToken cancellation)
    {
        torch.manual_seed(recipe.Seed);
        ScalarType computeType = recipe.IsMixedPrecision ? ScalarType.BFloat16 : ScalarType.Float32;
        using var network = new VisionTransformer(recipe.Network) { ComputeType = computeType };
        Initialise(network);
        if (start is not null) Load(network, start);
        using var optimizer = new HybridOptimizer(network.named_parameters().Where(p => p.name != "mask_token"), recipe.UseMuon, computeType);
        var checkpoints = new CheckpointStore(checkpointFolder, new Dictionary<string, string>
        {
            ["seed"] = recipe.Seed.ToString(CultureInfo.InvariantCulture),
            ["start"] = recipe.StartDigest ?? "random",
            ["compute_type"] = computeType.ToString(),
        });
        (string Name, Tensor Tensor)[] state =
        [
            .. network.named_parameters().Select(p => ($"model.{p.name}", (Tensor)p.parameter)),
            .. optimizer.State.Select(s => ($"optimizer.{s.Key}", s.Value)),
        ];
        var source = new SceneSource(recipe);
        new TrainingLoop(recipe.Steps, checkpointSteps, reportSteps).Run(
            checkpoints.Restore(state).Step,
            step => ViewBatch.Build(recipe, source, step),
            (batch, step) => Step(network, optimizer, batch, step),
            step => checkpoints.Save(step, state),
            r => report(new TrainingProgress(r.Step, r.Loss, r.Detail, r.ImagesPerSecond, r.Remaining)),
            cancellation);
        return new TrainedWeights(network.named_parameters().ToDictionary(p => p.name, p => (p.parameter.shape, p.parameter.data<float>().ToArray())));
    }

    private StepOutcome Step(VisionTransformer network, HybridOptimizer optimizer, ViewBatch batch, int step)
    {
        using var scope = torch.NewDisposeScope();
        Tensor pixels = torch.tensor(batch.Pixels, batch.ViewCount, 3, batch.Size, batch.Size);
        Tensor tokens = network.Normalise(network.Forward(pixels)).narrow(1, 1, batch.TokenCount);   // [I, T, C], without the class token
        (Tensor loss, Tensor hits) = CorrespondenceLoss.Compute(tokens, batch.Correspondences, recipe.Temperature);
        loss.backward();
        GradientClip.Apply(network.parameters(), 1);
        optimizer.Step(step + 1, new UpdateSettings(recipe.LearningRateAt(step), recipe.WeightDecay));
        return new StepOutcome(loss.Number(), hits.Number(), batch.ViewCount);
    }

    // Masks are not used, and not stored.
    private static void Load(VisionTransformer network, StateDict start)
    {
        using var scope = torch.NewDisposeScope();
        using var noGrad = torch.no_grad();
        foreach ((string name, var parameter) in network.named_parameters())
        {
            if (name == "mask_token") continue;
            if (!start.Contains(name) || !start[name].Shape.SequenceEqual(parameter.shape))
                throw new ArgumentException($"start: {name} [{string.Join(", ", parameter.shape)}] needed, {(start.Contains(name) ? $"[{string.Join(", ", start[name].Shape)}]" : "none")} given", nameof(start));
            parameter.copy_(start[name].ToTensor());
        }
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
