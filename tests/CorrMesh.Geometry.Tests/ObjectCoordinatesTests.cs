using CorrMesh.Geometry;
using Xunit;

namespace CorrMesh.Geometry.Tests;

public class ObjectCoordinatesTests
{
    private static readonly double[] Intrinsics = [100, 0, 4, 0, 120, 3, 0, 0, 1];
    private static readonly double[] QuarterTurn = [0, -1, 0, 0.1, 1, 0, 0, -0.2, 0, 0, 1, 2];   // about z, then a shift

    // Goal: lifting undoes projection. Method: project seeded object points whose pixels are whole, write their depths, lift them. Tolerance: 1e-12.
    [Fact]
    public void FromPixels_ProjectedPoints_ComeBack()
    {
        var random = new Random(5);
        for (int trial = 0; trial < 20; trial++)
        {
            int u = random.Next(8), v = random.Next(6);
            double d = 1 + random.NextDouble();
            var depth = new double[48];
            depth[v * 8 + u] = d;
            double[] point = ObjectCoordinates.FromPixels([u, v], depth, 8, Intrinsics, QuarterTurn);
            double[] camera = [-point[1] + 0.1, point[0] - 0.2, point[2] + 2];
            Assert.Equal(d, camera[2], 1e-12);
            Assert.Equal(u, 100 * camera[0] / camera[2] + 4, 1e-10);
            Assert.Equal(v, 120 * camera[1] / camera[2] + 3, 1e-10);
        }
    }

    [Fact]
    public void FromPixels_HalfPixel_ReadsDepthAtTheEvenNeighbour()
    {
        double[] depth = [1, 2, 3, 4];
        double[] identity = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0];
        Assert.Equal(1, ObjectCoordinates.FromPixels([0.5, 0], depth, 4, Intrinsics, identity)[2]);
        Assert.Equal(3, ObjectCoordinates.FromPixels([1.5, 0], depth, 4, Intrinsics, identity)[2]);
    }

    [Theory]
    [InlineData(-0.51, 0)]
    [InlineData(7.51, 0)]
    [InlineData(0, 5.51)]
    [InlineData(double.NaN, 0)]
    public void FromPixels_OutsideTheDepthImage_IsRefused(double u, double v) =>
        Assert.Throws<ArgumentException>(() => ObjectCoordinates.FromPixels([u, v], new double[48], 8, Intrinsics, QuarterTurn));

    [Fact]
    public void FromPixels_SingularIntrinsics_IsRefused() =>
        Assert.Throws<ArgumentException>(() => ObjectCoordinates.FromPixels([0, 0], new double[48], 8, new double[9], QuarterTurn));

    [Fact]
    public void Between_SamePose_IsZero()
    {
        PoseError error = PoseError.Between(QuarterTurn, QuarterTurn);
        Assert.Equal(0, error.AngleDegrees, 1e-6);
        Assert.Equal(0, error.TranslationCentimetres);
    }

    [Fact]
    public void Between_KnownRotationAndShift_IsThatAngleAndDistance()
    {
        double[] identity = [1, 0, 0, 0.1, 0, 1, 0, -0.2, 0, 0, 1, 2.03];
        PoseError error = PoseError.Between(QuarterTurn, identity);
        Assert.Equal(90, error.AngleDegrees, 1e-9);
        Assert.Equal(3, error.TranslationCentimetres, 1e-9);
    }

    [Fact]
    public void Between_NotARotation_HasNoAngle()
    {
        double[] negative = [-1, 0, 0, 0, 0, -1, 0, 0, 0, 0, -1, 0];
        double[] identity = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0];
        Assert.True(double.IsNaN(PoseError.Between(negative, identity).AngleDegrees));
    }
}
