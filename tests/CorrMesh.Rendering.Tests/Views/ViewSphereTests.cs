using System.Numerics;
using CorrMesh.Geometry;
using CorrMesh.Rendering.Views;
using Xunit;

namespace CorrMesh.Rendering.Tests.Views;

public class ViewSphereTests
{
    private static readonly (double X, double Y, double Z)[] Places = [(1, 0, 0), (0.3, -2, 0.7), (-5, 4, -3), (0, 0.001, 0.002)];

    // Goal: the camera stands where it was put and looks at the origin. Method: its centre from the inverse pose, and the origin in its frame. Tolerance: 1e-9.
    [Fact]
    public void Looking_AnyPlace_StandsThereAndSeesTheOriginAhead()
    {
        foreach ((double X, double Y, double Z) place in Places)
        {
            RigidPose pose = ViewSphere.Looking(place, 2.5, Vector3.UnitZ, 0.4);
            double length = Math.Sqrt(place.X * place.X + place.Y * place.Y + place.Z * place.Z);
            (double X, double Y, double Z) centre = pose.Inverse().Apply((0, 0, 0)), origin = pose.Apply((0, 0, 0));
            Near((2.5 * place.X / length, 2.5 * place.Y / length, 2.5 * place.Z / length), centre);
            Near((0, 0, 2.5), origin);
        }
    }

    // Goal: without roll, up shows upwards, and y is down in pictures. Method: the up axis in the camera's frame has no part to the side and one against y.
    [Theory]
    [InlineData(0, 0, 1)]
    [InlineData(0, 1, 0)]
    public void Looking_NoRoll_ShowsUpUpwards(float x, float y, float z)
    {
        foreach ((double X, double Y, double Z) place in Places)
        {
            if (Math.Abs(place.X) + Math.Abs(place.Y * (1 - y)) + Math.Abs(place.Z * (1 - z)) < 1e-9) continue;   // from straight above no direction is up
            (double X, double Y, double Z) up = ViewSphere.Looking(place, 2, new Vector3(x, y, z), 0).Rotate((x, y, z));
            Assert.Equal(0, up.X, 9);
            Assert.True(up.Y < 0, $"up is {up}");
        }
    }

    // Goal: roll turns the picture about its middle by its angle and moves nothing else. Method: a point beside the origin, by projection; from x towards y, which is down.
    [Theory]
    [InlineData(0.3)]
    [InlineData(-2)]
    [InlineData(Math.PI)]
    public void Looking_Roll_TurnsThePictureByItsAngle(double roll)
    {
        RigidPose level = ViewSphere.Looking((0.3, -2, 0.7), 2, Vector3.UnitZ, 0), rolled = ViewSphere.Looking((0.3, -2, 0.7), 2, Vector3.UnitZ, roll);
        (double X, double Y, double Z) point = (0.2, 0.1, -0.4), before = level.Apply(point), after = rolled.Apply(point);
        (double sine, double cosine) = Math.SinCos(roll);
        Near((cosine * before.X - sine * before.Y, sine * before.X + cosine * before.Y, before.Z), after);
        Assert.Equal(Math.Abs(roll) * 180 / Math.PI, level.AngleTo(rolled), 1e-4);
    }

    private static void Near((double X, double Y, double Z) expected, (double X, double Y, double Z) given)
    {
        Assert.Equal(expected.X, given.X, 1e-9);
        Assert.Equal(expected.Y, given.Y, 1e-9);
        Assert.Equal(expected.Z, given.Z, 1e-9);
    }
}
