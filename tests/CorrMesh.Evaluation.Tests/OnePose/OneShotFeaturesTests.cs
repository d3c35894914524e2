using CorrMesh.TestKit;
using CorrMesh.Vision.Backbones;
using CorrMesh.Vision.Features;
using CorrMesh.Vision.Images;
using CorrMesh.Vision.Weights;
using Xunit;

namespace CorrMesh.Evaluation.OnePose.Tests;

public class OneShotFeaturesTests
{
    // Goal: a token is 8 pixels also where a picture has some over, which the fixture's have not. Method: the middle of every 8 x 8 block against the network's token; the last pixel
    // against the last token. Tolerance: 1e-6 of unit descriptors.
    [Fact]
    public void Describe_SizeIsNoMultipleOf8_TokensStayEightPixelsApart()
    {
        Fixture fixture = TestKit.SharedData.Fixture("onepose");
        const int Columns = 5, Rows = 3;
        var image = new RgbImage(8 * Columns + 7, 8 * Rows + 3, [.. Enumerable.Range(0, 3 * (8 * Columns + 7) * (8 * Rows + 3)).Select(i => (byte)(i * 7919 >> 3))]);
        using var features = new OneShotFeatures(fixture.PathOf("backbone.pth"), heads: 2);
        using VisionTransformer backbone = BackboneFile.Load(fixture.PathOf("backbone.pth"), 2);
        using var model = new FeatureModel(backbone);
        FeatureMap map = model.Extract([PreparedImage.From(image, new InputGeometry(image.Width, image.Height, 14 * Columns, 14 * Rows, 14, 14))])[0];
        for (int row = 0; row < Rows; row++)
            for (int column = 0; column < Columns; column++)
            {
                float[] expected = map.Token(row, column).ToArray();
                KeypointSampler.Normalise(expected);
                float[] found = features.Describe(image, row == Rows - 1 && column == Columns - 1 ? [image.Width - 1, image.Height - 1] : [8 * column + 4, 8 * row + 4]);
                Assert.Equal(features.Channels, found.Length);
                Assert.All(expected.Zip(found), pair => Assert.Equal(pair.First, pair.Second, 1e-6f));
            }
    }

    [Fact]
    public void Describe_PictureBelow16Pixels_IsRefused()
    {
        using var features = new OneShotFeatures(TestKit.SharedData.Fixture("onepose").PathOf("backbone.pth"), heads: 2);
        Assert.Contains("15 x 16 given", Assert.Throws<ArgumentException>(() => features.Describe(new RgbImage(15, 16, new byte[3 * 15 * 16]), [0, 0])).Message, StringComparison.Ordinal);
    }
}
