using CorrMesh.Geometry;
using CorrMesh.Pose.Objects;
using Xunit;

namespace CorrMesh.Pose.Tests.Objects;

public sealed class ObjectRegionTests
{
    private static readonly LensCamera Camera = new(new PinholeCamera(640, 480, 600, 600, 319.5, 239.5), null);
    private static readonly (double X, double Y, double Z)[] Cube = ObjectRegion.Corners((-0.1, -0.1, -0.1), (0.1, 0.1, 0.1));

    [Fact]
    public void Of_ObjectInTheMiddle_IsASquareAboutIt()
    {
        ObjectRegion region = ObjectRegion.Of(Cube, RigidPose.Identity with { Z = 1.1 }, Camera, 640, 480, 1.2, 40)!;
        // The near face is 0.2 m wide at 1 m: 120 px, times 1.2.
        Assert.InRange((int)region.Pixels.Width, 143, 146);
        Assert.InRange(Math.Abs((int)region.Pixels.Width - (int)region.Pixels.Height), 0, 1);
        Assert.InRange((int)region.Pixels.X + region.Pixels.Width / 2.0, 319, 321);
        Assert.Equal(40u, region.Tokens);
        Assert.True(region.Contains(320, 240));
        Assert.False(region.Contains(320, 20));
    }

    // Goal: at the picture's edge a token stays as large on the object.
    [Fact]
    public void Of_ObjectAtTheEdge_IsCutAndHasFewerTokens()
    {
        ObjectRegion whole = ObjectRegion.Of(Cube, RigidPose.Identity with { Z = 0.6 }, Camera, 640, 480, 1.2, 40)!, cut = ObjectRegion.Of(Cube, RigidPose.Identity with { X = -0.3, Y = -0.22, Z = 0.6 }, Camera, 640, 480, 1.2, 40)!;
        Assert.Equal((0u, 0u), (cut.Pixels.X, cut.Pixels.Y));
        Assert.True(cut.Tokens < whole.Tokens);
        double fine = (double)Math.Max(whole.Pixels.Width, whole.Pixels.Height) / whole.Tokens, rough = (double)Math.Max(cut.Pixels.Width, cut.Pixels.Height) / cut.Tokens;
        Assert.InRange(rough / fine, 0.8, 1.35);
    }

    [Theory]
    [InlineData(0, 0, -1)]
    [InlineData(5, 0, 1)]
    [InlineData(0, 0, 1000)]
    public void Of_ObjectThatIsNotInThePicture_IsNothing(double x, double y, double z) =>
        Assert.Null(ObjectRegion.Of(Cube, RigidPose.Identity with { X = x, Y = y, Z = z }, Camera, 640, 480, 1.2, 40));
}
