using CorrMesh.Geometry;
using CorrMesh.Protos.Common.V1;
using RigidPose = CorrMesh.Geometry.RigidPose;

namespace CorrMesh.Pose.Objects;

/// <summary>The part of a picture that an object fills, so that the network sees it at one size however far away it is.</summary>
/// <remarks>A square about the object's box as it is seen; where the picture ends, so does the part, and gets fewer tokens: a token stays as large on the object.</remarks>
/// <param name="Pixels">Whole pixels of the picture.</param>
/// <param name="Tokens">Along its longer side.</param>
internal sealed record ObjectRegion(Rectangle Pixels, uint Tokens)
{
    /// <summary>The square's side over the object's longer side as it is seen, where an object is looked at closely.</summary>
    public const double Close = 1.2;

    /// <summary>The same where an object is looked for.</summary>
    public const double Wide = 2.4;

    private const int FewestPixels = 16;

    /// <param name="box">[8] corners, object frame.</param>
    /// <param name="room">The square's side over the object's longer side.</param>
    /// <param name="tokens">Along the whole square's side.</param>
    /// <param name="minTokens">Fewest.</param>
    /// <returns>Null when the object is not in the picture, or too small in it.</returns>
    public static ObjectRegion? Of((double X, double Y, double Z)[] box, RigidPose objectToCamera, LensCamera camera, int width, int height, double room, int tokens, int minTokens = 8)
    {
        (double left, double top, double right, double bottom) = (double.PositiveInfinity, double.PositiveInfinity, double.NegativeInfinity, double.NegativeInfinity);
        foreach (var corner in box)
        {
            var point = objectToCamera.Apply(corner);
            if (!(point.Z > 0)) return null;
            (double x, double y) = camera.Project(point);
            (left, right, top, bottom) = (Math.Min(left, x), Math.Max(right, x), Math.Min(top, y), Math.Max(bottom, y));
        }
        double half = room * Math.Max(right - left, bottom - top) / 2, middleX = (left + right) / 2, middleY = (top + bottom) / 2;
        if (!double.IsFinite(half)) return null;
        int x0 = (int)Math.Clamp(Math.Floor(middleX - half + 0.5), 0, width), x1 = (int)Math.Clamp(Math.Ceiling(middleX + half + 0.5), 0, width);
        int y0 = (int)Math.Clamp(Math.Floor(middleY - half + 0.5), 0, height), y1 = (int)Math.Clamp(Math.Ceiling(middleY + half + 0.5), 0, height);
        if (x1 - x0 < FewestPixels || y1 - y0 < FewestPixels) return null;
        int wanted = (int)Math.Round(tokens * Math.Max(x1 - x0, y1 - y0) / (2 * half));
        return new ObjectRegion(
            new Rectangle { X = (uint)x0, Y = (uint)y0, Width = (uint)(x1 - x0), Height = (uint)(y1 - y0) }, (uint)Math.Clamp(wanted, Math.Min(minTokens, tokens), tokens));
    }

    /// <summary>Whether a pixel is inside.</summary>
    public bool Contains(double x, double y) =>
        x >= Pixels.X - 0.5 && y >= Pixels.Y - 0.5 && x < Pixels.X + Pixels.Width - 0.5 && y < Pixels.Y + Pixels.Height - 0.5;

    /// <summary>The eight corners of a box.</summary>
    public static (double X, double Y, double Z)[] Corners((double X, double Y, double Z) least, (double X, double Y, double Z) greatest) =>
    [
        .. Enumerable.Range(0, 8).Select(i => ((i & 1) == 0 ? least.X : greatest.X, (i & 2) == 0 ? least.Y : greatest.Y, (i & 4) == 0 ? least.Z : greatest.Z)),
    ];
}
