namespace CorrMesh.Geometry.Pnp;

/// <summary>Absolute pose of a calibrated camera from three points (P3P).</summary>
/// <remarks>
/// Solves d_i b_i = R X_i + t with every d_i above 0. X is in the object frame; b is in the camera frame (x right, y down, z forward). After Ding, Yang, Larsson, Olsson and
/// Åström, "Revisiting the P3P Problem", CVPR 2023: the law of cosines for the three sides, divided by one another, gives two conics in the ratios of the depths; one real root
/// of a cubic picks a degenerate conic of their pencil, which is a pair of lines; each meets a conic in up to two points. Newton's method on the three depths then takes away
/// what rounding has done. Points on one line and repeated bearings give no pose; no result ever holds a NaN.
/// </remarks>
public static class PerspectiveThreePoint
{
    /// <summary>Most poses that three points can have.</summary>
    public const int MaxPoses = 4;

    // Of a bearing's length from 1.
    private const double UnitTolerance = 1e-9;

    // Largest residual of a side's square, relative to the squared depths that make it, in a pose that is given.
    private const double SideTolerance = 1e-10;

    // Smallest squared sine of the triangle's angle, and of the angle between two rays.
    private const double SmallestSine = 1e-20;

    private const int NewtonSteps = 4;

    // What rounding leaves of a residual of side lengths, relative to the squared depths: Newton's method gains nothing below it.
    private const double RoundingError = 4e-15;

    /// <summary>Finds the poses.</summary>
    /// <param name="bearings">[3] unit vectors.</param>
    /// <param name="points">[3] object points, in the same order, any unit.</param>
    /// <param name="objectToCamera">Receives up to 4 poses, unordered, translations in the unit of the points.</param>
    /// <returns>How many poses were written.</returns>
    /// <exception cref="ArgumentException">A span is shorter than it must be, or a bearing is not unit to 1e-9.</exception>
    public static int Solve(ReadOnlySpan<(double X, double Y, double Z)> bearings, ReadOnlySpan<(double X, double Y, double Z)> points, Span<RigidPose> objectToCamera)
    {
        if (bearings.Length < 3) throw new ArgumentException($"bearings: 3 needed, {bearings.Length} given", nameof(bearings));
        if (points.Length < 3) throw new ArgumentException($"points: 3 needed, {points.Length} given", nameof(points));
        if (objectToCamera.Length < MaxPoses) throw new ArgumentException($"poses: room for {MaxPoses} needed, {objectToCamera.Length} given", nameof(objectToCamera));
        for (int i = 0; i < 3; i++)
        {
            double length = Math.Sqrt(bearings[i].X * bearings[i].X + bearings[i].Y * bearings[i].Y + bearings[i].Z * bearings[i].Z);
            if (!(Math.Abs(length - 1) <= UnitTolerance)) throw new ArgumentException($"bearings: unit vectors needed, {i} has length {length}", nameof(bearings));
        }
        return Solve(Vector(bearings[0]), Vector(bearings[1]), Vector(bearings[2]), Vector(points[0]), Vector(points[1]), Vector(points[2]), objectToCamera);

        static Vector3d Vector((double X, double Y, double Z) v) => new(v.X, v.Y, v.Z);
    }

