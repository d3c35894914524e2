using CorrMesh.Training.Data;
using CorrMesh.Vision.Images;
using Xunit;

namespace CorrMesh.Evaluation.Pairs.Tests;

public class FeatureMapMatcherTests
{
    private const int Tokens = 40, Side = 560;
    private static readonly FeatureMapMatcher Matcher = new("patches", image => RgbPatchMap.Describe(image, Tokens));

    // Goal: the path from pixel to descriptor to pixel has no offset. Method: match a generated picture to itself at 576 points.
    // Tolerance: nine in ten within 1 px; the rest lie on repeated or flat content.
    [Fact]
    public void Match_PictureToItself_GivesThePointsBack()
    {
        RgbImage picture = Generated();
        (float X, float Y)[] points = [.. PairCase.Grid(picture)];
        (float X, float Y)[] answers = Matcher.Match(picture, picture, points);
        int near = points.Zip(answers).Count(pair => Math.Abs(pair.First.X - pair.Second.X) <= 1 && Math.Abs(pair.First.Y - pair.Second.Y) <= 1);
        Assert.True(near >= 0.9 * points.Length, $"{near} of {points.Length} points come back");
    }

    // Goal: a known motion is found. Method: move the picture by whole patches (three right, two down), where patches repeat exactly.
    // Tolerance: as above, for points whose surroundings stay in the picture.
    [Fact]
    public void Match_PictureMovedByWholePatches_FindsTheMotion()
    {
        RgbImage picture = Generated();
        const int right = 42, down = 28;
        var moved = new byte[picture.Pixels.Length];
        for (int y = 0; y < Side; y++)
            for (int x = 0; x < Side; x++)
                picture.Pixels.AsSpan(((y + Side - down) % Side * Side + (x + Side - right) % Side) * 3, 3).CopyTo(moved.AsSpan((y * Side + x) * 3));
        (float X, float Y)[] points = [.. PairCase.Grid(picture).Where(point => point.X is > 14 and < Side - 70 && point.Y is > 14 and < Side - 70)];
        (float X, float Y)[] answers = Matcher.Match(picture, new RgbImage(Side, Side, moved), points);
        int near = points.Zip(answers).Count(pair => Math.Abs(pair.First.X + right - pair.Second.X) <= 1 && Math.Abs(pair.First.Y + down - pair.Second.Y) <= 1);
        Assert.True(near >= 0.9 * points.Length, $"{near} of {points.Length} points are found");
    }

    private static RgbImage Generated() => new(Side, Side, new PlanarPairGenerator(1).Generate(PlanarPairGenerator.FirstEvaluationIndex + 3, 0.2, Side, 2).Views[0].Pixels);
}
