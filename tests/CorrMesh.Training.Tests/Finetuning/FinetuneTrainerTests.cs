using CorrMesh.Training.Finetuning;
using CorrMesh.Vision.Adapters;
using CorrMesh.Vision.Backbones;
using CorrMesh.Vision.Tests;
using Xunit;

namespace CorrMesh.Training.Tests.Finetuning;

[Collection(TrainingRuns.Collection)]
public sealed class FinetuneTrainerTests : IDisposable
{
    private const string Backbone = "sha256:tiny";

    private static readonly FinetuneRecipe Small = new() { Tokens = 8, LoraBlocks = 2, Keypoints = 200, LearningRate = 1e-3, Iterations = 6, PoolSize = 3 };

    private readonly string folder = Directory.CreateTempSubdirectory("corrmesh-finetune-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    // Goal: recipe and views determine the bytes. Method: two runs, exported and compared byte by byte, at one thread and at two; another seed gives another file.
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Run_SameRecipe_GivesTheSameBytes(int threads)
    {
        FinetuneRecipe recipe = Small with { Threads = threads };
        Assert.Equal(Bytes(recipe, Run(recipe, "a")), Bytes(recipe, Run(recipe, "b")));
        Assert.NotEqual(Bytes(recipe, Run(recipe, "c")), Bytes(recipe, Run(recipe with { Seed = 7 }, "d")));
    }

    // Goal: the cache changes nothing but the work. Method: the same variants with nothing kept, with room for a few, and with room for all: bit-equal adapters; the frozen blocks run
    // twice a step, less often, and once a variant.
    [Fact]
    public void Run_CachedTrunk_EndsBitEqualWithLessWork()
    {
        FinetuneRecipe recipe = Small with { CacheTrunk = true, Iterations = 40 };
        FinetuneResult none = Run(recipe with { CacheBytes = 0 }, "none"), few = Run(recipe with { CacheBytes = 1_200_000 }, "few"), all = Run(recipe, "all");
        float[] expected = Values(none.Adapter);
        Assert.Equal(expected, Values(few.Adapter));
        Assert.Equal(expected, Values(all.Adapter));
        Assert.Equal(80, none.TrunkCount);
        Assert.InRange(few.TrunkCount, 25, 79);
        Assert.InRange(all.TrunkCount, 1, 2 * 4 * 3);   // objects, views, variants
    }

    // Goal: memory stays flat. Method: 300 steps of a tiny network; the tensors that live on the thread are as many in every report, once the cache has all variants.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Run_HundredsOfSteps_LiveTensorsStayConstant(bool cacheTrunk)
    {
        var live = new List<long>();
        var sizes = new List<long>();
        FinetuneRecipe recipe = Small with { Iterations = 300, CacheTrunk = cacheTrunk, PoolSize = 2, Keypoints = 50 };
        Run(recipe, "flat", progress =>
        {
            live.Add(progress.LiveTensors);
            sizes.Add(progress.CacheSize);
        }, checkpointSteps: 50, reportSteps: 10);
        Assert.Equal(30, live.Count);
        int settled = cacheTrunk ? 15 : 1;
        Assert.All(live.Skip(settled), count => Assert.Equal(live[settled], count));
        Assert.All(sizes.Skip(settled), size => Assert.Equal(sizes[settled], size));
        Assert.Equal(cacheTrunk, sizes[^1] > 0);
    }

    // Goal: tensors go when a run ends. Method: the thread's count before and after.
    [Fact]
    public void Run_Ended_LeavesNoTensorBehind()
    {
        using VisionTransformer backbone = TinyModel.Create(TinyModel.Plain);
        var trainer = new FinetuneTrainer(Small with { CacheTrunk = true }, backbone, Backbone, new PanningViews(), Path.Combine(folder, "left"));
        long before = TorchSharp.DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        trainer.Run(_ => { }, TestContext.Current.CancellationToken);
        Assert.Equal(before, TorchSharp.DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    // Goal: an interrupted run ends where an undisturbed one does, whenever it is stopped. Method: stop after each of several steps (between and at checkpoints), go on, and
    // compare the exported bytes; also with the cache, which a resumed run finds empty.
    [Theory]
    [InlineData(1, false)]
    [InlineData(2, false)]
    [InlineData(5, false)]
    [InlineData(3, true)]
    public void Run_StoppedAndResumed_EndsBitEqual(int stopAfter, bool cacheTrunk)
    {
        FinetuneRecipe recipe = Small with { CacheTrunk = cacheTrunk };
        byte[] whole = Bytes(recipe, Run(recipe, "whole"));
        StopAfter(recipe, "stopped", stopAfter);
        FinetuneResult resumed = Run(recipe, "stopped", checkpointSteps: 2);
        Assert.Equal(stopAfter / 2 * 2, resumed.Resumed.Step);
        Assert.Equal(whole, Bytes(recipe, resumed));
    }

    // Goal: a torn checkpoint costs time, not the result. Method: cut short, flip a bit of, or empty the newest of two; the run goes on from the one before and ends bit-equal; the damaged
    // file is named and put aside.
    [Theory]
    [InlineData("cut")]
    [InlineData("flipped")]
    [InlineData("empty")]
    public void Run_NewestCheckpointDamaged_GoesOnFromTheOneBefore(string damage)
    {
        byte[] whole = Bytes(Small, Run(Small, "whole"));
        StopAfter(Small, "torn", 5);
        string newest = Directory.GetFiles(Path.Combine(folder, "torn")).Order().Last();
        Assert.EndsWith("step-00000004.safetensors", newest);
        byte[] bytes = File.ReadAllBytes(newest);
        if (damage == "flipped") bytes[^100] ^= 1;
        File.WriteAllBytes(newest, damage == "flipped" ? bytes : damage == "cut" ? bytes[..(bytes.Length / 2)] : []);

        FinetuneResult resumed = Run(Small, "torn", checkpointSteps: 2);
        Assert.Equal(2, resumed.Resumed.Step);
        Assert.Equal(["step-00000004.safetensors"], resumed.Resumed.Damaged);
        Assert.True(File.Exists(newest + ".damaged"));
        Assert.Equal(whole, Bytes(Small, resumed));
    }

    [Fact]
    public void Run_EveryCheckpointDamaged_BeginsAgainAndEndsBitEqual()
    {
        byte[] whole = Bytes(Small, Run(Small, "whole"));
        StopAfter(Small, "torn", 5);
        foreach (string file in Directory.GetFiles(Path.Combine(folder, "torn"))) File.WriteAllText(file, "torn");
        FinetuneResult resumed = Run(Small, "torn");
        Assert.Equal((0, 2), (resumed.Resumed.Step, resumed.Resumed.Damaged.Count));
        Assert.Equal(whole, Bytes(Small, resumed));
    }

    [Fact]
    public void Run_CheckpointOfAnotherRecipeOrBackbone_IsRefused()
    {
        Run(Small, "other");
        var recipe = Assert.Throws<CheckpointException>(() => Run(Small with { LearningRate = 1e-4, Iterations = 9 }, "other"));
        Assert.Contains("recipe", recipe.Message);
        using VisionTransformer backbone = TinyModel.Create(TinyModel.Plain);
        var trainer = new FinetuneTrainer(Small with { Iterations = 9 }, backbone, "sha256:another", new PanningViews(), Path.Combine(folder, "other"));
        Assert.Contains("backbone sha256:another needed", Assert.Throws<CheckpointException>(() => trainer.Run(_ => { }, default)).Message);
    }

    // Goal: a run can be made longer. Method: 3 steps, then the same recipe with 6: bit-equal to 6 at once; asking for fewer than are done is refused.
    [Fact]
    public void Run_MoreIterationsLater_EqualsThemAtOnce()
    {
        Run(Small with { Iterations = 3 }, "longer");
        Assert.Equal(Bytes(Small, Run(Small, "whole")), Bytes(Small, Run(Small, "longer")));
        Assert.Equal("iterations: at least 6 needed, for so many are done, 5 given", Assert.Throws<ArgumentException>(() => Run(Small with { Iterations = 5 }, "longer")).Message);
    }

    [Fact]
    public void Run_NoIterations_GivesTheInitialAdapter() =>
        Assert.Equal(Values(AdapterInitialisation.Create(Small, 24)), Values(Run(Small with { Iterations = 0 }, "none").Adapter));

    // Goal: diverging training says so and spoils no checkpoint. Method: a backbone whose output is not a number.
    [Fact]
    public void Run_LossIsNotFinite_StopsWithAClearError()
    {
        using VisionTransformer backbone = TinyModel.Create(TinyModel.Plain);
        using (TorchSharp.torch.no_grad()) backbone.parameters().First(p => p.shape.Length == 4).fill_(float.NaN);
        var trainer = new FinetuneTrainer(Small, backbone, Backbone, new PanningViews(), Path.Combine(folder, "nan"));
        string message = Assert.Throws<InvalidOperationException>(() => trainer.Run(_ => { }, TestContext.Current.CancellationToken)).Message;
        Assert.StartsWith("step 1: a finite loss and gradient needed, NaN", message);
        Assert.False(Directory.Exists(Path.Combine(folder, "nan")));
    }

    // Goal: what a source of views throws reaches the caller. Method: views that fail to load, on the thread that loads them.
    [Fact]
    public void Run_ViewsFail_ThrowsTheirException()
    {
        var views = new PanningViews { Angle = (_, _) => throw new InvalidDataException("view 3 is missing") };
        Assert.Equal("view 3 is missing", Assert.Throws<InvalidDataException>(() => Run(Small, "fails", views: views)).Message);
    }

    private FinetuneResult Run(FinetuneRecipe recipe, string name, Action<FinetuneProgress>? report = null, int checkpointSteps = 100, int reportSteps = 20, PanningViews? views = null)
    {
        using VisionTransformer backbone = TinyModel.Create(TinyModel.Plain);
        var trainer = new FinetuneTrainer(recipe, backbone, Backbone, views ?? new PanningViews(), Path.Combine(folder, name), checkpointSteps, reportSteps);
        return trainer.Run(report ?? (_ => { }), TestContext.Current.CancellationToken);
    }

    private void StopAfter(FinetuneRecipe recipe, string name, int step)
    {
        using VisionTransformer backbone = TinyModel.Create(TinyModel.Plain);
        using var stop = new CancellationTokenSource();
        var trainer = new FinetuneTrainer(recipe, backbone, Backbone, new PanningViews(), Path.Combine(folder, name), checkpointSteps: 2, reportSteps: 1);
        Assert.ThrowsAny<OperationCanceledException>(() => trainer.Run(progress => { if (progress.Step == step) stop.Cancel(); }, stop.Token));
    }

    private byte[] Bytes(FinetuneRecipe recipe, FinetuneResult result)
    {
        string path = Path.Combine(folder, "export.safetensors");
        FinetuneExport.Write(path, result.Adapter, recipe, Backbone, recipe.Iterations);
        return File.ReadAllBytes(path);
    }

    private static float[] Values(Adapter adapter) =>
    [
        .. adapter.Blocks.SelectMany(block => new[] { block.QueryA, block.QueryB, block.ValueA, block.ValueB }).SelectMany(values => values),
        .. adapter.Refine.SelectMany(layer => layer.Weight.Concat(layer.Bias)),
    ];
}