    /// <summary>As the other, without looking at its arguments.</summary>
    internal static int Solve(Vector3d b0, Vector3d b1, Vector3d b2, Vector3d p0, Vector3d p1, Vector3d p2, Span<RigidPose> objectToCamera)
    {
        Vector3d side01 = p0 - p1, side02 = p0 - p2, side12 = p1 - p2;
        double a01 = side01.SquaredLength, a02 = side02.SquaredLength, a12 = side12.SquaredLength;
        // The longest side last: the ratios are then 1 at most.
        if (a01 > a12 && a01 >= a02)
        {
            (p0, p2, b0, b2) = (p2, p0, b2, b0);
            (a01, a12) = (a12, a01);
            (side01, side02) = (p0 - p1, p0 - p2);
        }
        else if (a02 > a12)
        {
            (p0, p1, b0, b1) = (p1, p0, b1, b0);
            (a02, a12) = (a12, a02);
            (side01, side02) = (p0 - p1, p0 - p2);
        }
        Vector3d normal = side01.Cross(side02);
        if (!(normal.SquaredLength > SmallestSine * a12 * a12)) return 0;

        double m01 = b0.Dot(b1), m02 = b0.Dot(b2), m12 = b1.Dot(b2), a = a01 / a12, b = a02 / a12;
        if (!(Math.Max(Math.Max(m01 * m01, m02 * m02), m12 * m12) < 1 - SmallestSine)) return 0;

        // Conics of (d0, d1, d2): C = side 01 - a side 12, and E = side 02 - b side 12. Entries that are not named are 0.
        double c01 = -m01, c11 = 1 - a, c12 = a * m12, c22 = -a;
        double e02 = -m02, e11 = -b, e12 = b * m12, e22 = 1 - b;
        // det(g C + E) = k3 g³ + k2 g² + k1 g + k0
        double sine12 = 1 - m12 * m12;
        double k3 = a * (a * sine12 - 1 + m01 * m01), k0 = b * (b * sine12 - 1 + m02 * m02);
        double adjugate00 = c11 * c22 - c12 * c12, adjugate02 = c01 * c12, adjugate11 = c22, adjugate12 = -c12, adjugate22 = c11 - c01 * c01;
        double k2 = adjugate00 + 2 * adjugate02 * e02 + adjugate11 * e11 + 2 * adjugate12 * e12 + adjugate22 * e22;
        adjugate00 = e11 * e22 - e12 * e12;
        adjugate11 = e22 - e02 * e02;
        adjugate22 = e11;
        double k1 = adjugate00 + 2 * e12 * e02 * c01 + adjugate11 * c11 - 2 * e12 * c12 + adjugate22 * c22;

        // The root may be infinite, where C itself is the pair of lines: then its inverse is found.
        double g, h;
        if (Math.Abs(k3) >= Math.Abs(k0)) (g, h) = (RealRoot(k2 / k3, k1 / k3, k0 / k3), 1);
        else (g, h) = (1, RealRoot(k1 / k0, k2 / k0, k3 / k0));
        double d00 = g + h, d01 = g * c01, d02 = h * e02, d11 = g * c11 + h * e11, d12 = g * c12 + h * e12, d22 = g * c22 + h * e22;

        // The pair of lines l, m: D = l mᵀ + m lᵀ, whose adjugate is -(l x m)(l x m)ᵀ.
        double w00 = d12 * d12 - d11 * d22, w11 = d02 * d02 - d00 * d22, w22 = d01 * d01 - d00 * d11;
        double w01 = d01 * d22 - d02 * d12, w02 = d02 * d11 - d01 * d12, w12 = d00 * d12 - d01 * d02;
        double w0, w1, w2;
        if (w00 >= w11 && w00 >= w22)
        {
            if (!(w00 > 0)) return 0;
            w0 = Math.Sqrt(w00);
            (w1, w2) = (w01 / w0, w02 / w0);
        }
        else if (w11 >= w22)
        {
            if (!(w11 > 0)) return 0;
            w1 = Math.Sqrt(w11);
            (w0, w2) = (w01 / w1, w12 / w1);
        }
        else
        {
            if (!(w22 > 0)) return 0;
            w2 = Math.Sqrt(w22);
            (w0, w1) = (w02 / w2, w12 / w2);
        }
        // D + [l x m] is of rank 1: its rows are multiples of one line, its columns of the other.
        double m00 = d00, r01 = d01 - w2, r02 = d02 + w1, r10 = d01 + w2, m11 = d11, r12 = d12 - w0, r20 = d02 - w1, r21 = d12 + w0, m22 = d22;
        Vector3d row0 = new(m00, r01, r02), row1 = new(r10, m11, r12), row2 = new(r20, r21, m22);
        double size0 = row0.SquaredLength, size1 = row1.SquaredLength, size2 = row2.SquaredLength;
        Vector3d line = size0 >= size1 && size0 >= size2 ? row0 : size1 >= size2 ? row1 : row2;
        Vector3d column0 = new(m00, r10, r20), column1 = new(r01, m11, r21), column2 = new(r02, r12, m22);
        size0 = column0.SquaredLength;
        size1 = column1.SquaredLength;
        size2 = column2.SquaredLength;
        Vector3d other = size0 >= size1 && size0 >= size2 ? column0 : size1 >= size2 ? column1 : column2;

        double factor = 1 / normal.SquaredLength;
        var triangle = new Triangle(b0, b1, b2, p0, factor * side02.Cross(normal), factor * normal.Cross(side01), factor * normal, a01, a02, a12, m01, m02, m12);
        // Of the two conics the one that is less like the pair of lines.
        Conic conic = Math.Abs(g) > Math.Abs(h) ? new(0, e02, e11, e12, e22) : new(c01, 0, c11, c12, c22);
        int count = Meet(line, conic, triangle, objectToCamera, 0);
        return Meet(other, conic, triangle, objectToCamera, count);
    }

