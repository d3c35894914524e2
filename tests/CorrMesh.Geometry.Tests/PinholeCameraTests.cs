using Xunit;

namespace CorrMesh.Geometry.Tests;

public sealed class PinholeCameraTests
{
    [Fact]
    public void ThirtyFive_At512_IsThePapersCameraInOurPixels() =>
        Assert.Equal(new PinholeCamera(512, 512, 560, 560, 255.5, 255.5), PinholeCamera.ThirtyFive());

    [Fact]
    public void Unproject_ThenProject_GivesThePixelBack()
    {
        var camera = new PinholeCamera(640, 480, 500, 510, 321, 237.5);
        (double x, double y) = camera.Project(camera.Unproject(12.25, 400.5, 3.5));
        Assert.Equal(12.25, x, 1e-9);
        Assert.Equal(400.5, y, 1e-9);
        Assert.Equal(camera, PinholeCamera.FromMatrix(camera.Matrix(), 640, 480));
    }

    [Theory]
    [InlineData(-0.5, -0.5, true)]
    [InlineData(7.49, 3.49, true)]
    [InlineData(7.5, 0, false)]
    [InlineData(0, 3.5, false)]
    [InlineData(-0.51, 0, false)]
    [InlineData(double.NaN, 0, false)]
    public void Contains_Positions_CountFromPixelEdgeToPixelEdge(double x, double y, bool isInside) =>
        Assert.Equal(isInside, PinholeCamera.ThirtyFive(8) with { Height = 4 } is var camera && camera.Contains(x, y));

    [Theory]
    [InlineData(0, 4, 5, 5, 0)]
    [InlineData(4, -1, 5, 5, 0)]
    [InlineData(4, 4, 0, 5, 0)]
    [InlineData(4, 4, 5, double.NaN, 0)]
    [InlineData(4, 4, 5, double.PositiveInfinity, 0)]
    [InlineData(4, 4, 5, 5, double.NaN)]
    public void Checked_WhatIsNoCamera_IsRefused(int width, int height, double focalX, double focalY, double centreX) =>
        Assert.Throws<ArgumentException>(() => new PinholeCamera(width, height, focalX, focalY, centreX, 1).Checked());
}
