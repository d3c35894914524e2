using CorrMesh.Vision.Images;
using Xunit;

namespace CorrMesh.Evaluation.Pairs.Tests;

public class PairCaseTests
{
    private static readonly RgbImage Small = new(48, 24, new byte[48 * 24 * 3]), Large = new(96, 72, new byte[96 * 72 * 3]);

    [Fact]
    public void Grid_AnyPicture_GivesCellCentresInPixelCentreCoordinates()
    {
        (float X, float Y)[] points = [.. PairCase.Grid(Small)];
        Assert.Equal(576, points.Length);
        Assert.Equal((0.5f, 0f), points[0]);
        Assert.Equal((46.5f, 23f), points[^1]);
    }

    [Fact]
    public void FromGrid_TruthUnknownOrOutside_LeavesThePointOut()
    {
        PairCase pair = PairCase.FromGrid(Small, Large, (x, y) => x < 24 ? null : (x + 60, y));
        Assert.All(pair.Points, point => Assert.InRange(point.X, 24, 35.49f));
        Assert.Equal(6 * 24, pair.Points.Length);
        Assert.Equal(120, pair.DiagonalPx);
    }

    [Fact]
    public void DistancePx_AnswerBesideTheTruth_IsEuclidean()
    {
        PairCase pair = PairCase.FromGrid(Small, Large, (x, y) => (x + 10, y + 5));
        (float x, float y) = pair.Points[7];
        Assert.Equal(0, pair.DistancePx(7, x + 10, y + 5));
        Assert.Equal(5, pair.DistancePx(7, x + 13, y + 9), 1e-6);
    }
}
