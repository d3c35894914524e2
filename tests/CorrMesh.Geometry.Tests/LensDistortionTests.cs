using Xunit;

namespace CorrMesh.Geometry.Tests;

public class LensDistortionTests
{
    private static readonly double[][] PlainLenses =
    [
        [-0.28, 0.07, 0.0011, -0.0006],
        [0.12, -0.25, 0.002, 0.001, 0.09],
        [0.5, 0.3, 0.001, -0.002, 0.05, 0.6, 0.35, 0.02],
        [-0.2, 0.05, 0.001, 0.001, 0, 0.01, 0, 0, 0.003, -0.001, 0.002, 0.0005],
    ];

    // Goal: the plain model's terms have their places. Method: by hand at (0.5, 0.25), r² = 0.3125, one coefficient at a time. Tolerance: rounding.
    [Theory]
    [InlineData(0, 0.5 * 1.03125, 0.25 * 1.03125)]                     // k1: 1 + 0.1 r²
    [InlineData(1, 0.5 * 1.009765625, 0.25 * 1.009765625)]             // k2: 1 + 0.1 r⁴
    [InlineData(2, 0.5 + 0.1 * 0.25, 0.25 + 0.1 * 0.4375)]             // p1: 2xy, r² + 2y²
    [InlineData(3, 0.5 + 0.1 * 0.8125, 0.25 + 0.1 * 0.25)]             // p2: r² + 2x², 2xy
    [InlineData(4, 0.5 * 1.0030517578125, 0.25 * 1.0030517578125)]     // k3: 1 + 0.1 r⁶
    [InlineData(5, 0.5 / 1.03125, 0.25 / 1.03125)]                     // k4: below the line
    [InlineData(8, 0.5 + 0.1 * 0.3125, 0.25)]                          // s1: r² to x
    [InlineData(11, 0.5, 0.25 + 0.1 * 0.09765625)]                     // s4: r⁴ to y
    public void Distort_OneCoefficient_IsByHand(int place, double x, double y)
    {
        double[] coefficients = new double[12];
        coefficients[place] = 0.1;
        (double atX, double atY) = LensDistortion.Plain(coefficients).Distort(0.5, 0.25);
        Assert.Equal(x, atX, 1e-12);
        Assert.Equal(y, atY, 1e-12);
    }

    // Goal: the fisheye model bends the angle. Method: a ray at 45 degrees, by hand; no coefficients leave the angle itself.
    [Fact]
    public void Distort_Fisheye_BendsTheAngle()
    {
        double angle = Math.PI / 4;
        (double x, double y) = LensDistortion.Fisheye([0, 0, 0, 0]).Distort(1, 0);
        Assert.Equal(angle, x, 1e-12);
        Assert.Equal(0, y);
        (x, y) = LensDistortion.Fisheye([0.1, 0, 0, 0.01]).Distort(0, 1);
        Assert.Equal(angle * (1 + 0.1 * Math.Pow(angle, 2) + 0.01 * Math.Pow(angle, 8)), y, 1e-12);
    }

    // Goal: undistorting undoes distorting. Method: a grid over the picture of four lenses and a fisheye up to 75 degrees. Tolerance: 1e-7 of the plane.
    [Fact]
    public void Undistort_EveryLens_UndoesDistort()
    {
        foreach (double[] coefficients in PlainLenses)
            for (double x = -0.6; x <= 0.6; x += 0.15)
                for (double y = -0.45; y <= 0.45; y += 0.15) RoundTrip(LensDistortion.Plain(coefficients), x, y);
        for (double angle = 0; angle < 75; angle += 5)
            for (double turn = 0; turn < 6; turn++) RoundTrip(LensDistortion.Fisheye([-0.02, 0.004, -0.003, 0.0008]), Math.Tan(angle * Math.PI / 180) * Math.Cos(turn), Math.Tan(angle * Math.PI / 180) * Math.Sin(turn));

        static void RoundTrip(LensDistortion lens, double x, double y)
        {
            (double atX, double atY) = lens.Distort(x, y);
            (double backX, double backY) = lens.Undistort(atX, atY);
            Assert.Equal(x, backX, 1e-6);
            Assert.Equal(y, backY, 1e-6);
        }
    }

    // Goal: what no ray of the plane makes is not made up. Method: beyond the fold of a barrel lens; a fisheye's ray at more than a right angle.
    [Fact]
    public void Undistort_NoRay_IsNotANumber()
    {
        Assert.True(double.IsNaN(LensDistortion.Plain([-0.5, 0, 0, 0]).Undistort(2, 0).X));
        Assert.True(double.IsNaN(LensDistortion.Fisheye([0, 0, 0, 0]).Undistort(1.8, 0).X));
    }

    // Goal: pixels go through the camera. Method: points of a lens picture become those of the pinhole.
    [Fact]
    public void Undistort_Pixels_AreThoseOfThePinhole()
    {
        var camera = new PinholeCamera(640, 480, 500, 510, 320, 240);
        LensDistortion lens = LensDistortion.Plain(PlainLenses[0]);
        (double x, double y) = lens.Distort(0.3, -0.2);
        double[] straight = lens.Undistort([500 * x + 320, 510 * y + 240], camera);
        Assert.Equal(0.3 * 500 + 320, straight[0], 1e-4);
        Assert.Equal(-0.2 * 510 + 240, straight[1], 1e-4);
    }

    // Goal: wrong coefficients are named.
    [Fact]
    public void Create_WrongCoefficients_AreNamed()
    {
        Assert.Contains("4, 5, 8 or 12 values needed, 6 given", Assert.Throws<ArgumentException>(() => LensDistortion.Plain(new double[6])).Message, StringComparison.Ordinal);
        Assert.Contains("4 values needed, 5 given", Assert.Throws<ArgumentException>(() => LensDistortion.Fisheye(new double[5])).Message, StringComparison.Ordinal);
        Assert.Contains("finite values needed, NaN given", Assert.Throws<ArgumentException>(() => LensDistortion.Plain([0, double.NaN, 0, 0])).Message, StringComparison.Ordinal);
    }
}
