using CorrMesh.Geometry;
using CorrMesh.Metrics;
using CorrMesh.Pose.Objects;
using CorrMesh.Pose.Symmetries;
using Xunit;

namespace CorrMesh.Pose.Tests.Objects;

public sealed class RowSelectionTests
{
    // Two pictures that share the middle one of three rows.
    private static readonly DescriptorRows Rows = new(1, [1, 0, 0, 2, 0, 0, 3, 0, 0], [10, 11, 20, 21, 30, 31], new byte[9], [[0, 1], [1, 2]]);

    // Goal: every row of the pictures once, moved as its first picture says, descriptors with it.
    [Fact]
    public void Of_PicturesThatShareRows_HasEachOnceWhereTheFirstSays()
    {
        RigidPose lifted = RigidPose.Identity with { Z = 5 };
        RowSelection taken = RowSelection.Of(Rows, [(1, lifted), (0, RigidPose.Identity)]);
        Assert.Equal([0, 1, 2], taken.Rows);
        Assert.Equal([1, 0, 0, 2, 0, 5, 3, 0, 5], taken.Points);
        Assert.Equal(Rows.Descriptors, taken.Descriptors);
        RowSelection one = RowSelection.Of(Rows, [(1, RigidPose.Identity)]);
        Assert.Equal([1, 2], one.Rows);
        Assert.Equal(new byte[] { 20, 21, 30, 31 }, one.Descriptors);
        Assert.Equal((Rows.Points, Rows.Descriptors), (RowSelection.All(Rows).Points, RowSelection.All(Rows).Descriptors));
    }

    [Fact]
    public void Thinned_KeepsAtMostSoMany()
    {
        RowSelection all = RowSelection.All(Rows);
        Assert.Same(all, all.Thinned(3));
        RowSelection two = all.Thinned(2);
        Assert.Equal([0, 1], two.Rows);
        Assert.Equal([1, 0, 0, 2, 0, 0], two.Points);
        Assert.Equal(new byte[] { 10, 11, 20, 21 }, two.Descriptors);
    }

    // Goal: pictures of a round thing from all around help from wherever it is seen: what they show is brought there. Method: one picture of a point beside the axis, looked at
    // from elsewhere; the point lies in the new picture where it lay in the old one. A second picture that shows the same adds nothing.
    [Fact]
    public void CloseTo_RoundObjectSeenFromElsewhere_BringsWhatPicturesShowThere()
    {
        var round = new SymmetrySet([], [new SymmetryAxis((0, 0, 1), (0, 0, 0))]);
        RigidPose[] pictures = [Around(0), Around(90), Around(180)];
        var beside = new DescriptorRows(1, [1, 0.5f, 0, 3, 0, 0, 4, 0, 0], new byte[6], new byte[9], [[0], [1], [2]]);
        var model = new ObjectModel(pictures, beside, beside, null);
        RigidPose asked = Around(130);
        RowSelection near = model.CloseTo(asked, 3, (0, 0, 0), round);
        int row = Assert.Single(near.Rows);
        var shown = pictures[row].Apply((beside.Points[3 * row], beside.Points[3 * row + 1], beside.Points[3 * row + 2]));
        var brought = asked.Apply((near.Points[0], near.Points[1], near.Points[2]));
        Assert.Equal(shown.X, brought.X, 5);
        Assert.Equal(shown.Y, brought.Y, 5);
        Assert.Equal(shown.Z, brought.Z, 5);

        // Without a symmetry they stay where they are, the nearest first.
        Assert.Equal([1, 2], model.CloseTo(asked, 2, (0, 0, 0), SymmetrySet.None).Rows);
        Assert.Equal([3, 0, 0, 4, 0, 0], model.CloseTo(asked, 2, (0, 0, 0), SymmetrySet.None).Points);
    }

    private static RigidPose Around(double degrees)
    {
        (double sine, double cosine) = Math.SinCos(degrees * Math.PI / 180);
        return RigidPose.LookAt((5 * cosine, 5 * sine, 2), (0, 0, 0), (0, 0, 1));
    }
}
