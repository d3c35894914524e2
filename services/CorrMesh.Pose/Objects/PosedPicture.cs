using CorrMesh.Geometry;
using CorrMesh.Protos.Common.V1;
using CorrMesh.Vision.Images;
using RigidPose = CorrMesh.Geometry.RigidPose;

namespace CorrMesh.Pose.Objects;

/// <summary>A picture of an object with what is known about it.</summary>
/// <param name="Pixels">8-bit sRGB, oriented.</param>
/// <param name="Content">The same, as features are asked for it.</param>
/// <param name="Camera">That took it.</param>
/// <param name="ObjectToCamera">x_camera = R x_object + t, metres.</param>
/// <param name="DepthMetres">[height * width] along the optical axis, 0 where nothing is known; null without depth.</param>
/// <param name="Mask">[height * width], not 0 on the object; null: the whole picture counts.</param>
/// <param name="Points">Points that are known to be seen, with their pixels; null unless given.</param>
internal sealed record PosedPicture(
    RgbImage Pixels, Image Content, LensCamera Camera, RigidPose ObjectToCamera, float[]? DepthMetres = null, byte[]? Mask = null, PicturePoint[]? Points = null)
{
    public int Width => Pixels.Width;

    public int Height => Pixels.Height;

    /// <summary>A picture that is not encoded.</summary>
    public static Image Raw(RgbImage pixels) => new()
    {
        Raw = new RawImage { Format = PixelFormat.Rgb8, Width = (uint)pixels.Width, Height = (uint)pixels.Height, Data = Google.Protobuf.UnsafeByteOperations.UnsafeWrap(pixels.Pixels) },
    };
}

/// <summary>A point of an object and the pixel that shows it.</summary>
/// <param name="X">Column, pixels; the centre of the first is 0.</param>
/// <param name="Y">Row, pixels.</param>
/// <param name="Place">Object frame, metres.</param>
internal readonly record struct PicturePoint(double X, double Y, (double X, double Y, double Z) Place);
