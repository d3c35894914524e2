using CorrMesh.Training.Finetuning;
using CorrMesh.Vision.Features;
using Xunit;

namespace CorrMesh.Training.Tests.Finetuning;

public class PairSourceTests
{
    private static readonly FinetuneRecipe Small = new() { Tokens = 8, Keypoints = 200, LoraBlocks = 2 };

    // Goal: a step's pair depends on the step alone. Method: build steps in order, backwards, and with another cache; all arrays agree, and different steps differ.
    [Fact]
    public void Build_AnyOrderAndCache_GivesTheSamePairs()
    {
        using ViewCache none = new(0), all = new(1 << 30);
        FinetuneRecipe recipe = Small with { CacheTrunk = true, PoolSize = 3 };
        var first = new PairSource(recipe, new PanningViews(), none, 14);
        var second = new PairSource(recipe, new PanningViews(), all, 14);
        ViewPair[] forward = [.. Enumerable.Range(0, 10).Select(first.Build)];
        for (int step = 9; step >= 0; step--)
        {
            ViewPair pair = second.Build(step);
            Assert.Equal((forward[step].Source.Key, forward[step].Target.Key), (pair.Source.Key, pair.Target.Key));
            Assert.Equal(forward[step].Source.Image!.Planes, pair.Source.Image!.Planes);
            Assert.Equal(forward[step].Points.Source.ObjectPoints, pair.Points.Source.ObjectPoints);
            Assert.Equal(forward[step].Points.Target.Weights, pair.Points.Target.Weights);
            Assert.Equal(forward[step].Points.SourceIndices, pair.Points.SourceIndices);
        }
        Assert.Equal(10, forward.Select(pair => (pair.Source.Key, pair.Target.Key, pair.Points.Source.ObjectPoints[0])).Distinct().Count());
    }

    // Goal: the pool has as many variants of a view as asked for; without it every step has its own. Method: count the augmentations that 120 steps used.
    [Fact]
    public void Build_PoolOfVariants_UsesThatManyOfEachView()
    {
        Assert.Equal(2 * 4 * 3, Augmentations(Small with { CacheTrunk = true, PoolSize = 3 }).Distinct().Count());
        Assert.Equal(240, Augmentations(Small).Distinct().Count());
        Assert.All(Augmentations(Small with { Augment = false }), key => Assert.Null(key.Augmentation));

        static List<ViewKey> Augmentations(FinetuneRecipe recipe)
        {
            using var cache = new ViewCache(0);
            var pairs = new PairSource(recipe, new PanningViews(), cache, 14);
            return [.. Enumerable.Range(0, 120).Select(pairs.Build).SelectMany(pair => new[] { pair.Source.Key, pair.Target.Key })];
        }
    }

    // Goal: the two views are different ones of one object, and within the angle. Method: views whose angle grows with their distance.
    [Fact]
    public void Build_ViewsTurnedTooFar_AreDrawnAgain()
    {
        using var cache = new ViewCache(0);
        var pairs = new PairSource(Small with { MaxAngle = 60, Augment = false }, new PanningViews { Angle = (first, second) => 40 * Math.Abs(first - second) }, cache, 14);
        for (int step = 0; step < 50; step++)
        {
            ViewPair pair = pairs.Build(step);
            Assert.Equal(pair.Source.Key.Object, pair.Target.Key.Object);
            Assert.Equal(1, Math.Abs(pair.Source.Key.View - pair.Target.Key.View));
        }
    }

    [Fact]
    public void Build_NoUsablePair_SaysWhatWasSought()
    {
        using var cache = new ViewCache(0);
        var turned = new PairSource(Small, new PanningViews { Angle = (_, _) => 150 }, cache, 14);
        Assert.StartsWith("step 6: in 200 draws no two views within max_angle 120 showed at least 12 points", Assert.Throws<InvalidOperationException>(() => turned.Build(5)).Message);
        var tiny = new PairSource(Small, new PanningViews { Side = 3 }, cache, 14);
        Assert.Throws<InvalidOperationException>(() => tiny.Build(0));
    }

