using CorrMesh.Geometry;
using Xunit;

namespace CorrMesh.Evaluation.OnePose.Tests;

public class OneShotPoseTests
{
    private static readonly PinholeCamera Camera = new(128, 96, 120, 120, 64, 48);

    [Fact]
    public void Grid_EveryFourthPixel_RowByRow() => Assert.Equal([0, 0, 4, 0, 8, 0, 0, 4, 4, 4, 8, 4], OneShotPose.Grid(9, 8));

    [Fact]
    public void Match_NearestOneWayOnly_IsLeftOut()
    {
        var templates = new TemplatePoints([1, 0, 0, 1], [0, 0, 0, 1, 2, 3]);
        PointMatches matches = OneShotPose.Match([0, 0, 4, 0, 8, 0], [0.6f, 0.8f, 0, 1, 0.8f, 0.6f], templates, 1);
        Assert.Equal([4, 0, 8, 0], matches.ImagePoints);
        Assert.Equal([1, 2, 3, 0, 0, 0], matches.ObjectPoints);
    }

    [Theory]
    [InlineData(3, false)]
    [InlineData(4, false)]
    [InlineData(5, false)]
    [InlineData(6, true)]
    public void Estimate_MoreThanFiveInliers_AreNeeded(int count, bool isSolved)
    {
        RigidPose truth = RigidPose.FromQuaternion(0.1, -0.1, 0.7, 0.7) with { X = 0.01, Y = -0.02, Z = 0.4 };
        (double X, double Y, double Z)[] points = [.. Enumerable.Range(0, count).Select(i => (0.05 * Math.Sin(3 * i), 0.05 * Math.Cos(5 * i), 0.05 * Math.Sin(7 * i + 1)))];
        (double X, double Y)[] pixels = [.. points.Select(point => Camera.Project(truth.Apply(point)))];
        RigidPose? pose = OneShotPose.Estimate(new PointMatches([.. pixels.SelectMany(p => new[] { p.X, p.Y })], [.. points.SelectMany(p => new[] { p.X, p.Y, p.Z })]), Camera);
        Assert.Equal(isSolved, pose is not null);
        if (pose is { } found) Assert.InRange(found.AngleTo(truth), 0, 1e-3);
    }
}
