using CorrMesh.Training.Data;
using CorrMesh.Training.Optimisation;
using Xunit;

namespace CorrMesh.Training.Tests;

public sealed class CompactRecipeTests
{
    // Goal: a run may be prolonged from a checkpoint before its decay. Method: two lengths agree in everything up to the shorter
    // one's decay.
    [Fact]
    public void Schedule_BeforeTheDecay_DoesNotDependOnTheLength()
    {
        var shorter = new CompactRecipe { Steps = 1000 };
        var longer = new CompactRecipe { Steps = 5000 };
        for (int step = 0; step < shorter.DecayStart; step++)
        {
            Assert.Equal(longer.LearningRateAt(step), shorter.LearningRateAt(step));
            Assert.Equal(longer.HardestAt(step), shorter.HardestAt(step));
            Assert.Equal(longer.BatchAt(step), shorter.BatchAt(step));
        }
    }

    [Fact]
    public void LearningRateAt_WarmUpAndDecay_RisesToFullAndFallsToNearZero()
    {
        var recipe = new CompactRecipe { Steps = 1000, WarmUpSteps = 100, LearningRate = 1 };
        Assert.Equal(0.01, recipe.LearningRateAt(0), 12);
        Assert.Equal(1, recipe.LearningRateAt(99), 12);
        Assert.Equal(1, recipe.LearningRateAt(recipe.DecayStart), 12);
        Assert.Equal(1.0 / 200, recipe.LearningRateAt(999), 12);
    }

    // Goal: a batch is well-formed. Method: every real point's bilinear weights sum to 1 on both sides and lie in the grid, padding has
    // none, most places are filled, and equal arguments give equal batches. Tolerance: 1e-5 on sums of four float32 weights.
    [Fact]
    public void Build_SameArguments_GivesTheSameWellFormedBatch()
    {
        var recipe = new CompactRecipe { Steps = 10, PointCount = 24 };
        const int step = 3;
        ViewBatch batch = ViewBatch.Build(recipe, new SceneSource(recipe), step);
        CorrespondenceBatch points = batch.Correspondences;
        int side = batch.Size / 14;
        Assert.Equal(side * side, batch.TokenCount);
        Assert.True(points.ValidCount > points.PairCount * points.PointCount / 2, $"{points.ValidCount} points");
        int positive = 0;
        for (int i = 0; i < points.PairCount * points.PointCount; i++)
        {
            float weight = points.TargetWeights.AsSpan(4 * i, 4).ToArray().Sum();
            if (weight == 0) continue;
            positive++;
            Assert.Equal(1f, weight, 1e-5f);
            Assert.Equal(1f, points.SourceWeights.AsSpan(4 * i, 4).ToArray().Sum(), 1e-5f);
            for (int k = 0; k < 4; k++) Assert.InRange(points.TargetTokens[4 * i + k], 0, batch.TokenCount - 1);
        }

        Assert.Equal(points.ValidCount, positive);
        Assert.Equal(ViewBatch.Build(recipe, new SceneSource(recipe), step).Pixels, batch.Pixels);
    }
}