    // Goal: points are drawn as the paper draws them. Method: without replacement where there are enough, with it where there are not; those that left the picture are dropped.
    [Fact]
    public void Build_Keypoints_AreDrawnFromTheObject()
    {
        using var cache = new ViewCache(0);
        ViewPoints many = new PairSource(Small with { Augment = false }, new PanningViews(), cache, 14).Build(1).Points.Source;
        Assert.Equal(200, many.Count);
        Assert.Equal(200, Distinct(many));
        ViewPoints few = new PairSource(Small with { Augment = false }, new PanningViews { Side = 10 }, cache, 14).Build(1).Points.Source;
        Assert.Equal(200, few.Count);
        Assert.InRange(Distinct(few), 60, 100);
        int[] counts = [.. Enumerable.Range(0, 20).Select(new PairSource(Small, new PanningViews { Side = 64 }, cache, 14).Build).Select(pair => pair.Points.Source.Count)];
        Assert.All(counts, count => Assert.InRange(count, 100, 200));
        Assert.True(counts.Min() < 190, "no augmentation moved a point out of its picture");

        static int Distinct(ViewPoints points) => Enumerable.Range(0, points.Count).Select(i => (points.ObjectPoints[3 * i], points.ObjectPoints[3 * i + 1])).Distinct().Count();
    }

    [Fact]
    public void Create_ObjectsAreNotThere_IsRefused()
    {
        using var cache = new ViewCache(0);
        Assert.Equal("object_count: at most 2 needed, 3 given", Refusal(Small with { ObjectCount = 3 }, new PanningViews()));
        Assert.Equal("objects: 'mug' is not one of the source's 2", Refusal(Small with { Objects = ["mug"] }, new PanningViews()));
        Assert.Equal("objects: the source has none", Refusal(Small, new PanningViews(objects: 0)));
        Assert.Equal("objects: at least 2 views of each needed, 1 of 'object-0' given", Refusal(Small, new PanningViews(views: 1)));

        string Refusal(FinetuneRecipe recipe, PanningViews views) => Assert.Throws<ArgumentException>(() => new PairSource(recipe, views, cache, 14)).Message;
    }

    [Fact]
    public void Build_ChosenObjects_AreTheOnlyOnes()
    {
        using var cache = new ViewCache(0);
        foreach ((FinetuneRecipe recipe, int only) in new[] { (Small with { Objects = ["object-1"] }, 1), (Small with { ObjectCount = 1 }, 0) })
        {
            var pairs = new PairSource(recipe, new PanningViews(objects: 3), cache, 14);
            Assert.All(Enumerable.Range(0, 20).Select(pairs.Build), pair => Assert.Equal(only, pair.Source.Key.Object));
        }
    }

    // Goal: training samples descriptors where the service does. Method: bilinear sums over corners of a grid with known values against KeypointSampler, points outside
    // included, and a grid one token wide. Tolerance: 1e-5, float32 sums in another order.
    [Theory]
    [InlineData(7, 5)]
    [InlineData(1, 4)]
    public void Create_Points_SampleAsTheServiceDoes(int columns, int rows)
    {
        TokenAxis x = new(columns, 0.1f, -0.5f), y = new(rows, 0.13f, -0.5f);
        float[] values = [.. Enumerable.Range(0, columns * rows * 2).Select(i => MathF.Sin(i * 1.7f))];
        var map = new FeatureMap(80, 60, x, y, 2, values);
        float[] points = [3, 4, 0, 0, 79.5f, 59.5f, -20, 30, 200, 100, 41.3f, 22.7f, 15, 11.54f];
        ViewPoints sampled = ViewPoints.Create(points, new float[points.Length / 2 * 3], x, y);
        float[] expected = KeypointSampler.Sample(map, points, normalise: false);
        for (int i = 0; i < expected.Length; i++)
        {
            float sum = Enumerable.Range(0, 4).Sum(k => sampled.Weights[i / 2 * 4 + k] * values[sampled.Corners[i / 2 * 4 + k] * 2 + i % 2]);
            Assert.Equal(expected[i], sum, 1e-5f);
        }
    }

    [Fact]
    public void TrainingView_LengthsDoNotFit_IsRefused() =>
        Assert.StartsWith("object_points: 6 values needed for 2 points, 5 given", Assert.Throws<ArgumentException>(() => new TrainingView(new(1, 1, new byte[3]), new float[4], new float[5])).Message);
}
