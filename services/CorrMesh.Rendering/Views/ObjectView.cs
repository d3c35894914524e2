using CorrMesh.Geometry;
using CorrMesh.Vision.Images;

namespace CorrMesh.Rendering.Views;

/// <summary>One picture of an object, with what is known about it.</summary>
/// <param name="Image">8-bit sRGB.</param>
/// <param name="DepthMetres">[height * width] along the optical axis at the pixels' centres, 0 where nothing is known; null for views without depth.</param>
/// <param name="Mask">[height * width]: not 0 where the object is.</param>
/// <param name="Camera">The picture's own.</param>
/// <param name="ObjectToCamera">x_camera = R x_object + t, metres.</param>
public sealed record ObjectView(RgbImage Image, float[]? DepthMetres, byte[] Mask, PinholeCamera Camera, RigidPose ObjectToCamera)
{
    /// <summary>The point of the object's surface under a pixel; null off the object and where depth is not known.</summary>
    public (double X, double Y, double Z)? ObjectPointAt(int x, int y)
    {
        int at = y * Camera.Width + x;
        if (DepthMetres is null || Mask[at] == 0 || !(DepthMetres[at] > 0)) return null;
        return ObjectToCamera.Inverse().Apply(Camera.Unproject(x, y, DepthMetres[at]));
    }

    /// <summary>Where a point of the object is seen in this view.</summary>
    /// <param name="objectPoint">Metres.</param>
    /// <param name="tolerance">How much nearer than the point the surface may be, as a fraction of the depth: what is farther behind it is hidden.</param>
    /// <returns>The position, pixels, or null when the point is behind the camera, off the picture, off the object or hidden.</returns>
    public (double X, double Y)? See((double X, double Y, double Z) objectPoint, double tolerance = 0.01)
    {
        var point = ObjectToCamera.Apply(objectPoint);
        if (!(point.Z > 0)) return null;
        (double x, double y) = Camera.Project(point);
        if (!Camera.Contains(x, y)) return null;
        int at = (int)Math.Floor(y + 0.5) * Camera.Width + (int)Math.Floor(x + 0.5);
        if (Mask[at] == 0 || (DepthMetres is not null && !(Math.Abs(DepthMetres[at] - point.Z) <= tolerance * point.Z))) return null;
        return (x, y);
    }
}
