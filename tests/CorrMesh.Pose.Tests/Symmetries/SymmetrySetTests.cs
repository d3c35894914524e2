using CorrMesh.Geometry;
using CorrMesh.Metrics;
using CorrMesh.Pose.Symmetries;
using Xunit;

namespace CorrMesh.Pose.Tests.Symmetries;

public sealed class SymmetrySetTests
{
    private static readonly RigidPose Over = RigidPose.FromQuaternion(1, 0, 0, 0);

    // Goal: the least turned pose of a round object is exact, ends alike or not, wherever its axis is. Method: never worse than the best of half a degree's steps, and hardly better;
    // the motion leaves the axis where it is.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void MotionTo_OneAxis_IsTheLeastTurned(bool endsAlike)
    {
        var axis = new SymmetryAxis((0, 0, 3), (0.1, -0.2, 0));
        RigidPose over = Over with { Y = -0.4 };
        var set = new SymmetrySet(endsAlike ? [over] : [], [axis]);
        IReadOnlyList<RigidPose> steps = ObjectSymmetries.Expand(set.Discrete, set.Continuous, Math.PI / 360);
        var random = new SeededRandom(3, 0);
        for (int i = 0; i < 200; i++)
        {
            RigidPose pose = Any(random), to = Any(random);
            RigidPose motion = set.MotionTo(pose, to);
            double least = (pose * motion).AngleTo(to), stepped = steps.Min(step => (pose * step).AngleTo(to));
            Assert.InRange(least, stepped - 0.3, stepped + 1e-6);
            var (x, y, _) = motion.Apply((0.1, -0.2, 0.7));
            Assert.Equal((0.1, -0.2), (Math.Round(x, 9), Math.Round(y, 9)));
            Assert.Equal(least, set.Nearest(pose, to).AngleTo(to), 6);
        }
    }

    // Goal: a ball is turned from nothing: any two poses of it look alike.
    [Fact]
    public void MotionTo_Ball_IsNotTurned()
    {
        var ball = new SymmetrySet([], [new SymmetryAxis((0, 0, 1), (0.1, 0, 0)), new SymmetryAxis((1, 2, 0.5), (1.1, 2, 0.5))]);
        var random = new SeededRandom(5, 0);
        for (int i = 0; i < 200; i++)
        {
            RigidPose pose = Any(random), to = Any(random), near = ball.Nearest(pose, to);
            Assert.InRange(near.AngleTo(to), 0, 0.001);
            // Its middle stays where it was.
            var (before, after) = (pose.Apply((0.1, 0, 0)), near.Apply((0.1, 0, 0)));
            Assert.Equal((Math.Round(before.X, 9), Math.Round(before.Y, 9), Math.Round(before.Z, 9)), (Math.Round(after.X, 9), Math.Round(after.Y, 9), Math.Round(after.Z, 9)));
        }
    }

    // Goal: a place comes as near to another as turns about the axis bring it: straight below or above it, as seen along the axis.
    [Fact]
    public void MotionTo_PlaceAndOneAxis_BringsThePlaceUnderTheOther()
    {
        var axis = new SymmetryAxis((0, 0, 2), (1, 1, 0));
        var set = new SymmetrySet([], [axis]);
        for (int degrees = 0; degrees < 360; degrees += 30)
        {
            (double sine, double cosine) = Math.SinCos(degrees * Math.PI / 180);
            var moved = set.MotionTo((1 + cosine, 1 + sine, 0.5), (1, 5, 2)).Apply((1 + cosine, 1 + sine, 0.5));
            Assert.Equal((1, 2, 0.5), (Math.Round(moved.X, 9), Math.Round(moved.Y, 9), Math.Round(moved.Z, 9)));
        }
    }

    // Goal: of equal sides the one is taken that lies towards a place. Method: places all around a thing with two equal sides come to one half of the turn.
    [Fact]
    public void MotionTo_PlaceAndTwoEqualSides_BringsAllToOne()
    {
        var set = new SymmetrySet([RigidPose.FromQuaternion(0, 0, 1, 0)], []);
        for (int degrees = 5; degrees < 360; degrees += 10)
        {
            (double sine, double cosine) = Math.SinCos(degrees * Math.PI / 180);
            var moved = set.MotionTo((cosine, sine, 0.3), (0, 4, 1)).Apply((cosine, sine, 0.3));
            Assert.True(moved.Y > 0);
            Assert.Equal(0.3, moved.Z, 9);
        }
    }

    [Fact]
    public void Nearest_NoSymmetry_IsThePoseItself()
    {
        RigidPose pose = Any(new SeededRandom(1, 0));
        Assert.Equal(pose, SymmetrySet.None.Nearest(pose, RigidPose.Identity));
        Assert.Equal(pose, pose * SymmetrySet.None.MotionTo(pose, RigidPose.Identity));
    }

    private static RigidPose Any(SeededRandom random)
    {
        (double x, double y, double z, double w) = (random.Range(-1, 1), random.Range(-1, 1), random.Range(-1, 1), random.Range(-1, 1));
        double length = Math.Sqrt(x * x + y * y + z * z + w * w);
        return RigidPose.FromQuaternion(x / length, y / length, z / length, w / length) with { X = random.Range(-1, 1), Z = 2 };
    }
}