    // The real root of x³ + b x² + c x + d that stands farthest from the other two.
    private static double RealRoot(double b, double c, double d)
    {
        double shift = b / 3, p = c - b * shift, q = d + shift * (2 * shift * shift - c);   // x = t - shift: t³ + p t + q
        double half = q / 2, third = p / 3, discriminant = half * half + third * third * third;
        double t;
        if (discriminant > 0)
        {
            double u = -Math.CopySign(Math.Cbrt(Math.Abs(half) + Math.Sqrt(discriminant)), half);
            t = u - third / u;
        }
        else
        {
            // The largest in size lies between 0.866 and 1 of this; Newton's method comes down to it without a turn.
            t = -Math.CopySign(2 * Math.Sqrt(-third), half);
            for (int i = 0; i < NewtonSteps; i++)
            {
                double slope = 3 * t * t + p;
                if (slope == 0) break;
                t -= ((t * t + p) * t + q) / slope;
            }
        }
        double x = t - shift;
        for (int i = 0; i < 2; i++)
        {
            double slope = (3 * x + 2 * b) * x + c;
            if (slope == 0) break;
            double step = (((x + b) * x + c) * x + d) / slope;
            if (double.IsFinite(step)) x -= step;
        }
        return x;
    }

    // With the dual basis of its sides and their normal.
    private readonly record struct Triangle(
        Vector3d Bearing0, Vector3d Bearing1, Vector3d Bearing2, Vector3d Point0, Vector3d Dual01, Vector3d Dual02, Vector3d DualNormal,
        double A01, double A02, double A12, double M01, double M02, double M12);

    // Symmetric; its first entry is 1.
    private readonly record struct Conic(double Q01, double Q02, double Q11, double Q12, double Q22)
    {
        public double Form(Vector3d u, Vector3d v) =>
            u.X * v.X + Q01 * (u.X * v.Y + u.Y * v.X) + Q02 * (u.X * v.Z + u.Z * v.X) + Q11 * (u.Y * v.Y) + Q12 * (u.Y * v.Z + u.Z * v.Y) + Q22 * (u.Z * v.Z);
    }

    // Depths on the line l · d = 0 and on the conic.
    private static int Meet(Vector3d line, in Conic conic, in Triangle triangle, Span<RigidPose> poses, int count)
    {
        // Two directions in the plane l · d = 0, with the largest entry of l as the divisor.
        double x = Math.Abs(line.X), y = Math.Abs(line.Y), z = Math.Abs(line.Z);
        Vector3d s, r;
        if (x >= y && x >= z) (s, r) = (new(-line.Y / line.X, 1, 0), new(-line.Z / line.X, 0, 1));
        else if (y >= z) (s, r) = (new(0, -line.Z / line.Y, 1), new(1, -line.X / line.Y, 0));
        else (s, r) = (new(1, 0, -line.X / line.Z), new(0, 1, -line.Y / line.Z));
        double ss = conic.Form(s, s), sr = conic.Form(s, r), rr = conic.Form(r, r);
        double discriminant = sr * sr - ss * rr;
        if (!(discriminant >= 0))
        {
            // Rounding makes a tangent of a line miss by about this much.
            if (!(discriminant > -1e-12 * (sr * sr + Math.Abs(ss * rr)))) return count;
            discriminant = 0;
        }
        double root = -(sr + Math.CopySign(Math.Sqrt(discriminant), sr));
        // ss p² + 2 sr p q + rr q² = 0 for d = p s + q r: without a division.
        count = Add(root * s + ss * r, triangle, poses, count);
        return discriminant == 0 ? count : Add(rr * s + root * r, triangle, poses, count);
    }

