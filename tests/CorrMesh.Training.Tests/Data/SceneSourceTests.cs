using Xunit;

namespace CorrMesh.Training.Data.Tests;

public class SceneSourceTests
{
    // Goal: scenes are mixed as the recipe says. Method: the choice of 10,000 indices, without making the scenes. Tolerance: four deviations of a fair draw.
    [Theory]
    [InlineData(0)]
    [InlineData(0.3)]
    [InlineData(0.75)]
    [InlineData(1)]
    public void IsObject_ManyIndices_KeepsTheRecipesFraction(double fraction)
    {
        var source = new SceneSource(new CompactRecipe { Seed = 5, ObjectFraction = fraction });
        const int count = 10_000;
        double share = Enumerable.Range(0, count).Count(index => source.IsObject(index)) / (double)count;
        Assert.InRange(share, fraction - 4 * Math.Sqrt(fraction * (1 - fraction) / count), fraction + 4 * Math.Sqrt(fraction * (1 - fraction) / count));
    }

    // Goal: a scene depends on its index alone, not on those made before: a run that goes on from a checkpoint sees what an undisturbed one does. Method: one source makes all,
    // another each; kinds and bytes are equal.
    [Fact]
    public void Generate_AnyIndex_IsTheSceneThatWasChosenWhateverCameBefore()
    {
        var recipe = new CompactRecipe { Seed = 5, ObjectFraction = 0.5 };
        var source = new SceneSource(recipe);
        for (int index = 0; index < 40; index++)
        {
            IViewSet scene = source.Generate(index, 1, 48, 2), again = new SceneSource(recipe).Generate(index, 1, 48, 2);
            Assert.Equal(source.IsObject(index) ? typeof(ObjectViewSet) : typeof(PlanarViewSet), scene.GetType());
            for (int view = 0; view < 2; view++) Assert.True(scene.PixelsOf(view).AsSpan().SequenceEqual(again.PixelsOf(view)), $"scene {index}, view {view} depends on what came before");
        }
        Assert.Equal([false, true], Enumerable.Range(0, 40).Select(index => source.IsObject(index)).Distinct().Order());
    }

    [Fact]
    public void IsObject_OtherSeed_ChoosesOtherwise() => Assert.NotEqual(
        Enumerable.Range(0, 64).Select(index => new SceneSource(new CompactRecipe { Seed = 1 }).IsObject(index)),
        Enumerable.Range(0, 64).Select(index => new SceneSource(new CompactRecipe { Seed = 2 }).IsObject(index)));
}
