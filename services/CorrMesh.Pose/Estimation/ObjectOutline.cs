using System.Numerics;
using CorrMesh.Geometry;
using CorrMesh.Pose.Objects;
using CorrMesh.Rendering.Meshes;
using CorrMesh.Rendering.Raster;
using CorrMesh.Rendering.Views;
using RigidPose = CorrMesh.Geometry.RigidPose;

namespace CorrMesh.Pose.Estimation;

/// <summary>An object's outline in a picture.</summary>
internal static class ObjectOutline
{
    // Of the drawing that the outline is read off, along its longer side.
    private const int Side = 256;

    private const int MostPoints = 400;

    // Clockwise from the right.
    private static readonly (int X, int Y)[] Around = [(1, 0), (1, 1), (0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1)];

    private static readonly RenderOptions MaskAlone = new() { IsAntialiased = false };

    /// <summary>A closed polygon, pixels as the lens shows them: around the largest piece of the mesh's silhouette, or the convex hull of the points.</summary>
    /// <returns>Empty when the object is not before the camera.</returns>
    public static IReadOnlyList<(double X, double Y)> Of(ObjectModel model, Box box, LensCamera camera, RigidPose pose)
    {
        if (ObjectRegion.Corners(box.Least, box.Greatest).Any(corner => !(pose.Apply(corner).Z > 0))) return [];
        return model.Surface is { } surface ? Silhouette(surface, box, camera, pose) : Hull(Seen(model, camera, pose));
    }

    private static List<(double X, double Y)> Silhouette(ObjectSurface surface, Box box, LensCamera camera, RigidPose pose)
    {
        // Drawn in a window about the object, straight; its border goes through the lens afterwards.
        PinholeCamera whole = camera.Pinhole;
        (double X, double Y)[] corners = [.. ObjectRegion.Corners(box.Least, box.Greatest).Select(corner => whole.Project(pose.Apply(corner)))];
        double left = corners.Min(p => p.X), top = corners.Min(p => p.Y), width = corners.Max(p => p.X) - left, height = corners.Max(p => p.Y) - top, scale = (Side - 4) / Math.Max(width, height);
        if (!double.IsFinite(scale)) return [];
        var window = new PinholeCamera((int)(scale * width) + 4, (int)(scale * height) + 4, whole.FocalX * scale, whole.FocalY * scale, (whole.CentreX - left) * scale + 1.5, (whole.CentreY - top) * scale + 1.5);
        var mesh = new TriangleMesh(surface.Positions, surface.Indices, [new MeshPart(0, surface.Indices.Length, new Material(), IsFlat: true)]);
        ObjectView view = Renderer.Render(mesh, window, pose, MaskAlone);
        List<(int X, int Y)> border = Trace(view.Mask, window.Width, window.Height);
        int every = Math.Max(1, border.Count / MostPoints);
        return
        [
            .. border.Where((_, i) => i % every == 0).Select(at =>
            {
                (double x, double y) = ((at.X - 1.5) / scale + left, (at.Y - 1.5) / scale + top);
                return camera.Project(whole.Unproject(x, y, 1));
            }),
        ];
    }

    // Moore's neighbour tracing, from the first pixel of the largest piece.
    private static List<(int X, int Y)> Trace(byte[] mask, int width, int height)
    {
        bool On(int x, int y) => x >= 0 && y >= 0 && x < width && y < height && mask[y * width + x] != 0;
        var longest = new List<(int X, int Y)>();
        var visited = new bool[mask.Length];
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++)
            {
                if (!On(x, y) || On(x - 1, y) || visited[y * width + x]) continue;
                var border = new List<(int X, int Y)>();
                (int X, int Y) at = (x, y);
                int from = 4;
                do
                {
                    border.Add(at);
                    visited[at.Y * width + at.X] = true;
                    int turn = 1;
                    while (turn <= 8 && !On(at.X + Around[(from + turn) % 8].X, at.Y + Around[(from + turn) % 8].Y)) turn++;
                    if (turn > 8) break;
                    int to = (from + turn) % 8;
                    at = (at.X + Around[to].X, at.Y + Around[to].Y);
                    // Back to where it came from, and on from there.
                    from = (to + 5) % 8;
                }
                while (at != (x, y) && border.Count < 8 * (width + height));
                if (border.Count > longest.Count) longest = border;
            }
        return longest;
    }

    private static (double X, double Y)[] Seen(ObjectModel model, LensCamera camera, RigidPose pose)
    {
        float[] points = model.Close.Points;
        int every = Math.Max(1, model.Close.Count / 2000);
        return [.. Enumerable.Range(0, model.Close.Count / every).Select(i => pose.Apply((points[3 * i * every], points[3 * i * every + 1], points[3 * i * every + 2]))).Where(point => point.Z > 0).Select(camera.Project)];
    }

    // Andrew's monotone chain.
    private static List<(double X, double Y)> Hull((double X, double Y)[] points)
    {
        (double X, double Y)[] sorted = [.. points.Order()];
        if (sorted.Length < 3) return [];
        List<(double X, double Y)> lower = Chain(sorted), upper = Chain(sorted.Reverse());
        return [.. lower[..^1], .. upper[..^1]];

        static List<(double X, double Y)> Chain(IEnumerable<(double X, double Y)> points)
        {
            var chain = new List<(double X, double Y)>();
            foreach (var p in points)
            {
                while (chain.Count >= 2 && (chain[^1].X - chain[^2].X) * (p.Y - chain[^2].Y) - (chain[^1].Y - chain[^2].Y) * (p.X - chain[^2].X) <= 0) chain.RemoveAt(chain.Count - 1);
                chain.Add(p);
            }
            return chain;
        }
    }
}
