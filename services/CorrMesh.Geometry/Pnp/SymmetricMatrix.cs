namespace CorrMesh.Geometry.Pnp;

/// <summary>Eigenvalues of symmetric 3 x 3 matrices.</summary>
internal static class SymmetricMatrix
{
    /// <summary>The largest eigenvalue (Smith 1961).</summary>
    public static double LargestValue(double xx, double xy, double xz, double yy, double yz, double zz) => Values(xx, xy, xz, yy, yz, zz).Largest;

    /// <summary>The unit eigenvector of the smallest eigenvalue.</summary>
    public static Vector3d SmallestDirection(double xx, double xy, double xz, double yy, double yz, double zz)
    {
        double value = Values(xx, xy, xz, yy, yz, zz).Smallest;
        Vector3d a = new(xx - value, xy, xz), b = new(xy, yy - value, yz), c = new(xz, yz, zz - value);
        Vector3d ab = a.Cross(b), ac = a.Cross(c), bc = b.Cross(c);
        double sab = ab.SquaredLength, sac = ac.SquaredLength, sbc = bc.SquaredLength;
        (Vector3d direction, double squared) = sab >= sac && sab >= sbc ? (ab, sab) : sac >= sbc ? (ac, sac) : (bc, sbc);
        return squared > 0 ? (1 / Math.Sqrt(squared)) * direction : new Vector3d(0, 0, 1);
    }

    private static (double Largest, double Smallest) Values(double xx, double xy, double xz, double yy, double yz, double zz)
    {
        double mean = (xx + yy + zz) / 3, a = xx - mean, b = yy - mean, c = zz - mean;
        double size = Math.Sqrt((a * a + b * b + c * c + 2 * (xy * xy + xz * xz + yz * yz)) / 6);
        if (!(size > 0)) return (mean, mean);
        double determinant = (a * (b * c - yz * yz) - xy * (xy * c - yz * xz) + xz * (xy * yz - b * xz)) / (size * size * size);
        double angle = Math.Acos(Math.Clamp(determinant / 2, -1, 1)) / 3;
        return (mean + 2 * size * Math.Cos(angle), mean + 2 * size * Math.Cos(angle + 2 * Math.PI / 3));
    }
}
