using System.Numerics;
using CorrMesh.Geometry;
using CorrMesh.Rendering.Meshes;
using CorrMesh.Rendering.Raster;
using CorrMesh.Rendering.Views;

namespace CorrMesh.Training.Tests.Measuring;

/// <summary>An object whose colour says the place: red, green and blue rise along x, y and z, without light or shade.</summary>
internal static class Placed
{
    /// <summary>A lopsided box in the unit box: no rotation maps it onto itself.</summary>
    public static TriangleMesh Box { get; } = Make();

    /// <summary>Pictures of it before a colour that it does not have.</summary>
    public static ObjectView[] Views(int count, ulong seed, int size = 128)
    {
        var options = new RenderOptions { Lighting = new Lighting([], Vector3.One), IsAntialiased = false };
        return [.. ViewSphere.Draw(new SeededRandom(seed, 7), count, Box.Up).Select(pose => Renderer.Render(Box, PinholeCamera.ThirtyFive(size), pose, options))];
    }

    /// <summary>The colour at a pixel.</summary>
    public static Vector3 At(CorrMesh.Vision.Images.RgbImage image, int x, int y)
    {
        int at = 3 * (y * image.Width + x);
        return new Vector3(image.Pixels[at], image.Pixels[at + 1], image.Pixels[at + 2]);
    }

    private static TriangleMesh Make()
    {
        Vector3[] corners = [.. Enumerable.Range(0, 8).Select(i => new Vector3((i & 1) == 0 ? -0.5f : 0.5f, (i & 2) == 0 ? -0.35f : 0.3f, (i & 4) == 0 ? -0.25f : 0.1f + 0.2f * (i & 1)))];
        int[] indices = [0, 2, 1, 1, 2, 3, 4, 5, 6, 5, 7, 6, 0, 1, 4, 1, 5, 4, 2, 6, 3, 3, 6, 7, 0, 4, 2, 2, 4, 6, 1, 3, 5, 3, 7, 5];
        return new TriangleMesh(corners, indices, [new MeshPart(0, indices.Length, new Material { Pattern = new PlaceColour() }, IsFlat: true)]).ToUnitBox();
    }

    private sealed class PlaceColour : ISurfaceColour
    {
        public Vector3 At(in SurfacePoint point) => point.Position + new Vector3(0.5f);
    }
}
