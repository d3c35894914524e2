using System.Numerics;
using CorrMesh.Geometry;
using CorrMesh.Rendering.Views;
using CorrMesh.Training.Finetuning;
using Xunit;

namespace CorrMesh.Training.Tests.Finetuning;

public sealed class ViewSplitTests
{
    // Goal: whatever the views, a quarter is set aside, nothing is in both parts or in none, and every view that is set aside makes a pair.
    [Theory]
    [InlineData(6, 3)]
    [InlineData(13, 3)]
    [InlineData(42, 10)]
    [InlineData(128, 12)]
    public void Of_ViewsAllAround_PartsThem(int count, int unseen)
    {
        RigidPose[] poses = count == 42 ? ViewSphere.Icosphere(Vector3.UnitZ) : Turntable(count, 300.0 / count);
        ViewSplit split = ViewSplit.Of(poses, 60);
        Assert.Equal(unseen, split.Unseen.Count);
        Assert.Equal(Enumerable.Range(0, count), split.Training.Concat(split.Unseen).Order());
        Assert.All(split.Unseen, one => Assert.Contains(split.Unseen, other => other != one && poses[one].AngleTo(poses[other]) <= 60));
        Assert.Equal(split.Unseen, ViewSplit.Of(poses, 60).Unseen);
    }

    // Goal: the part that is set aside is spread over the object. Method: on a full turn no direction is farther from a view of it than a pair may be.
    [Fact]
    public void Of_FullTurn_LeavesNoSideOut()
    {
        RigidPose[] poses = Turntable(48, 7.5);
        ViewSplit split = ViewSplit.Of(poses, 60);
        Assert.All(poses, pose => Assert.Contains(split.Unseen, i => poses[i].AngleTo(pose) <= 60));
    }

    [Fact]
    public void Of_TooFewOrTooFarApart_SaysSo()
    {
        Assert.StartsWith("at least 6 that show the object with depth needed, 5 given", Assert.Throws<ArgumentException>(() => ViewSplit.Of(Turntable(5, 10), 60)).Message, StringComparison.Ordinal);
        Assert.StartsWith("at least 3 within 20 degrees of each other needed to measure with, 1 given", Assert.Throws<ArgumentException>(() => ViewSplit.Of(Turntable(6, 40), 20)).Message, StringComparison.Ordinal);
    }

    private static RigidPose[] Turntable(int count, double stepDegrees) =>
    [
        .. Enumerable.Range(0, count).Select(i => i * stepDegrees * Math.PI / 180).Select(angle => ViewSphere.Looking((Math.Cos(angle), Math.Sin(angle), 0.2), 2, Vector3.UnitZ, 0)),
    ];
}
