namespace CorrMesh.Geometry;

/// <summary>How a lens bends rays away from a pinhole's, in OpenCV's two models.</summary>
/// <remarks>
/// Coordinates are those of the plane at depth 1: (X/Z, Y/Z). The plain model is radial (rational, k1 to k6), tangential (p1, p2) and of a thin prism (s1 to s4); the fisheye model (Kannala and
/// Brandt 2006) is of the angle to the axis, θ (1 + k1 θ² + k2 θ⁴ + k3 θ⁶ + k4 θ⁸). Pixels follow with the focal lengths and the principal point.
/// </remarks>
public sealed class LensDistortion
{
    private const int NewtonSteps = 30;

    // Of the distorted plane: a hundred-thousandth of a pixel at a focal length of 1000.
    private const double Tolerance = 1e-8;

    private readonly double[] c;   // plain: k1 k2 p1 p2 k3 k4 k5 k6 s1 s2 s3 s4; fisheye: k1 k2 k3 k4

    private LensDistortion(double[] coefficients, bool isFisheye) => (c, IsFisheye) = (coefficients, isFisheye);

    public bool IsFisheye { get; }

    /// <summary>The plain model.</summary>
    /// <param name="coefficients">4, 5, 8 or 12 values in OpenCV's order: k1 k2 p1 p2 [k3 [k4 k5 k6 [s1 s2 s3 s4]]].</param>
    /// <exception cref="ArgumentException">Another number of values, or one is not finite.</exception>
    public static LensDistortion Plain(ReadOnlySpan<double> coefficients)
    {
        if (coefficients.Length is not (4 or 5 or 8 or 12)) throw new ArgumentException($"distortion: 4, 5, 8 or 12 values needed, {coefficients.Length} given", nameof(coefficients));
        return new LensDistortion(Checked(coefficients, 12), isFisheye: false);
    }

    /// <summary>The fisheye model.</summary>
    /// <param name="coefficients">4 values: k1 k2 k3 k4.</param>
    /// <exception cref="ArgumentException">Another number of values, or one is not finite.</exception>
    public static LensDistortion Fisheye(ReadOnlySpan<double> coefficients)
    {
        if (coefficients.Length != 4) throw new ArgumentException($"fisheye distortion: 4 values needed, {coefficients.Length} given", nameof(coefficients));
        return new LensDistortion(Checked(coefficients, 4), isFisheye: true);
    }

    /// <summary>Where a ray of the pinhole's plane arrives.</summary>
    public (double X, double Y) Distort(double x, double y) => IsFisheye ? DistortFisheye(x, y) : Evaluate(x, y).Point;

    /// <summary>The ray that arrives at a place; NaN where none does, or a fisheye's stands at a right angle to the axis or beyond, which a plane cannot show.</summary>
    public (double X, double Y) Undistort(double x, double y) => IsFisheye ? UndistortFisheye(x, y) : UndistortPlain(x, y);

    /// <summary>Pixels of the camera without its lens.</summary>
    /// <param name="imagePoints">[2 N] x, y as seen.</param>
    /// <returns>[2 N]; NaN where <see cref="Undistort"/> gives it.</returns>
    public double[] Undistort(ReadOnlySpan<double> imagePoints, PinholeCamera camera)
    {
        double[] straight = new double[imagePoints.Length];
        for (int i = 0; i + 1 < imagePoints.Length; i += 2)
        {
            (double x, double y) = Undistort((imagePoints[i] - camera.CentreX) / camera.FocalX, (imagePoints[i + 1] - camera.CentreY) / camera.FocalY);
            (straight[i], straight[i + 1]) = (camera.FocalX * x + camera.CentreX, camera.FocalY * y + camera.CentreY);
        }
        return straight;
    }

