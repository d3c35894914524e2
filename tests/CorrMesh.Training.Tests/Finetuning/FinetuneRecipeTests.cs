using CorrMesh.Training.Finetuning;
using CorrMesh.Vision.Backbones;
using Xunit;

namespace CorrMesh.Training.Tests.Finetuning;

public class FinetuneRecipeTests
{
    private static readonly VisionTransformerConfig Backbone = new(Width: 12, Depth: 3, Heads: 2, PatchSize: 14, TableSide: 4, Registers: 0, FeedForwardKind.Mlp, HiddenWidth: 24);

    [Fact]
    public void Defaults_AreThePapersRecipe()
    {
        var recipe = new FinetuneRecipe();
        recipe.Validate();
        Assert.Equal((FinetuneLoss.SmoothAp, 4, 4, 1), (recipe.Loss, recipe.LoraRank, recipe.LoraBlocks, recipe.ConvLayers));
        Assert.Equal((1e-5, 1e-4, 1.0), (recipe.LearningRate, recipe.WeightDecay, recipe.ClipNorm));
        Assert.Equal((10_000, 80, 3000, 120.0, 42), (recipe.Iterations, recipe.Tokens, recipe.Keypoints, recipe.MaxAngle, recipe.Seed));
        Assert.False(recipe.CacheTrunk);
    }

    public static TheoryData<FinetuneRecipe, string> OnePastTheLimit => new()
    {
        { new() { Loss = (FinetuneLoss)7 }, "loss: one of SmoothAp, Contrastive, Procrustes needed, 7 given" },
        { new() { ConvLayers = 4 }, "conv_layers: 0 to 3 needed, 4 given" },
        { new() { ConvLayers = -1 }, "conv_layers: 0 to 3 needed, -1 given" },
        { new() { LoraRank = 0 }, "lora_rank: 1 to 64 needed, 0 given" },
        { new() { LoraRank = 65 }, "lora_rank: 1 to 64 needed, 65 given" },
        { new() { LoraBlocks = 49 }, "lora_blocks: 0 to 48 needed, 49 given" },
        { new() { LoraBlocks = 0, ConvLayers = 0 }, "conv_layers: at least 1 needed where lora_blocks is 0 (there would be nothing to train), 0 given" },
        { new() { LearningRate = 0 }, "learning_rate: 1E-08 to 0.1 needed, 0 given" },
        { new() { LearningRate = double.NaN }, "learning_rate: 1E-08 to 0.1 needed, NaN given" },
        { new() { LearningRate = 0.2 }, "learning_rate: 1E-08 to 0.1 needed, 0.2 given" },
        { new() { WeightDecay = -0.1 }, "weight_decay: 0 to 1 needed, -0.1 given" },
        { new() { ClipNorm = double.PositiveInfinity }, "clip_norm: 0.001 to 1000000 needed, Infinity given" },
        { new() { Iterations = 1_000_001 }, "iterations: 0 to 1000000 needed, 1000001 given" },
        { new() { Tokens = 7 }, "tokens: 8 to 160 needed, 7 given" },
        { new() { Tokens = 161 }, "tokens: 8 to 160 needed, 161 given" },
        { new() { ObjectCount = -1 }, "object_count: 0 to 100000 needed, -1 given" },
        { new() { ObjectCount = 2, Objects = ["mug"] }, "object_count: 0 needed where objects are named, 2 given" },
        { new() { Objects = ["mug", "cup", "mug"] }, "objects: each once needed, 'mug' given 2 times" },
        { new() { Keypoints = 15 }, "keypoints: 16 to 10000 needed, 15 given" },
        { new() { MaxAngle = 181 }, "max_angle: 1 to 180 needed, 181 given" },
        { new() { PoolSize = 257 }, "pool_size: 1 to 256 needed, 257 given" },
        { new() { CacheBytes = -1 }, "cache_bytes: 0 to 1099511627776 needed, -1 given" },
        { new() { Seed = -1 }, "seed: 0 to 2147483647 needed, -1 given" },
        { new() { Threads = 0 }, "threads: 1 to 256 needed, 0 given" },
    };

