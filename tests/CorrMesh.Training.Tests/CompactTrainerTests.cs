using Xunit;

namespace CorrMesh.Training.Tests;

public sealed class CompactTrainerTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("corrmesh-training-").FullName;

    // One block and few points keep the run short; views, optimizer and checkpoints are those of the real recipe.
    private static readonly CompactRecipe Small = new() { Steps = 4, Depth = 1, PointCount = 16, WarmUpSteps = 1, CurriculumSteps = 4 };

    public void Dispose() => Directory.Delete(folder, recursive: true);

    // Goal: an interrupted run ends where an undisturbed one does. Method: run 4 steps at once; run the same recipe, stop it after 2
    // by a checkpoint, go on. Tolerance: none, bit-equal.
    [Fact]
    public void Run_InterruptedAndResumed_EndsBitEqual()
    {
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        TrainedWeights whole = new CompactTrainer(Small, Path.Combine(folder, "whole"), checkpointSteps: 2).Run(_ => { }, cancellation);

        string path = Path.Combine(folder, "interrupted");
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var first = new CompactTrainer(Small, path, checkpointSteps: 2, reportSteps: 1);
        Assert.ThrowsAny<OperationCanceledException>(() => first.Run(progress => { if (progress.Step == 3) stop.Cancel(); }, stop.Token));
        Assert.Equal(["step-00000002.safetensors"], Directory.GetFiles(path).Select(Path.GetFileName));
        TrainedWeights resumed = new CompactTrainer(Small, path, checkpointSteps: 2).Run(_ => { }, cancellation);

        foreach ((string name, (long[] shape, float[] values)) in whole.Arrays)
        {
            Assert.Equal(shape, resumed.Arrays[name].Shape);
            Assert.Equal(values, resumed.Arrays[name].Values);
        }
    }

    [Fact]
    public void Restore_CheckpointOfAnotherNetwork_IsRefused()
    {
        string path = Path.Combine(folder, "c");
        new CompactTrainer(Small with { Steps = 1 }, path).Run(_ => { }, TestContext.Current.CancellationToken);
        var deeper = new CompactTrainer(Small with { Steps = 2, Depth = 2 }, path);
        Assert.Throws<CheckpointException>(() => deeper.Run(_ => { }, TestContext.Current.CancellationToken));
    }
}