    // The pose with depths in these ratios, if there is one.
    private static int Add(Vector3d ratios, in Triangle triangle, Span<RigidPose> poses, int count)
    {
        double d0 = ratios.X, d1 = ratios.Y, d2 = ratios.Z;
        if (d0 < 0) (d0, d1, d2) = (-d0, -d1, -d2);
        if (!(d0 > 0 && d1 > 0 && d2 > 0)) return count;
        double m01 = triangle.M01, m02 = triangle.M02, m12 = triangle.M12;
        double scale = Math.Sqrt(triangle.A12 / (d1 * d1 + d2 * d2 - 2 * m12 * d1 * d2));
        d0 *= scale;
        d1 *= scale;
        d2 *= scale;
        double residual = double.PositiveInfinity, bound = 0;
        for (int i = 0; ; i++)
        {
            double f01 = d0 * d0 + d1 * d1 - 2 * m01 * d0 * d1 - triangle.A01;
            double f02 = d0 * d0 + d2 * d2 - 2 * m02 * d0 * d2 - triangle.A02;
            double f12 = d1 * d1 + d2 * d2 - 2 * m12 * d1 * d2 - triangle.A12;
            residual = Math.Abs(f01) + Math.Abs(f02) + Math.Abs(f12);
            bound = d0 * d0 + d1 * d1 + d2 * d2;
            if (i == NewtonSteps || !(residual > RoundingError * bound)) break;
            // Half of the Jacobian: rows (u0 u1 0), (v0 0 v2), (0 w1 w2).
            double u0 = d0 - m01 * d1, u1 = d1 - m01 * d0, v0 = d0 - m02 * d2, v2 = d2 - m02 * d0, w1 = d1 - m12 * d2, w2 = d2 - m12 * d1;
            double determinant = -(u0 * v2 * w1 + u1 * v0 * w2);
            if (determinant == 0) break;
            double inverse = -0.5 / determinant;
            d0 += inverse * (-v2 * w1 * f01 - u1 * w2 * f02 + u1 * v2 * f12);
            d1 += inverse * (-v0 * w2 * f01 + u0 * w2 * f02 - u0 * v2 * f12);
            d2 += inverse * (v0 * w1 * f01 - u0 * w1 * f02 - u1 * v0 * f12);
        }
        if (!(residual <= SideTolerance * bound && d0 > 0 && d1 > 0 && d2 > 0)) return count;

        // R takes both sides and their normal over: R = Σ y_k x_kᵀ with the dual basis x of the object's.
        Vector3d y0 = d0 * triangle.Bearing0, side01 = y0 - d1 * triangle.Bearing1, side02 = y0 - d2 * triangle.Bearing2, normal = side01.Cross(side02);
        Vector3d dual01 = triangle.Dual01, dual02 = triangle.Dual02, dualNormal = triangle.DualNormal;
        double r11 = side01.X * dual01.X + side02.X * dual02.X + normal.X * dualNormal.X;
        double r12 = side01.X * dual01.Y + side02.X * dual02.Y + normal.X * dualNormal.Y;
        double r13 = side01.X * dual01.Z + side02.X * dual02.Z + normal.X * dualNormal.Z;
        double r21 = side01.Y * dual01.X + side02.Y * dual02.X + normal.Y * dualNormal.X;
        double r22 = side01.Y * dual01.Y + side02.Y * dual02.Y + normal.Y * dualNormal.Y;
        double r23 = side01.Y * dual01.Z + side02.Y * dual02.Z + normal.Y * dualNormal.Z;
        double r31 = side01.Z * dual01.X + side02.Z * dual02.X + normal.Z * dualNormal.X;
        double r32 = side01.Z * dual01.Y + side02.Z * dual02.Y + normal.Z * dualNormal.Y;
        double r33 = side01.Z * dual01.Z + side02.Z * dual02.Z + normal.Z * dualNormal.Z;
        Vector3d p = triangle.Point0;
        poses[count] = new RigidPose(
            r11, r12, r13, y0.X - (r11 * p.X + r12 * p.Y + r13 * p.Z),
            r21, r22, r23, y0.Y - (r21 * p.X + r22 * p.Y + r23 * p.Z),
            r31, r32, r33, y0.Z - (r31 * p.X + r32 * p.Y + r33 * p.Z));
        return count + 1;
    }
}