    [Theory]
    [MemberData(nameof(OnePastTheLimit))]
    public void Validate_OnePastALimit_NamesFieldBoundAndValue(FinetuneRecipe recipe, string message) =>
        Assert.Equal(message, Assert.Throws<ArgumentException>(recipe.Validate).Message);

    public static TheoryData<FinetuneRecipe> AtTheLimit => new()
    {
        new FinetuneRecipe { ConvLayers = 3, LoraRank = 64, LoraBlocks = 48, LearningRate = 0.1, WeightDecay = 1, ClipNorm = 1e6, Iterations = 1_000_000, Tokens = 160 },
        new FinetuneRecipe { ConvLayers = 1, LoraRank = 1, LoraBlocks = 0, LearningRate = 1e-8, WeightDecay = 0, ClipNorm = 1e-3, Iterations = 0, Tokens = 8 },
        new FinetuneRecipe { ConvLayers = 0, Keypoints = 10_000, MaxAngle = 180, PoolSize = 256, CacheBytes = 1L << 40, Seed = int.MaxValue, Threads = 256, ObjectCount = 100_000 },
        new FinetuneRecipe { Keypoints = 16, MaxAngle = 1, PoolSize = 1, CacheBytes = 0, Seed = 0, Threads = 1, Objects = ["mug", "cup"] },
    };

    [Theory]
    [MemberData(nameof(AtTheLimit))]
    public void Validate_AtALimit_Passes(FinetuneRecipe recipe) => Assert.Empty(recipe.Faults());

    [Fact]
    public void Validate_SeveralFaults_AreReportedAtOnce()
    {
        string message = Assert.Throws<ArgumentException>(new FinetuneRecipe { ConvLayers = 9, Tokens = 1 }.Validate).Message;
        Assert.Equal("conv_layers: 0 to 3 needed, 9 given; tokens: 8 to 160 needed, 1 given", message);
    }

    [Fact]
    public void Validate_MoreThanTheBackboneHas_IsRefused()
    {
        Assert.Equal("lora_blocks: at most 3 needed for this backbone, 4 given", Assert.Throws<ArgumentException>(() => new FinetuneRecipe().Validate(Backbone)).Message);
        Assert.Equal("lora_rank: at most 12 needed for this backbone, 13 given",
            Assert.Throws<ArgumentException>(() => new FinetuneRecipe { LoraBlocks = 3, LoraRank = 13 }.Validate(Backbone)).Message);
    }

    // Goal: a run goes on only from its own kind. Method: the digest stays where the length or the cache's size changes, and differs with everything else.
    [Fact]
    public void Digest_OtherSteps_Differs()
    {
        var recipe = new FinetuneRecipe();
        Assert.Equal(recipe.Digest(), (recipe with { Iterations = 7, CacheBytes = 1 }).Digest());
        FinetuneRecipe[] others =
        [
            recipe with { Loss = FinetuneLoss.Contrastive }, recipe with { ConvLayers = 2 }, recipe with { LoraRank = 8 }, recipe with { LoraBlocks = 3 }, recipe with { LearningRate = 3e-5 },
            recipe with { WeightDecay = 0 }, recipe with { ClipNorm = 2 }, recipe with { Tokens = 40 }, recipe with { ObjectCount = 1 }, recipe with { Objects = ["mug"] }, recipe with { Keypoints = 100 },
            recipe with { MaxAngle = 60 }, recipe with { Augment = false }, recipe with { CacheTrunk = true }, recipe with { PoolSize = 4 }, recipe with { Seed = 1 }, recipe with { Threads = 2 },
        ];
        Assert.Equal(others.Length + 1, others.Select(other => other.Digest()).Append(recipe.Digest()).Distinct().Count());
    }
}
