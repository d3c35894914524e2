using CorrMesh.Vision.Backbones;
using CorrMesh.Vision.Weights;
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

    // Goal: a run's precision is its own: bfloat16 gives other bits, near by, and a checkpoint of one is not taken for the other's. Method: one step both ways at a small rate.
    [Fact]
    public void Run_InMixedPrecision_IsARunOfItsOwn()
    {
        CompactRecipe mixed = Small with { Steps = 1 }, exact = mixed with { IsMixedPrecision = false };
        string path = Path.Combine(folder, "m");
        float[] one = new CompactTrainer(mixed, path).Run(_ => { }, TestContext.Current.CancellationToken).Arrays["blocks.0.attn.qkv.weight"].Values;
        float[] other = new CompactTrainer(exact, Path.Combine(folder, "e")).Run(_ => { }, TestContext.Current.CancellationToken).Arrays["blocks.0.attn.qkv.weight"].Values;
        Assert.NotEqual(one, other);
        Assert.All(one.Zip(other), pair => Assert.Equal(pair.First, pair.Second, 0.01f));
        Assert.Contains("a checkpoint of compute_type Float32 needed, BFloat16 given", Assert.Throws<CheckpointException>(() => new CompactTrainer(exact, path).Run(_ => { }, TestContext.Current.CancellationToken)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Restore_CheckpointOfAnotherNetwork_IsRefused()
    {
        string path = Path.Combine(folder, "c");
        new CompactTrainer(Small with { Steps = 1 }, path).Run(_ => { }, TestContext.Current.CancellationToken);
        var deeper = new CompactTrainer(Small with { Steps = 2, Depth = 2 }, path);
        Assert.Throws<CheckpointException>(() => deeper.Run(_ => { }, TestContext.Current.CancellationToken));
    }

    // Goal: training goes on from the weights that it is given. Method: no step at all gives them back as they are; one step changes them.
    [Fact]
    public void Run_StartWeights_AreWhereTrainingBegins()
    {
        StateDict start = Start();
        TrainedWeights none = new CompactTrainer(Small with { Steps = 0, StartDigest = "sha256:s" }, Path.Combine(folder, "none"), start).Run(_ => { }, TestContext.Current.CancellationToken);
        foreach ((string name, WeightArray array) in start) Assert.Equal(array.ToFloats(), none.Arrays[name].Values);
        TrainedWeights one = new CompactTrainer(Small with { Steps = 1, StartDigest = "sha256:s" }, Path.Combine(folder, "one"), start).Run(_ => { }, TestContext.Current.CancellationToken);
        Assert.NotEqual(none.Arrays["blocks.0.attn.qkv.weight"].Values, one.Arrays["blocks.0.attn.qkv.weight"].Values);
        // A first step at a learning rate of 1e-3 is nowhere near weights of another start.
        Assert.All(none.Arrays["norm.bias"].Values.Zip(one.Arrays["norm.bias"].Values), pair => Assert.Equal(pair.First, pair.Second, 0.01f));
    }

    [Fact]
    public void Run_StartWithoutAnArray_NamesIt()
    {
        var start = new StateDict();
        foreach ((string name, WeightArray array) in Start())
            if (name != "norm.weight") start.Add(name, array);
        Assert.StartsWith("start: norm.weight [192] needed, none given", Refused(start), StringComparison.Ordinal);
    }

    [Fact]
    public void Run_StartOfAnotherShape_NamesBoth()
    {
        var start = new StateDict();
        foreach ((string name, WeightArray array) in Start())
            start.Add(name, name == "norm.weight" ? WeightArray.FromFloats(new float[96], 96) : array);
        Assert.StartsWith("start: norm.weight [192] needed, [96] given", Refused(start), StringComparison.Ordinal);
    }

    // Goal: checkpoints of one start are not taken for another's.
    [Fact]
    public void Restore_CheckpointOfAnotherStart_IsRefused()
    {
        string path = Path.Combine(folder, "s");
        new CompactTrainer(Small with { Steps = 1 }, path).Run(_ => { }, TestContext.Current.CancellationToken);
        var other = new CompactTrainer(Small with { Steps = 2, StartDigest = "sha256:s" }, path, Start());
        Assert.Contains("a checkpoint of start sha256:s needed, random given", Assert.Throws<CheckpointException>(() => other.Run(_ => { }, TestContext.Current.CancellationToken)).Message, StringComparison.Ordinal);
    }

    private string Refused(StateDict start) =>
        Assert.Throws<ArgumentException>(() => new CompactTrainer(Small, Path.Combine(folder, "refused"), start).Run(_ => { }, TestContext.Current.CancellationToken)).Message;

    // Values that no initialisation gives.
    private static StateDict Start()
    {
        using var network = new VisionTransformer(Small.Network);
        var random = new Random(5);
        var start = new StateDict();
        foreach ((string name, var parameter) in network.named_parameters())
            if (name != "mask_token") start.Add(name, WeightArray.FromFloats([.. Enumerable.Range(0, (int)parameter.numel()).Select(_ => (float)(0.2 + 0.1 * random.NextDouble()))], parameter.shape));
        return start;
    }
}
