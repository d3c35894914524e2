using CorrMesh.Vision.Features;
using Xunit;

namespace CorrMesh.Vision.Tests.Features;

public class InputGeometryTests
{
    [Theory]
    [InlineData(640, 480, 80, 80, 60)]
    [InlineData(480, 640, 80, 60, 80)]
    [InlineData(500, 500, 80, 80, 80)]
    [InlineData(1920, 1080, 80, 80, 45)]
    [InlineData(131, 97, 25, 25, 18)]
    [InlineData(1, 1, 8, 8, 8)]
    public void ForTokens_PaperPolicy_GivesItsGrid(int width, int height, int tokens, int columns, int rows)
    {
        InputGeometry geometry = InputGeometry.ForTokens(width, height, tokens);
        Assert.Equal((columns, rows), (geometry.Columns, geometry.Rows));
        Assert.Equal((columns * 14, rows * 14), (geometry.InputWidth, geometry.InputHeight));
    }

    // Goal: the short side follows the integer rule of the public code, whatever the size. Method: 2000 seeded sizes against the rule written out.
    [Fact]
    public void ForTokens_AnySize_TruncatesTwice()
    {
        var random = new Random(3);
        for (int trial = 0; trial < 2000; trial++)
        {
            int width = random.Next(50, 4000), height = random.Next(50, 4000), tokens = random.Next(81, 161);
            InputGeometry geometry = InputGeometry.ForTokens(width, height, tokens);
            (int w, int h) = height > width ? ((int)Math.Truncate((decimal)width * (tokens * 8) / height), tokens * 8) : (tokens * 8, (int)Math.Truncate((decimal)height * (tokens * 8) / width));
            Assert.Equal((w / 8, h / 8), (geometry.Columns, geometry.Rows));
        }
    }

    [Fact]
    public void ForTokens_ShortSideUnderOnePatch_IsRefusedAndOneMoreIsNot()
    {
        Assert.Equal(1, InputGeometry.ForTokens(1000, 100, 10).Rows);
        Assert.Contains("1000 x 99", Assert.Throws<ArgumentException>(() => InputGeometry.ForTokens(1000, 99, 10)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, 10, 8)]
    [InlineData(10, 0, 8)]
    [InlineData(10, 10, 0)]
    [InlineData(10, 10, int.MaxValue)]
    public void ForTokens_ImpossibleNumbers_AreRefused(int width, int height, int tokens) =>
        Assert.Throws<ArgumentException>(() => InputGeometry.ForTokens(width, height, tokens));

    [Fact]
    public void ForTokens_HalfStride_FillsTheGapsOfTheSameInput()
    {
        InputGeometry fine = InputGeometry.ForTokens(640, 480, 20, patchStride: 7), coarse = InputGeometry.ForTokens(640, 480, 20);
        Assert.Equal((2 * coarse.Columns - 1, 2 * coarse.Rows - 1), (fine.Columns, fine.Rows));
        for (int i = 0; i < coarse.Columns; i++) Assert.Equal(coarse.X.CentreOf(i), fine.X.CentreOf(2 * i), 1e-3f);
    }

    [Fact]
    public void Native_SidesNotMultiplesOfThePatch_AreRefused()
    {
        Assert.Equal(37, InputGeometry.Native(266, 266, patchStride: 7).Columns);
        Assert.Throws<ArgumentException>(() => InputGeometry.Native(266, 267));
        Assert.Throws<ArgumentException>(() => InputGeometry.Native(266, 266, patchStride: 15));
        Assert.Throws<ArgumentException>(() => InputGeometry.Native(266, 266, patchStride: -1));
    }

    // Goal: tokens lie where their patches do. Method: the centre of token i is pixel 7 + 14 i of the input, scaled to the image. Tolerance: float32 at 640 px.
    [Fact]
    public void X_TokenCentres_AreThePatchCentresInTheImage()
    {
        InputGeometry geometry = InputGeometry.ForTokens(640, 480, 80);
        for (int i = 0; i < geometry.Columns; i++)
        {
            float centre = (7 + 14 * i) * 640f / geometry.InputWidth;
            Assert.Equal(centre, geometry.X.CentreOf(i), 1e-3f);
            Assert.Equal(i, geometry.X.IndexOf(centre), 1e-4f);
        }
    }
}
