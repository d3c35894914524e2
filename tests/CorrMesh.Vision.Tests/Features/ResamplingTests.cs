using CorrMesh.Vision.Features;
using CorrMesh.Vision.Images;
using Xunit;

namespace CorrMesh.Vision.Tests.Features;

public class ResamplingTests
{
    public static TheoryData<string, Func<int, int, AxisWeights>> Filters() => new()
    {
        { "triangle", AxisWeights.Triangle },
        { "lanczos", AxisWeights.Lanczos },
        { "neighbours", AxisWeights.Neighbours },
        { "aligned corners", AxisWeights.AlignedCorners },
    };

    [Theory]
    [MemberData(nameof(Filters), DisableDiscoveryEnumeration = true)]
    public void Resize_ConstantSource_StaysConstant(string name, Func<int, int, AxisWeights> filter)
    {
        foreach ((int from, int to) in new[] { (1, 1), (1, 9), (9, 1), (7, 31), (31, 7), (2, 3) })
        {
            float[] source = [.. Enumerable.Repeat(0.75f, from * from * 2)];
            Assert.All(Resampling.Resize(source, 2, filter(from, to), filter(from, to)), value => Assert.True(Math.Abs(value - 0.75f) < 1e-6, $"{name}: {value}"));
        }
    }

    [Theory]
    [MemberData(nameof(Filters), DisableDiscoveryEnumeration = true)]
    public void Resize_SameSize_ChangesNothing(string name, Func<int, int, AxisWeights> filter)
    {
        float[] source = TinyModel.Values(name, 8 * 5 * 3, 0, 1);
        float[] same = Resampling.Resize(source, 3, filter(8, 8), filter(5, 5));
        for (int i = 0; i < source.Length; i++) Assert.Equal(source[i], same[i], 1e-6f);
    }

    // Goal: mirrored input gives mirrored output, so no filter is shifted. Tolerance: 1e-5, sums run in the other order.
    [Theory]
    [MemberData(nameof(Filters), DisableDiscoveryEnumeration = true)]
    public void Resize_MirroredSource_IsMirrored(string name, Func<int, int, AxisWeights> filter)
    {
        float[] source = TinyModel.Values(name, 23, 0, 1);
        foreach (int size in new[] { 7, 40 })
        {
            float[] forward = Resampling.Resize(source, 1, filter(23, size), filter(1, 1)), mirrored = Resampling.Resize(source.Reverse().ToArray(), 1, filter(23, size), filter(1, 1));
            for (int i = 0; i < size; i++) Assert.Equal(forward[i], mirrored[size - 1 - i], 1e-5f);
        }
    }

    [Fact]
    public void Resize_WrongLengthOrSize_IsRefused()
    {
        Assert.Throws<ArgumentException>(() => Resampling.Resize(new float[11], 3, AxisWeights.Triangle(2, 2), AxisWeights.Triangle(2, 2)));
        Assert.Throws<ArgumentException>(() => AxisWeights.Triangle(2, 0));
        Assert.Throws<ArgumentException>(() => Resampling.Resize(new float[1024], 1024, AxisWeights.Triangle(1, 2000), AxisWeights.Triangle(1, 2000)));
    }

    [Fact]
    public void ToSquare_ThinPicture_KeepsAPixelAndPadsBothSides()
    {
        RgbImage square = LanczosResize.ToSquare(new RgbImage(100, 1, [.. Enumerable.Repeat((byte)200, 300)]), 20);
        Assert.Equal((20, 20), (square.Width, square.Height));
        Assert.Equal(20 * 3, square.Pixels.Count(p => p == 200));
        Assert.All(LanczosResize.ToSquare(new RgbImage(100, 1, [.. Enumerable.Repeat((byte)200, 300)]), 20, repeatEdges: true).Pixels, p => Assert.Equal(200, p));
    }

    [Fact]
    public void Resize_DenseFeaturesNormalised_HaveUnitLength()
    {
        InputGeometry geometry = InputGeometry.ForTokens(50, 40, 6);
        var map = new FeatureMap(50, 40, geometry.X, geometry.Y, 5, TinyModel.Values("dense", geometry.Columns * geometry.Rows * 5, 0, 1));
        float[] dense = DenseFeatures.Resize(map, 50, 40, normalise: true);
        Assert.Equal(50 * 40 * 5, dense.Length);
        for (int i = 0; i < dense.Length; i += 5) Assert.Equal(1, dense.AsSpan(i, 5).ToArray().Sum(x => (double)x * x), 1e-5);
    }
}
