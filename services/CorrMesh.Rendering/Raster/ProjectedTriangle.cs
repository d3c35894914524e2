using CorrMesh.Geometry;

namespace CorrMesh.Rendering.Raster;

/// <summary>A triangle as linear functions of the pixel position.</summary>
/// <remarks>
/// Homogeneous rasterisation (Olano and Greer 1997). With camera-frame corners P0, P1, P2 and the ray d through a pixel, w0 = d · (P1 × P2) and
/// likewise w1, w2 are the corners' weights up to a common factor, so w / Σw interpolates in perspective, and the depth is det(P0, P1, P2) / Σw.
/// A triangle that reaches behind the camera needs no clipping. For the triangle on the other side of an edge the same products come out with the
/// other sign, bit by bit; with a rule for zero, each sample belongs to exactly one of the two, and meshes have no cracks.
/// </remarks>
internal struct ProjectedTriangle
{
    /// <summary>w_i = A_i x + B_i y + C_i, not below 0 inside.</summary>
    public double A0, B0, C0, A1, B1, C1, A2, B2, C2;

    /// <summary>Positive; depth = Volume / Σw.</summary>
    public double Volume;

    /// <summary>Bounds of 1 / depth over the triangle, by which rounding is held back where it is seen edge-on.</summary>
    public double LeastInverse, GreatestInverse;

    /// <summary>Samples beyond this 1 / depth are cut away: infinite unless the triangle passes the near plane.</summary>
    public double CutInverse;

    /// <summary>Which face of the mesh.</summary>
    public int Face;

    /// <summary>Pixels that it may touch, inclusive.</summary>
    public int Left, Top, Right, Bottom;

    /// <summary>Prepares a face; false when no pixel can see it.</summary>
    /// <param name="p">[9]: three corners in the camera frame.</param>
    public static bool TryProject(ReadOnlySpan<double> p, in PinholeCamera camera, double near, int face, out ProjectedTriangle triangle)
    {
        triangle = default;
        double least = Math.Min(p[2], Math.Min(p[5], p[8])), greatest = Math.Max(p[2], Math.Max(p[5], p[8]));
        if (!(greatest >= near)) return false;
        Cross(p[3..6], p[6..9], out double n0X, out double n0Y, out double n0Z);
        double volume = p[0] * n0X + p[1] * n0Y + p[2] * n0Z;
        if (!(Math.Abs(volume) > 0) || !double.IsFinite(volume)) return false;
        Cross(p[6..9], p[..3], out double n1X, out double n1Y, out double n1Z);
        Cross(p[..3], p[3..6], out double n2X, out double n2Y, out double n2Z);
        double sign = volume > 0 ? 1 : -1;
        triangle.Face = face;
        triangle.Volume = sign * volume;
        triangle.LeastInverse = 1 / greatest;
        triangle.GreatestInverse = 1 / Math.Max(least, near);
        triangle.CutInverse = least < near ? 1 / near : double.PositiveInfinity;
        (triangle.A0, triangle.B0, triangle.C0) = Plane(sign * n0X, sign * n0Y, sign * n0Z, camera);
        (triangle.A1, triangle.B1, triangle.C1) = Plane(sign * n1X, sign * n1Y, sign * n1Z, camera);
        (triangle.A2, triangle.B2, triangle.C2) = Plane(sign * n2X, sign * n2Y, sign * n2Z, camera);
        return triangle.Bound(p, camera, near);
    }

    /// <summary>Σw as a linear function.</summary>
    public readonly (double A, double B, double C) Sum => (A0 + A1 + A2, B0 + B1 + B2, C0 + C1 + C2);

    /// <summary>Depth at a position that the triangle covers.</summary>
    public readonly double DepthAt(double x, double y)
    {
        (double a, double b, double c) = Sum;
        return 1 / Math.Clamp((a * x + b * y + c) / Volume, LeastInverse, GreatestInverse);
    }

    private static void Cross(ReadOnlySpan<double> a, ReadOnlySpan<double> b, out double x, out double y, out double z) =>
        (x, y, z) = (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]);

    // From a function of the ray ((x - cx) / fx, (y - cy) / fy, 1) to one of the pixel.
    private static (double A, double B, double C) Plane(double x, double y, double z, in PinholeCamera camera)
    {
        double a = x / camera.FocalX, b = y / camera.FocalY;
        return (a, b, z - a * camera.CentreX - b * camera.CentreY);
    }

    // The box of the projected corners; of a triangle that passes the near plane, of the part before it.
    private bool Bound(ReadOnlySpan<double> p, in PinholeCamera camera, double near)
    {
        double left = double.PositiveInfinity, top = left, right = double.NegativeInfinity, bottom = right;
        for (int i = 0; i < 3; i++)
        {
            ReadOnlySpan<double> from = p.Slice(3 * i, 3), to = p.Slice(3 * ((i + 1) % 3), 3);
            if (from[2] >= near) Include(from[0], from[1], from[2], camera, ref left, ref top, ref right, ref bottom);
            if (from[2] >= near != to[2] >= near)
            {
                double t = (near - from[2]) / (to[2] - from[2]);
                Include(from[0] + t * (to[0] - from[0]), from[1] + t * (to[1] - from[1]), near, camera, ref left, ref top, ref right, ref bottom);
            }
        }
        // Samples lie within half a pixel of a centre.
        (Left, Right) = (Clamped(Math.Ceiling(left - 0.5)), Clamped(Math.Floor(right + 0.5)));
        (Top, Bottom) = (Clamped(Math.Ceiling(top - 0.5)), Clamped(Math.Floor(bottom + 0.5)));
        (Left, Top, Right, Bottom) = (Math.Max(Left, 0), Math.Max(Top, 0), Math.Min(Right, camera.Width - 1), Math.Min(Bottom, camera.Height - 1));
        return Left <= Right && Top <= Bottom;
    }

    private static void Include(double x, double y, double z, in PinholeCamera camera, ref double left, ref double top, ref double right, ref double bottom)
    {
        double u = camera.FocalX * x / z + camera.CentreX, v = camera.FocalY * y / z + camera.CentreY;
        (left, right, top, bottom) = (Math.Min(left, u), Math.Max(right, u), Math.Min(top, v), Math.Max(bottom, v));
    }

    private static int Clamped(double value) => (int)Math.Clamp(value, -1e6, 1e6);
}
