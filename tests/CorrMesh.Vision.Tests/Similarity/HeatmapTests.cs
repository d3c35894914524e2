using CorrMesh.Vision.Images;
using CorrMesh.Vision.Similarity;
using CorrMesh.Vision.Tests.Images;
using Xunit;

namespace CorrMesh.Vision.Tests.Similarity;

public sealed class HeatmapTests
{
    [Theory]
    [MemberData(nameof(BestPositionTests.Shapes), MemberType = typeof(BestPositionTests))]
    public void Scores_AnyMap_EqualTheDefinition(int tokensWide, int tokensHigh, int width, int height, int channels)
    {
        foreach (string kind in Maps.Kinds)
        {
            var map = Maps.Make(kind, tokensWide, tokensHigh, width, height, channels, 9);
            float[] descriptor = Maps.Normal(new Random(2), channels);
            float[] scores = Heatmap.Scores(TokenGram.Create(map), descriptor);
            var expected = Maps.Scores(map, descriptor);
            for (int i = 0; i < scores.Length; i++)
            {
                Assert.Equal(expected[i / width, i % width], scores[i], 1e-5);
            }

            Assert.All(Heatmap.Scores(TokenGram.Create(map), new float[channels]), score => Assert.Equal(0f, score));
        }
    }

    [Fact]
    public void Render_LowToHigh_GoesFromBlueOverGreenToRed()
    {
        var image = Heatmap.Render([-1, 0, 1], 3, 1);
        Assert.True(image.Pixels[2] > image.Pixels[0] || image.Pixels[2] >= image.Pixels[1]);   // dark blue
        Assert.True(image.Pixels[4] > image.Pixels[3] && image.Pixels[4] > image.Pixels[5]);    // green
        Assert.True(image.Pixels[6] > image.Pixels[7] && image.Pixels[6] > image.Pixels[8]);    // dark red
        Assert.Equal(image.Pixels, ImageDecoder.Decode(PngEncoder.Encode(image)).Pixels);
    }

    [Fact]
    public void Render_OverPicture_Blends()
    {
        var picture = Pictures.Noise(5, 4);
        float[] scores = [.. Enumerable.Range(0, 20).Select(i => i * 0.1f)];
        Assert.Equal(picture.Pixels, Heatmap.Render(scores, 5, 4, picture, opacity: 0).Pixels);
        Assert.Equal(Heatmap.Render(scores, 5, 4).Pixels, Heatmap.Render(scores, 5, 4, picture, opacity: 1).Pixels);
        byte[] half = Heatmap.Render(scores, 5, 4, picture, opacity: 0.5f).Pixels, colours = Heatmap.Render(scores, 5, 4).Pixels;
        for (int i = 0; i < half.Length; i++)
        {
            Assert.InRange(half[i], ((colours[i] + picture.Pixels[i]) / 2.0) - 1, ((colours[i] + picture.Pixels[i]) / 2.0) + 1);
        }
    }

    [Fact]
    public void Render_FlatScores_IsOneColour()
    {
        byte[] pixels = Heatmap.Render(new float[6], 3, 2).Pixels;
        Assert.All(Enumerable.Range(0, 6), i => Assert.Equal(pixels[..3], pixels.AsSpan(i * 3, 3).ToArray()));
    }

    [Fact]
    public void Render_SizesThatDisagree_AreRefused()
    {
        Assert.Throws<ArgumentException>(() => Heatmap.Render(new float[5], 3, 2));
        Assert.Throws<ArgumentException>(() => Heatmap.Render(new float[6], 3, 2, Pictures.Noise(2, 3)));
        Assert.Throws<ArgumentOutOfRangeException>(() => Heatmap.Render(new float[6], 3, 2, opacity: 1.1f));
        Assert.Throws<ArgumentException>(() => Heatmap.Scores(TokenGram.Create(Maps.Make("noise", 2, 2, 9, 9, 8, 1)), new float[16]));
    }

    [Fact]
    public void CycleErrorPx_ThereAndBack_IsTheDistance() => Assert.Equal(5f, PixelMatch.CycleErrorPx(10, 20, 13, 16));
}
