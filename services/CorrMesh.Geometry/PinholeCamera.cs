namespace CorrMesh.Geometry;

/// <summary>A camera without distortion. Frame: x right, y down, z forward; pixels: (0, 0) is the centre of the top-left one.</summary>
/// <param name="Width">Columns, at least 1.</param>
/// <param name="Height">Rows, at least 1.</param>
/// <param name="FocalX">Pixels, positive.</param>
/// <param name="FocalY">Pixels, positive.</param>
/// <param name="CentreX">Principal point, pixels.</param>
/// <param name="CentreY">Principal point, pixels.</param>
public readonly record struct PinholeCamera(int Width, int Height, double FocalX, double FocalY, double CentreX, double CentreY)
{
    /// <summary>The paper's lens: 35 mm before a sensor 32 mm wide, looking through the middle of a square picture.</summary>
    /// <param name="size">Pixels a side; the paper has 512, which puts the principal point at 255.5.</param>
    public static PinholeCamera ThirtyFive(int size = 512) => new(size, size, 35.0 * size / 32, 35.0 * size / 32, (size - 1) / 2.0, (size - 1) / 2.0);

    /// <summary>A camera from a row-major 3 x 3 matrix.</summary>
    /// <exception cref="ArgumentException">Not nine values, a focal length is not positive, or something is not finite.</exception>
    public static PinholeCamera FromMatrix(ReadOnlySpan<double> intrinsics, int width, int height)
    {
        if (intrinsics.Length != 9) throw new ArgumentException($"intrinsics: 9 values needed, {intrinsics.Length} given", nameof(intrinsics));
        return new PinholeCamera(width, height, intrinsics[0], intrinsics[4], intrinsics[2], intrinsics[5]).Checked();
    }

    /// <summary>This camera, when its numbers can be those of one.</summary>
    /// <exception cref="ArgumentException">A size is below 1, a focal length is not positive, or something is not finite.</exception>
    public PinholeCamera Checked()
    {
        if (Width < 1 || Height < 1) throw new ArgumentException($"camera size: at least 1 x 1 pixels needed, {Width} x {Height} given");
        if (!(FocalX > 0 && FocalY > 0) || !double.IsFinite(FocalX) || !double.IsFinite(FocalY)) throw new ArgumentException($"camera focal lengths: finite and above 0 pixels needed, {FocalX} and {FocalY} given");
        if (!double.IsFinite(CentreX) || !double.IsFinite(CentreY)) throw new ArgumentException($"camera principal point: finite pixels needed, ({CentreX}, {CentreY}) given");
        return this;
    }

    /// <summary>[9], row-major 3 x 3.</summary>
    public double[] Matrix() => [FocalX, 0, CentreX, 0, FocalY, CentreY, 0, 0, 1];

    /// <summary>Where a point before the camera is seen, pixels; infinite or NaN in the camera's plane.</summary>
    public (double X, double Y) Project((double X, double Y, double Z) point) => (FocalX * point.X / point.Z + CentreX, FocalY * point.Y / point.Z + CentreY);

    /// <summary>The point of the camera frame behind a pixel at a depth along the optical axis, in the depth's unit.</summary>
    public (double X, double Y, double Z) Unproject(double x, double y, double depth) => ((x - CentreX) / FocalX * depth, (y - CentreY) / FocalY * depth, depth);

    /// <summary>Whether a position falls on a pixel.</summary>
    public bool Contains(double x, double y) => x >= -0.5 && y >= -0.5 && x < Width - 0.5 && y < Height - 0.5;
}
