using CorrMesh.Features.Store;
using CorrMesh.Features.Tests.Support;
using CorrMesh.Hosting.Errors;
using CorrMesh.Protos.Common.V1;
using CorrMesh.Vision.Images;
using Xunit;

namespace CorrMesh.Features.Tests;

public sealed class PointReaderTests
{
    private const int Limit = 6;

    private static readonly StoredMap Whole = Make.Map(96, 64);

    // The 48 x 32 pixels at (20, 10) of an image of 96 x 64.
    private static readonly StoredMap Part = Make.Map(48, 32, region: new PixelRegion(20, 10, 48, 32), wholeWidth: 96, wholeHeight: 64);

    [Theory]
    [InlineData(-0.5, -0.5)]
    [InlineData(0, 0)]
    [InlineData(95.49999999, 63.49999999)]
    public void Read_PointsInsideTheImage_AreTakenAsTheyAre(double x, double y) =>
        Assert.Equal([(x, y)], PointReader.Read(Make.Points((x, y)), Whole, Limit, "selection"));

    [Theory]
    [InlineData(95.5, 0, "x", "-0.5 to below 95.5 allowed, 95.5 given")]
    [InlineData(-0.50000001, 0, "x", "-0.5 to below 95.5 allowed, -0.50000001 given")]
    [InlineData(0, 63.5, "y", "-0.5 to below 63.5 allowed, 63.5 given")]
    [InlineData(0, -1, "y", "-0.5 to below 63.5 allowed, -1 given")]
    [InlineData(double.NaN, 0, "x", "-0.5 to below 95.5 allowed, NaN given")]
    [InlineData(0, double.PositiveInfinity, "y", "-0.5 to below 63.5 allowed, Infinity given")]
    [InlineData(double.NegativeInfinity, 0, "x", "-0.5 to below 95.5 allowed, -Infinity given")]
    public void Read_PointsOutsideOrNotFinite_AreRefusedByName(double x, double y, string axis, string description)
    {
        var error = Assert.Throws<FieldException>(() => PointReader.Read(Make.Points((1, 1), (x, y)), Whole, Limit, "selection"));
        Assert.Equal([new FieldViolation($"selection.points.points[1].{axis}", description)], error.Violations);
    }

    [Fact]
    public void Read_RegionOfInterest_BoundsAreTheRegionsInWholeImageCoordinates()
    {
        Assert.Equal([(19.5, 9.5), (67.4, 41.4)], PointReader.Read(Make.Points((19.5, 9.5), (67.4, 41.4)), Part, Limit, "s"));
        foreach ((double x, double y) in new[] { (19.4, 20.0), (67.5, 20), (30, 9.4), (30, 41.5), (5, 5) })
            Assert.Throws<FieldException>(() => PointReader.Read(Make.Points((x, y)), Part, Limit, "s"));
    }

    [Theory]
    [InlineData(6, true)]
    [InlineData(7, false)]
    [InlineData(0, false)]
    public void Read_CountsAtAndPastTheLimit_AreTakenAndRefused(int count, bool isTaken)
    {
        PointSelection selection = Make.Points([.. Enumerable.Range(0, count).Select(i => ((double)i, 1.0))]);
        if (isTaken) Assert.Equal(count, PointReader.Read(selection, Whole, Limit, "selection").Length);
        else Assert.Equal("selection.points", Assert.Throws<FieldException>(() => PointReader.Read(selection, Whole, Limit, "selection")).Violations[0].Field);
    }

    [Theory]
    [InlineData(3, 2, true)]
    [InlineData(6, 1, true)]
    [InlineData(7, 1, false)]
    [InlineData(0, 3, false)]
    [InlineData(3, 0, false)]
    [InlineData(uint.MaxValue, uint.MaxValue, false)]
    [InlineData(65536, 65536, false)]
    public void Read_GridsAtAndPastTheLimit_AreTakenAndRefused(uint columns, uint rows, bool isTaken)
    {
        if (isTaken) Assert.Equal((int)(columns * rows), PointReader.Read(Make.Grid(columns, rows), Whole, Limit, "s").Length);
        else Assert.Equal("s.grid", Assert.Throws<FieldException>(() => PointReader.Read(Make.Grid(columns, rows), Whole, Limit, "s")).Violations[0].Field);
    }

    [Fact]
    public void Read_Nothing_IsRefused()
    {
        foreach (PointSelection? selection in new[] { null, new PointSelection() })
            Assert.Equal("selection", Assert.Throws<FieldException>(() => PointReader.Read(selection, Whole, Limit, "selection")).Violations[0].Field);
    }

    // Goal: a grid's points are the contract's formula, row by row, on the image or on the region of interest.
    [Fact]
    public void ReadGrid_WholeAndRegion_GivesCellCentresRowByRow()
    {
        Assert.Equal(
            [(15.5, 15.5), (47.5, 15.5), (79.5, 15.5), (15.5, 47.5), (47.5, 47.5), (79.5, 47.5)],
            PointReader.ReadGrid(new Grid { Columns = 3, Rows = 2 }, Whole, Limit, "s"));
        Assert.Equal([(31.5, 25.5), (55.5, 25.5)], PointReader.ReadGrid(new Grid { Columns = 2, Rows = 1 }, Part, Limit, "s"));
    }

    [Fact]
    public void ToMapAndFromMap_RegionOfInterest_AreInverseAndCornerBased()
    {
        Assert.Equal((0f, 0f), Part.ToMap((19.5, 9.5)));
        Assert.Equal((0.5f, 0.5f), Whole.ToMap((0.0, 0.0)));
        Point back = Part.FromMap(Part.ToMap((33.25, 21.75)).X, Part.ToMap((33.25, 21.75)).Y);
        Assert.Equal((33.25, 21.75), (back.X, back.Y));
    }
}