    private static double[] Checked(ReadOnlySpan<double> coefficients, int count)
    {
        double[] padded = new double[count];
        for (int i = 0; i < coefficients.Length; i++)
        {
            if (!double.IsFinite(coefficients[i])) throw new ArgumentException($"distortion: finite values needed, {coefficients[i]} given", nameof(coefficients));
            padded[i] = coefficients[i];
        }
        return padded;
    }

    private (double X, double Y) UndistortPlain(double x, double y)
    {
        (double X, double Y) ray = (x, y);
        for (int i = 0; i < NewtonSteps; i++)
        {
            ((double atX, double atY), (double xx, double xy, double yx, double yy)) = Evaluate(ray.X, ray.Y);
            double dx = atX - x, dy = atY - y, determinant = xx * yy - xy * yx;
            // Beyond the fold of the lens, where rays arrive in the wrong order, there is no way back.
            if (!(determinant > 0)) break;
            ray = (ray.X - (yy * dx - xy * dy) / determinant, ray.Y - (xx * dy - yx * dx) / determinant);
            if (Math.Abs(dx) + Math.Abs(dy) < Tolerance) return ray;
        }
        return (double.NaN, double.NaN);
    }

    // The point and its derivatives: dx/dx, dx/dy, dy/dx, dy/dy.
    private ((double X, double Y) Point, (double XX, double XY, double YX, double YY) Slope) Evaluate(double x, double y)
    {
        double k1 = c[0], k2 = c[1], p1 = c[2], p2 = c[3], k3 = c[4], k4 = c[5], k5 = c[6], k6 = c[7], s1 = c[8], s2 = c[9], s3 = c[10], s4 = c[11];
        double r2 = x * x + y * y;
        double above = 1 + r2 * (k1 + r2 * (k2 + r2 * k3)), below = 1 + r2 * (k4 + r2 * (k5 + r2 * k6)), radial = above / below;
        double slope = ((k1 + r2 * (2 * k2 + 3 * r2 * k3)) - radial * (k4 + r2 * (2 * k5 + 3 * r2 * k6))) / below;   // of radial by r²
        double prismX = s1 + 2 * s2 * r2, prismY = s3 + 2 * s4 * r2;
        return (
            (x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x) + r2 * (s1 + s2 * r2), y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y + r2 * (s3 + s4 * r2)),
            (radial + 2 * x * x * slope + 2 * p1 * y + 6 * p2 * x + 2 * x * prismX, 2 * x * y * slope + 2 * p1 * x + 2 * p2 * y + 2 * y * prismX,
                2 * x * y * slope + 2 * p1 * x + 2 * p2 * y + 2 * x * prismY, radial + 2 * y * y * slope + 6 * p1 * y + 2 * p2 * x + 2 * y * prismY));
    }

    private (double X, double Y) DistortFisheye(double x, double y)
    {
        double r = Math.Sqrt(x * x + y * y);
        if (r < 1e-12) return (x, y);
        double scale = Bent(Math.Atan(r)) / r;
        return (scale * x, scale * y);
    }

    private (double X, double Y) UndistortFisheye(double x, double y)
    {
        double bent = Math.Sqrt(x * x + y * y), angle = Math.Min(bent, Math.PI / 2);
        if (bent < 1e-12) return (x, y);
        for (int i = 0; i < NewtonSteps; i++)
        {
            double t = angle * angle, slope = 1 + t * (3 * c[0] + t * (5 * c[1] + t * (7 * c[2] + t * 9 * c[3]))), miss = Bent(angle) - bent;
            if (!(slope > 0)) break;
            angle -= miss / slope;
            if (!(Math.Abs(miss) < Tolerance)) continue;
            if (!(angle > 0 && angle < Math.PI / 2)) break;
            double scale = Math.Tan(angle) / bent;
            return (scale * x, scale * y);
        }
        return (double.NaN, double.NaN);
    }

    private double Bent(double angle)
    {
        double t = angle * angle;
        return angle * (1 + t * (c[0] + t * (c[1] + t * (c[2] + t * c[3]))));
    }
}
