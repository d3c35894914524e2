using CorrMesh.Vision.Features;
using Xunit;

namespace CorrMesh.Vision.Tests.Features;

public class KeypointSamplerTests
{
    private const int Columns = 6, Rows = 4, Channels = 11;

    private static readonly InputGeometry Geometry = InputGeometry.Native(Columns * 14, Rows * 14);

    private static FeatureMap Map(Func<int, int, int, float> value)
    {
        var values = new float[Rows * Columns * Channels];
        for (int i = 0; i < values.Length; i++) values[i] = value(i / Channels / Columns, i / Channels % Columns, i % Channels);
        return new FeatureMap(Geometry.ImageWidth, Geometry.ImageHeight, Geometry.X, Geometry.Y, Channels, values);
    }

    private static FeatureMap RandomMap(int seed)
    {
        var random = new Random(seed);
        return Map((_, _, _) => (float)(random.NextDouble() * 2 - 1));
    }

    [Fact]
    public void Sample_TokenCentres_AreTheTokens()
    {
        FeatureMap map = RandomMap(1);
        for (int row = 0; row < Rows; row++)
            for (int column = 0; column < Columns; column++)
                Assert.Equal(map.Token(row, column).ToArray(), KeypointSampler.Sample(map, [7 + 14 * column, 7 + 14 * row], false), (x, y) => Math.Abs(x - y) < 1e-6);
    }

    // Goal: sampling is bilinear. Method: a map that is itself a product of linear functions comes back exactly. Tolerance: 1e-4 at values near 50.
    [Fact]
    public void Sample_BilinearMap_IsReproducedBetweenTokens()
    {
        FeatureMap map = Map((row, column, channel) => 1 + channel + 0.5f * column - 2 * row + 0.25f * row * column * channel);
        var random = new Random(2);
        for (int trial = 0; trial < 200; trial++)
        {
            float column = (float)random.NextDouble() * (Columns - 1), row = (float)random.NextDouble() * (Rows - 1);
            float[] sampled = KeypointSampler.Sample(map, [7 + 14 * column, 7 + 14 * row], false);
            for (int channel = 0; channel < Channels; channel++)
                Assert.Equal(1 + channel + 0.5f * column - 2 * row + 0.25f * row * column * channel, sampled[channel], 1e-4f);
        }
    }

    [Fact]
    public void Sample_OutsideTheCentres_TakesTheBorder()
    {
        FeatureMap map = RandomMap(3);
        Assert.Equal(KeypointSampler.Sample(map, [7, 7], false), KeypointSampler.Sample(map, [-1000, -0.5f], false));
        Assert.Equal(KeypointSampler.Sample(map, [77, 49], false), KeypointSampler.Sample(map, [1e9f, 55], false));
    }

    [Fact]
    public void Sample_PermutedPoints_PermutesDescriptors()
    {
        FeatureMap map = RandomMap(4);
        float[] forward = KeypointSampler.Sample(map, [1, 2, 30, 20, 70, 40], true), back = KeypointSampler.Sample(map, [70, 40, 30, 20, 1, 2], true);
        for (int i = 0; i < 3; i++) Assert.Equal(forward[(i * Channels)..((i + 1) * Channels)], back[((2 - i) * Channels)..((3 - i) * Channels)]);
    }

    [Fact]
    public void Sample_Normalised_HasUnitLengthAndZeroStaysZero()
    {
        float[] unit = KeypointSampler.Sample(RandomMap(5), [33, 21], true);
        Assert.Equal(1, unit.Sum(x => (double)x * x), 1e-6);
        Assert.All(KeypointSampler.Sample(Map((_, _, _) => 0), [33, 21], true), x => Assert.Equal(0, x));
    }

    [Fact]
    public void Sample_SingleToken_IsConstant()
    {
        var map = new FeatureMap(14, 14, new TokenAxis(1, 1 / 14f, -0.5f), new TokenAxis(1, 1 / 14f, -0.5f), 2, [3, 4]);
        Assert.Equal([3, 4, 3, 4], KeypointSampler.Sample(map, [0, 0, 13, 14], false));
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void Sample_NotFinite_IsRefused(float x) =>
        Assert.Contains("points[1]", Assert.Throws<ArgumentException>(() => KeypointSampler.Sample(RandomMap(6), [1, 1, x, 1], false)).Message, StringComparison.Ordinal);

    // Goal: the closed form is the definition. Method: brute force over every pixel of maps with random, tied, equal and zero values; a row-major
    // first maximum of interpolated similarities. Tolerance: equal positions, since small whole numbers leave no rounding.
    [Fact]
    public void Match_AgainstEveryPixel_FindsTheFirstMaximum()
    {
        var random = new Random(7);
        for (int trial = 0; trial < 60; trial++)
        {
            int levels = trial % 5 == 0 ? 1 : trial % 2 == 0 ? 3 : 1000;
            FeatureMap map = Map((_, _, _) => random.Next(-levels + 1, levels));
            float[] descriptor = [.. Enumerable.Range(0, Channels).Select(_ => trial % 7 == 0 ? 0f : random.Next(-3, 4))];
            float[] pixels = SemanticTransfer.SimilarityMap(map, descriptor);
            float[] dense = EveryPixel(map, descriptor);
            for (int i = 0; i < pixels.Length; i++) Assert.Equal(dense[i], pixels[i], 1e-2f);
            int best = Array.IndexOf(dense, dense.Max());
            (int X, int Y) found = SemanticTransfer.Match(map, descriptor)[0];
            Assert.Equal(dense.Max(), dense[found.Y * map.ImageWidth + found.X], 1e-2f);
            if (dense.Count(x => dense.Max() - x < 1e-2f) == 1 || levels == 1) Assert.Equal((best % map.ImageWidth, best / map.ImageWidth), found);
        }
    }

    [Fact]
    public void Match_BestTokenInAFirstRowOrColumn_IsTheImageBorder()
    {
        Assert.Equal((0, 0), SemanticTransfer.Match(Peak(0, 0), Ones())[0]);
        Assert.Equal((35, 0), SemanticTransfer.Match(Peak(0, 2), Ones())[0]);
        Assert.Equal((0, 21), SemanticTransfer.Match(Peak(1, 0), Ones())[0]);
        Assert.Equal((77, 49), SemanticTransfer.Match(Peak(Rows - 1, Columns - 1), Ones())[0]);
    }

    private static FeatureMap Peak(int row, int column) => Map((r, c, _) => (r, c) == (row, column) ? 2 : 1);

    private static float[] Ones() => [.. Enumerable.Repeat(1f, Channels)];

    // The public definition: a descriptor per pixel, then the dot product.
    private static float[] EveryPixel(FeatureMap map, float[] descriptor)
    {
        var result = new float[map.ImageWidth * map.ImageHeight];
        for (int y = 0; y < map.ImageHeight; y++)
            for (int x = 0; x < map.ImageWidth; x++)
                result[y * map.ImageWidth + x] = (float)KeypointSampler.Sample(map, [x, y], false).Zip(descriptor, (a, b) => (double)a * b).Sum();
        return result;
    }
}
