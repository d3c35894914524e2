namespace CorrMesh.Geometry;

/// <summary>A projective map of the plane: a 3x3 matrix, row-major, acting on column vectors (x, y, 1).</summary>
/// <remarks>
/// The map holds in whatever pixel convention its points are given in. <see cref="ToCornerOrigin"/> and
/// <see cref="ToCentreOrigin"/> change between the API's convention (0,0 is the centre of the first pixel) and the one
/// inside Vision (0,0 is the outer corner of the first pixel).
/// </remarks>
public readonly record struct Homography(
    double M11, double M12, double M13,
    double M21, double M22, double M23,
    double M31, double M32, double M33)
{
    /// <summary>The map that moves nothing.</summary>
    public static Homography Identity { get; } = new(1, 0, 0, 0, 1, 0, 0, 0, 1);

    /// <summary>The determinant: zero for a map that cannot be undone, and dependent on the matrix' scale.</summary>
    public double Determinant =>
        M11 * (M22 * M33 - M23 * M32) - M12 * (M21 * M33 - M23 * M31) + M13 * (M21 * M32 - M22 * M31);

    /// <summary>Moves every point by (<paramref name="x"/>, <paramref name="y"/>).</summary>
    public static Homography Translation(double x, double y) => new(1, 0, x, 0, 1, y, 0, 0, 1);

    /// <summary>Stretches about the origin.</summary>
    public static Homography Scaling(double x, double y) => new(x, 0, 0, 0, y, 0, 0, 0, 1);

    /// <summary>Turns about the origin by an angle in radians; with y down, positive turns are clockwise to the eye.</summary>
    public static Homography Rotation(double radians)
    {
        (double sine, double cosine) = Math.SinCos(radians);
        return new(cosine, -sine, 0, sine, cosine, 0, 0, 0, 1);
    }

    /// <summary>A matrix in nine row-major values.</summary>
    /// <exception cref="ArgumentException">There are not nine values, or one is not finite.</exception>
    public static Homography FromRowMajor(ReadOnlySpan<double> values)
    {
        if (values.Length != 9) throw new ArgumentException($"values: 9 needed, {values.Length} given", nameof(values));
        foreach (double value in values)
            if (!double.IsFinite(value)) throw new ArgumentException($"values: finite numbers needed, {value} given", nameof(values));
        return new(values[0], values[1], values[2], values[3], values[4], values[5], values[6], values[7], values[8]);
    }

    /// <summary>The map that takes four points to four others.</summary>
    /// <remarks>
    /// Each side is written as the image of the projective frame (1,0,0), (0,1,0), (0,0,1), (1,1,1); the two frame maps
    /// compose to the answer (Heckbert 1989, "Fundamentals of Texture Mapping and Image Warping", section 2.2).
    /// </remarks>
    /// <param name="source">[4] points, no three on a line.</param>
    /// <param name="target">[4] points, no three on a line, in the same order.</param>
    /// <exception cref="ArgumentException">There are not four points, or three of a side lie on a line.</exception>
    public static Homography FromFourPoints(ReadOnlySpan<(double X, double Y)> source, ReadOnlySpan<(double X, double Y)> target) =>
        (FromFrame(target, nameof(target)) * FromFrame(source, nameof(source)).Inverse()).Normalised();

    /// <summary>First <paramref name="right"/>, then <paramref name="left"/>.</summary>
    public static Homography operator *(Homography left, Homography right) => new(
        left.M11 * right.M11 + left.M12 * right.M21 + left.M13 * right.M31,
        left.M11 * right.M12 + left.M12 * right.M22 + left.M13 * right.M32,
        left.M11 * right.M13 + left.M12 * right.M23 + left.M13 * right.M33,
        left.M21 * right.M11 + left.M22 * right.M21 + left.M23 * right.M31,
        left.M21 * right.M12 + left.M22 * right.M22 + left.M23 * right.M32,
        left.M21 * right.M13 + left.M22 * right.M23 + left.M23 * right.M33,
        left.M31 * right.M11 + left.M32 * right.M21 + left.M33 * right.M31,
        left.M31 * right.M12 + left.M32 * right.M22 + left.M33 * right.M32,
        left.M31 * right.M13 + left.M32 * right.M23 + left.M33 * right.M33);

    /// <summary>First <paramref name="right"/>, then <paramref name="left"/>.</summary>
    public static Homography Multiply(Homography left, Homography right) => left * right;

    /// <summary>Where a point goes; infinite or NaN for a point on the line that maps to infinity.</summary>
    public (double X, double Y) Apply(double x, double y)
    {
        double w = Depth(x, y);
        return ((M11 * x + M12 * y + M13) / w, (M21 * x + M22 * y + M23) / w);
    }

    /// <summary>The third homogeneous coordinate of a mapped point. Where its sign flips, the map crosses infinity.</summary>
    public double Depth(double x, double y) => M31 * x + M32 * y + M33;

    /// <summary>The map that undoes this one, up to scale.</summary>
    /// <exception cref="InvalidOperationException">The matrix is singular, or not finite.</exception>
    public Homography Inverse()
    {
        double determinant = Determinant;
        double size = Math.Max(Math.Max(Norm(M11, M12, M13), Norm(M21, M22, M23)), Norm(M31, M32, M33));
        if (!(Math.Abs(determinant) > 1e-15 * size * size * size) || !double.IsFinite(determinant))
            throw new InvalidOperationException($"homography: an invertible matrix needed, determinant {determinant} given");
        double s = 1 / determinant;
        return new(
            (M22 * M33 - M23 * M32) * s, (M13 * M32 - M12 * M33) * s, (M12 * M23 - M13 * M22) * s,
            (M23 * M31 - M21 * M33) * s, (M11 * M33 - M13 * M31) * s, (M13 * M21 - M11 * M23) * s,
            (M21 * M32 - M22 * M31) * s, (M12 * M31 - M11 * M32) * s, (M11 * M22 - M12 * M21) * s);
    }

    /// <summary>The same map with M33 = 1, or with unit Frobenius norm when M33 vanishes beside the rest.</summary>
    public Homography Normalised()
    {
        double norm = Norm(Norm(M11, M12, M13), Norm(M21, M22, M23), Norm(M31, M32, M33));
        double s = 1 / (Math.Abs(M33) > 1e-12 * norm ? M33 : norm);
        return new(M11 * s, M12 * s, M13 * s, M21 * s, M22 * s, M23 * s, M31 * s, M32 * s, M33 * s);
    }

    /// <summary>This map, given between pixel-centre coordinates, for corner-origin coordinates (each side adds 0.5).</summary>
    public Homography ToCornerOrigin() => Translation(0.5, 0.5) * this * Translation(-0.5, -0.5);

    /// <summary>This map, given between corner-origin coordinates, for pixel-centre coordinates (each side takes 0.5 off).</summary>
    public Homography ToCentreOrigin() => Translation(-0.5, -0.5) * this * Translation(0.5, 0.5);

    private static Homography FromFrame(ReadOnlySpan<(double X, double Y)> p, string name)
    {
        if (p.Length != 4) throw new ArgumentException($"{name}: 4 points needed, {p.Length} given", name);
        var basis = new Homography(p[0].X, p[1].X, p[2].X, p[0].Y, p[1].Y, p[2].Y, 1, 1, 1);
        // Weights a, b, c with a p0 + b p1 + c p2 = p3 by Cramer's rule; each is a ratio of signed triangle areas.
        double whole = Area(p[0], p[1], p[2]);
        double a = Area(p[3], p[1], p[2]), b = Area(p[0], p[3], p[2]), c = Area(p[0], p[1], p[3]);
        double extent = 0;
        for (int i = 1; i < 4; i++) extent = Math.Max(extent, Math.Max(Math.Abs(p[i].X - p[0].X), Math.Abs(p[i].Y - p[0].Y)));
        double least = 1e-12 * extent * extent;
        if (!(Math.Abs(whole) > least && Math.Abs(a) > least && Math.Abs(b) > least && Math.Abs(c) > least))
            throw new ArgumentException($"{name}: four finite points needed of which no three lie on a line", name);
        a /= whole;
        b /= whole;
        c /= whole;
        return new(basis.M11 * a, basis.M12 * b, basis.M13 * c, basis.M21 * a, basis.M22 * b, basis.M23 * c, a, b, c);
    }

    private static double Area((double X, double Y) p, (double X, double Y) q, (double X, double Y) r) =>
        (q.X - p.X) * (r.Y - p.Y) - (q.Y - p.Y) * (r.X - p.X);

    private static double Norm(double x, double y, double z) => Math.Sqrt(x * x + y * y + z * z);
}
