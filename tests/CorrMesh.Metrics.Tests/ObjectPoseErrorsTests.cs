using CorrMesh.Geometry;
using Xunit;

namespace CorrMesh.Metrics.Tests;

public class ObjectPoseErrorsTests
{
    private static readonly double[] Corners = [-1, -1, 0, 1, -1, 0, 1, 1, 0, -1, 1, 0];
    private static readonly RigidPose Truth = RigidPose.Identity with { Z = 10 };
    private static readonly PinholeCamera Camera = new(4, 3, 100, 100, 1.5, 1);

    // Goal: a turn that is a symmetry costs nothing, and all of its way without it. Method: a square turned by a right angle.
    [Fact]
    public void MssdMspd_SquareTurnedOnce_CostsNothingUnderItsSymmetry()
    {
        RigidPose turn = RigidPose.FromQuaternion(0, 0, Math.Sqrt(0.5), Math.Sqrt(0.5)), estimated = Truth * turn;
        IReadOnlyList<RigidPose> none = ObjectSymmetries.Expand([], []), square = ObjectSymmetries.Expand([turn, turn * turn, turn * turn * turn], []);
        Assert.Equal(2, ObjectPoseErrors.Mssd(estimated, Truth, Corners, none), 1e-12);
        Assert.Equal(20, ObjectPoseErrors.Mspd(estimated, Truth, Corners, none, Camera), 1e-9);
        Assert.Equal(0, ObjectPoseErrors.Mssd(estimated, Truth, Corners, square), 1e-12);
        Assert.Equal(0, ObjectPoseErrors.Mspd(estimated, Truth, Corners, square, Camera), 1e-9);
    }

    // Goal: an axis off the origin turns about itself. Method: the turn's points keep their distance from it; 315 steps, the first turning nothing.
    [Fact]
    public void Expand_AxisWithOffset_TurnsAboutIt()
    {
        IReadOnlyList<RigidPose> turns = ObjectSymmetries.Expand([], [new SymmetryAxis((0, 0, 2), (3, 0, 0))]);
        Assert.Equal(315, turns.Count);
        Assert.Equal(0, turns[0].AngleTo(RigidPose.Identity), 1e-6);
        Assert.All(turns, turn =>
        {
            var moved = turn.Apply((5, 0, 7));
            Assert.Equal(2, Math.Sqrt((moved.X - 3) * (moved.X - 3) + moved.Y * moved.Y), 1e-9);
            Assert.Equal(7, moved.Z, 1e-9);
        });
        Assert.Contains("above 0", Assert.Throws<ArgumentException>(() => ObjectSymmetries.Expand([], [], 0)).Message, StringComparison.Ordinal);
        Assert.Contains("longer than 0", Assert.Throws<ArgumentException>(() => ObjectSymmetries.Expand([], [new SymmetryAxis((0, 0, 0), (0, 0, 0))])).Message, StringComparison.Ordinal);
    }

    // Goal: VSD counts by hand. Method: 12 pixels; of the surfaces 2 agree, 1 is off by half a diameter, 1 is the estimate's alone, 1 is the truth's alone, 1 is hidden in both.
    [Fact]
    public void Vsd_ByHand_IsTheShareThatDisagrees()
    {
        float[] truth = [100, 100, 100, 0, 100, 100, 0, 0, 0, 0, 0, 0], estimated = [100, 100, 105, 100, 0, 100, 0, 0, 0, 0, 0, 0], scene = [100, 0, 100, 100, 100, 50, 9, 9, 9, 9, 9, 9];
        Assert.Equal([0.6, 0.4], ObjectPoseErrors.Vsd(estimated, truth, scene, Camera, 15, 10, [0.4, 0.6]));
        Assert.Equal([1], ObjectPoseErrors.Vsd(new float[12], new float[12], scene, Camera, 15, 10, [0.4]));
        Assert.Contains("12 values needed", Assert.Throws<ArgumentException>(() => ObjectPoseErrors.Vsd(new float[3], truth, scene, Camera, 15, 10, [0.4])).Message, StringComparison.Ordinal);
        Assert.Contains("diameter", Assert.Throws<ArgumentException>(() => ObjectPoseErrors.Vsd(estimated, truth, scene, Camera, 15, 0, [0.4])).Message, StringComparison.Ordinal);
    }

    // Goal: recalls are averages over thresholds, strict, with widths and diameters taken in. Method: one perfect target, one missing; one exactly on thresholds.
    [Fact]
    public void Over_Targets_AveragesThresholds()
    {
        var perfect = new TargetErrors(new double[10], 0, 0, 2, 1280);
        AverageRecall half = AverageRecall.Over([perfect, TargetErrors.Missing]);
        Assert.Equal((0.5, 0.5, 0.5), (half.Vsd, half.Mssd, half.Mspd));
        // 0.25 is not below the fifth threshold, 50 px of 1280 are 25 of 640.
        AverageRecall edge = AverageRecall.Over([new TargetErrors([.. Enumerable.Repeat(0.25, 10)], 0.5, 50, 2, 1280)]);
        Assert.Equal((0.5, 0.5, 0.5), (edge.Vsd, edge.Mssd, edge.Mspd));
        Assert.Throws<ArgumentException>(() => AverageRecall.Over([]));
        Assert.Throws<ArgumentException>(() => AverageRecall.Over([new TargetErrors([1], 0, 0, 1, 640)]));
    }
}
