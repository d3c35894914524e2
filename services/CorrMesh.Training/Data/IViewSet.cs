namespace CorrMesh.Training.Data;

/// <summary>Several square pictures of one scene, and the exact correspondence between any two of them.</summary>
public interface IViewSet
{
    /// <summary>Of a view: [size * size * 3] bytes, r, g, b of the top-left pixel first, row-major.</summary>
    byte[] PixelsOf(int view);

    /// <summary>A random place worth following, corner-origin pixels. It need not be seen elsewhere.</summary>
    (double X, double Y) DrawPoint(int view, Random random);

    /// <summary>Follows a point from one view to another.</summary>
    /// <param name="source">The view that the point is given in.</param>
    /// <param name="target">The view that it is wanted in.</param>
    /// <param name="x">Corner-origin column coordinate in the source, in [0, size).</param>
    /// <param name="y">Corner-origin row coordinate in the source, in [0, size).</param>
    /// <param name="mapped">Receives the corner-origin point in the target.</param>
    /// <returns>Whether the scene is seen at both ends: false when hidden or outside either picture.</returns>
    bool TryMap(int source, int target, double x, double y, out (double X, double Y) mapped);
}
