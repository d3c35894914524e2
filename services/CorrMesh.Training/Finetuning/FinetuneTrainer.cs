using CorrMesh.Vision.Adapters;
using CorrMesh.Vision.Backbones;
using TorchSharp;
using static TorchSharp.torch;

namespace CorrMesh.Training.Finetuning;

/// <summary>What one line of progress says; means are since the last one.</summary>
/// <param name="Step">Updates done.</param>
/// <param name="Loss">Mean loss.</param>
/// <param name="GradientNorm">Mean L2 norm of all gradients before clipping.</param>
/// <param name="StepsPerSecond">Of wall time.</param>
/// <param name="Remaining">Time left at that rate.</param>
/// <param name="LiveTensors">Tensors alive on the training thread: constant once the cache is full, whatever the number of steps.</param>
/// <param name="CacheSize">Bytes of views and frozen blocks' outputs that are kept.</param>
public readonly record struct FinetuneProgress(int Step, double Loss, double GradientNorm, double StepsPerSecond, TimeSpan Remaining, long LiveTensors, long CacheSize);

/// <summary>What a run gave.</summary>
/// <param name="Adapter">Trained.</param>
/// <param name="Resumed">Where the run began.</param>
/// <param name="TrunkCount">How often the frozen blocks were computed.</param>
public sealed record FinetuneResult(Adapter Adapter, RestoredRun Resumed, int TrunkCount);

/// <summary>Steps at which a run shows its adapter.</summary>
/// <param name="Steps">Updates done, 0 for the beginning.</param>
/// <param name="Reach">Given the step and the adapter, on the training thread; after an interruption a step may come once more.</param>
public sealed record Milestones(IReadOnlySet<int> Steps, Action<int, Adapter> Reach)
{
    /// <summary>The beginning, the end, and so many steps in all, evenly spread; none for 0.</summary>
    public static IReadOnlySet<int> Spread(int steps, int count) =>
        count == 0 ? new SortedSet<int>() : new SortedSet<int>(Enumerable.Range(0, count).Select(i => count == 1 ? steps : (int)((long)steps * i / (count - 1))));
}

/// <summary>Fine-tunes an adapter on a frozen backbone; stops and resumes at checkpoints to the same bits as an undisturbed run, at the same thread count and CPU model.</summary>
/// <param name="recipe">What to do.</param>
/// <param name="backbone">Borrowed, and frozen.</param>
/// <param name="backboneDigest">Of the backbone's weights; a checkpoint of another one is refused.</param>
/// <param name="views">What to train on. Their identity is the caller's: a checkpoint folder belongs to one set of views.</param>
/// <param name="checkpointFolder">Where the run is kept between interruptions; of this run alone.</param>
/// <param name="checkpointSteps">Steps between checkpoints.</param>
/// <param name="reportSteps">Steps between reports.</param>
public sealed class FinetuneTrainer(
    FinetuneRecipe recipe, VisionTransformer backbone, string backboneDigest, ITrainingViews views, string checkpointFolder, int checkpointSteps = 100, int reportSteps = 20)
{
    /// <summary>Runs to the end of the recipe, from the last checkpoint when there is one, on the calling thread.</summary>
    /// <param name="report">Receives progress.</param>
    /// <param name="cancellation">Looked at between steps.</param>
    /// <param name="milestones">Steps to stop at and show the adapter; null for none. They change nothing of the result.</param>
    /// <exception cref="ArgumentException">The recipe does not fit itself, the backbone or the views.</exception>
    /// <exception cref="CheckpointException">A checkpoint cannot be written, or is of another run.</exception>
    /// <exception cref="InvalidOperationException">The loss is no longer finite, or no usable pair of views was found.</exception>
    public FinetuneResult Run(Action<FinetuneProgress> report, CancellationToken cancellation, Milestones? milestones = null)
    {
        recipe.Validate(backbone.Config);
        int threads = torch.get_num_threads();
        torch.set_num_threads(recipe.Threads);
        try
        {
            return RunSteps(report, milestones, cancellation);
        }
        finally
        {
            torch.set_num_threads(threads);
        }
    }

    private FinetuneResult RunSteps(Action<FinetuneProgress> report, Milestones? milestones, CancellationToken cancellation)
    {
        using var cache = new ViewCache(recipe.CacheTrunk ? recipe.CacheBytes : 0);
        var pairs = new PairSource(recipe, views, cache, backbone.Config.PatchSize);
        using var tuner = new Finetuner(backbone, recipe);
        var checkpoints = new CheckpointStore(checkpointFolder, new Dictionary<string, string> { ["recipe"] = recipe.Digest(), ["backbone"] = backboneDigest });
        RestoredRun resumed = checkpoints.Restore(tuner.State);
        if (resumed.Step > recipe.Iterations) throw new ArgumentException($"iterations: at least {resumed.Step} needed, for so many are done, {recipe.Iterations} given");
        if (resumed.Step == 0) Show(0);
        new TrainingLoop(recipe.Iterations, checkpointSteps, reportSteps).Run(
            resumed.Step,
            pairs.Build,
            (pair, step) =>
            {
                StepOutcome outcome = Step(tuner, cache, pairs, pair, step + 1);
                Show(step + 1);
                return outcome;
            },
            step => checkpoints.Save(step, tuner.State),
            r => report(new FinetuneProgress(r.Step, r.Loss, r.Detail, r.StepsPerSecond, r.Remaining, DisposeScopeManager.Statistics.ThreadTotalLiveCount, cache.Size)),
            cancellation);
        return new FinetuneResult(tuner.ToAdapter(), resumed, cache.TrunkCount);

        void Show(int step)
        {
            if (milestones?.Steps.Contains(step) == true) milestones.Reach(step, tuner.ToAdapter());
        }
    }

    private StepOutcome Step(Finetuner tuner, ViewCache cache, PairSource pairs, ViewPair pair, int step)
    {
        using var scope = torch.NewDisposeScope();
        cache.BeginStep();
        Tensor source = cache.Trunk(pair.Source, tuner.Trunk, pairs.Load), target = cache.Trunk(pair.Target, tuner.Trunk, pairs.Load);
        double loss = tuner.Backward((source, pair.Source.Geometry), (target, pair.Target.Geometry), pair.Points);
        double norm = tuner.Clip();
        if (!double.IsFinite(loss) || !double.IsFinite(norm))
            throw new InvalidOperationException($"step {step}: a finite loss and gradient needed, {loss} and norm {norm} given; learning_rate {recipe.LearningRate} may be too large");
        tuner.Update(step);
        return new StepOutcome(loss, norm, 2);
    }
}
