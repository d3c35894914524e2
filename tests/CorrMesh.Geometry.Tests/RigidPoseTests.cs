using Xunit;

namespace CorrMesh.Geometry.Tests;

public sealed class RigidPoseTests
{
    private static readonly RigidPose Somewhere = RigidPose.LookAt((1, 2, 3), (0.2, -0.4, 0.1), (0, 0, 1));

    [Fact]
    public void Inverse_ThenPose_IsTheIdentity()
    {
        Near(RigidPose.Identity, Somewhere.Inverse() * Somewhere);
        Near(RigidPose.Identity, Somewhere * Somewhere.Inverse());
    }

    [Fact]
    public void Multiply_AppliesTheRightOneFirst()
    {
        RigidPose other = RigidPose.LookAt((-1, 0.5, 2), (0, 0, 0), (0, 1, 0));
        var both = (Somewhere * other).Apply((0.3, 0.6, -0.9));
        var after = Somewhere.Apply(other.Apply((0.3, 0.6, -0.9)));
        Assert.Equal(after.X, both.X, 1e-12);
        Assert.Equal(after.Y, both.Y, 1e-12);
        Assert.Equal(after.Z, both.Z, 1e-12);
    }

    // Goal: the camera sees what it looks at in the middle, with up upwards. Method: target, and a point above it, in the camera frame.
    [Fact]
    public void LookAt_TargetAndUp_AreWhereTheyBelong()
    {
        var target = Somewhere.Apply((0.2, -0.4, 0.1));
        Assert.Equal(0, target.X, 1e-12);
        Assert.Equal(0, target.Y, 1e-12);
        Assert.Equal(Math.Sqrt(0.64 + 5.76 + 8.41), target.Z, 1e-12);
        var above = Somewhere.Apply((0.2, -0.4, 0.6));
        Assert.Equal(0, above.X, 1e-12);
        Assert.True(above.Y < 0);
        RigidPose.FromRowMajor(RigidPose.LookAt((0, 0, 3), (0, 0, 0), (0, 0, 1)).Matrix());   // up along the view
    }

    [Fact]
    public void AngleTo_ATurn_IsItsAngle()
    {
        (double sine, double cosine) = Math.SinCos(0.7);
        var turned = new RigidPose(cosine, -sine, 0, 0, sine, cosine, 0, 0, 0, 0, 1, 0) * Somewhere;
        Assert.Equal(0.7 * 180 / Math.PI, Somewhere.AngleTo(turned), 1e-9);
        Assert.Equal(0, Somewhere.AngleTo(Somewhere), 1e-5);
    }

    [Fact]
    public void FromRowMajor_WhatIsNoPose_IsRefused()
    {
        Assert.Equal(Somewhere, RigidPose.FromRowMajor(Somewhere.Matrix()));
        Assert.Equal(Somewhere, RigidPose.FromRowMajor(Somewhere.Matrix().AsSpan(0, 12)));
        Assert.Throws<ArgumentException>(() => RigidPose.FromRowMajor(new double[9]));
        Assert.Throws<ArgumentException>(() => RigidPose.FromRowMajor(new double[12]));
        Assert.Contains("reflection", Assert.Throws<ArgumentException>(() => RigidPose.FromRowMajor([-1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0])).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => RigidPose.FromRowMajor([1, 0, 0, double.NaN, 0, 1, 0, 0, 0, 0, 1, 0]));
        Assert.Throws<ArgumentException>(() => RigidPose.FromRowMajor([1.01, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0]));
    }

    private static void Near(RigidPose expected, RigidPose actual) =>
        Assert.All(expected.Matrix().Zip(actual.Matrix()), pair => Assert.Equal(pair.First, pair.Second, 1e-12));
}
