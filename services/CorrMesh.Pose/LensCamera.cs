using CorrMesh.Geometry;

namespace CorrMesh.Pose;

/// <summary>A camera with its lens. Pixels are those of the picture as the lens shows it.</summary>
/// <param name="Pinhole">What it would be without one; its size is not looked at.</param>
/// <param name="Lens">Null for a pinhole.</param>
internal sealed record LensCamera(PinholeCamera Pinhole, LensDistortion? Lens)
{
    /// <summary>Where a point of the camera's frame is seen; its Z must be above 0.</summary>
    public (double X, double Y) Project((double X, double Y, double Z) point)
    {
        if (Lens is null) return Pinhole.Project(point);
        (double x, double y) = Lens.Distort(point.X / point.Z, point.Y / point.Z);
        return (Pinhole.FocalX * x + Pinhole.CentreX, Pinhole.FocalY * y + Pinhole.CentreY);
    }

    /// <summary>The point that a pixel shows.</summary>
    /// <param name="depth">Along the optical axis.</param>
    public (double X, double Y, double Z) Unproject(double x, double y, double depth)
    {
        if (Lens is null) return Pinhole.Unproject(x, y, depth);
        (double u, double v) = Lens.Undistort((x - Pinhole.CentreX) / Pinhole.FocalX, (y - Pinhole.CentreY) / Pinhole.FocalY);
        return (u * depth, v * depth, depth);
    }

    /// <summary>Pixels as the camera would show them without its lens.</summary>
    /// <param name="pixels">[2 N].</param>
    public double[] Straighten(double[] pixels) => Lens is null ? pixels : Lens.Undistort(pixels, Pinhole);
}
