using CorrMesh.Geometry;

namespace CorrMesh.Training.Data;

/// <summary>One picture of a flat scene.</summary>
/// <param name="Pixels">[size * size * 3] bytes: r, g, b of the top-left pixel first, row-major.</param>
/// <param name="Mask">[size * size] bytes: 1 where the flat scene is seen, 0 where something else is or it ends.</param>
/// <param name="CanvasToView">
/// Takes scene coordinates to pixels of this view; both with the origin at the outer corner of the first pixel.
/// </param>
public sealed record PlanarView(byte[] Pixels, byte[] Mask, Homography CanvasToView);

/// <summary>Several pictures of the same flat scene, and so the exact correspondence between any two of them.</summary>
/// <param name="Index">The index that it was generated from.</param>
/// <param name="Size">Side of each picture, pixels.</param>
/// <param name="Views">[2..4] pictures.</param>
public sealed record PlanarViewSet(long Index, int Size, PlanarView[] Views) : IViewSet
{
    /// <inheritdoc/>
    public byte[] PixelsOf(int view) => Views[view].Pixels;

    /// <inheritdoc/>
    public (double X, double Y) DrawPoint(int view, Random random) => (random.NextDouble() * Size, random.NextDouble() * Size);

    /// <summary>The map from one view's corner-origin pixels to another's.</summary>
    public Homography Between(int source, int target) => Views[target].CanvasToView * Views[source].CanvasToView.Inverse();

    /// <inheritdoc/>
    public bool TryMap(int source, int target, double x, double y, out (double X, double Y) mapped)
    {
        Homography map = Between(source, target);
        mapped = map.Apply(x, y);
        return IsSeen(source, x, y) && IsSeen(target, mapped.X, mapped.Y);
    }

    /// <summary>Whether the pixel at a corner-origin point shows the scene; false outside the picture.</summary>
    public bool IsSeen(int view, double x, double y) =>
        x >= 0 && y >= 0 && x < Size && y < Size && Views[view].Mask[(int)y * Size + (int)x] != 0;
}
