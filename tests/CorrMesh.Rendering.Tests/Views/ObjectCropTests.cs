using System.Numerics;
using CorrMesh.Geometry;
using CorrMesh.Rendering.Raster;
using CorrMesh.Rendering.Views;
using CorrMesh.Vision.Images;
using Xunit;

namespace CorrMesh.Rendering.Tests.Views;

public sealed class ObjectCropTests
{
    // Goal: after the cut, camera, depth and pose still belong together. Method: a sphere small and off the middle in a wide picture; each pixel of the result
    // unprojects onto its surface. Tolerance: the mesh's facets and half a pixel of the original at the rim, where depth falls steeply (so the rim is left out).
    [Theory]
    [InlineData(32)]
    [InlineData(64)]
    [InlineData(200)]
    public void Square_SphereInACorner_UnprojectsOntoTheSphere(int size)
    {
        const float radius = 0.3f;
        var camera = new PinholeCamera(320, 200, 300, 300, 60, 150);
        RigidPose pose = ViewSphere.Looking((0.3, -1, 0.4), 2.5, Vector3.UnitZ, 0.3);
        ObjectView view = Renderer.Render(Solids.Sphere(radius), camera, pose), cut = ObjectCrop.Square(view, size);

        Assert.Equal((size, size, size, size), (cut.Image.Width, cut.Image.Height, cut.Camera.Width, cut.Camera.Height));
        Assert.Equal(view.ObjectToCamera, cut.ObjectToCamera);
        int seen = 0, near = 0;
        for (int y = 0; y < size; y++)
            for (int x = 0; x < size; x++)
            {
                if (cut.ObjectPointAt(x, y) is not { } point) continue;
                seen++;
                double distance = Math.Sqrt(point.X * point.X + point.Y * point.Y + point.Z * point.Z);
                Assert.InRange(distance, 0.9 * radius, 1.15 * radius);
                if (Math.Abs(distance - radius) < 0.02 * radius) near++;
            }
        // A disc of 1 / 1.25 of the side.
        Assert.InRange(seen, 0.45 * size * size, 0.55 * size * size);
        Assert.True(near > 0.8 * seen, $"{near} of {seen}");
    }

    [Fact]
    public void Square_ObjectAtTheEdge_StaysInsideThePicture()
    {
        ObjectView cut = ObjectCrop.Square(View(100, 60, (x, y) => x >= 90 && y >= 20 && y < 40), 25);
        // 20 pixels high: a square of 25, moved left by what would be outside.
        Assert.Equal((1, 75 + 0.5 - 0.5, 17.5), (cut.Camera.FocalX / 100, -cut.Camera.CentreX, -cut.Camera.CentreY));
        Assert.All(Enumerable.Range(0, 25 * 25), i => Assert.NotEqual(0, cut.Image.Pixels[3 * i + 2]));
    }

    // Goal: what lies beyond the picture is black and unknown. Method: an object as high as the picture is wide needs a square that the picture does not have.
    [Fact]
    public void Square_LargerThanThePicture_IsBlackAndUnknownBeyond()
    {
        ObjectView cut = ObjectCrop.Square(View(100, 40, (_, _) => true), 50);
        for (int y = 0; y < 50; y++)
            for (int x = 0; x < 50; x++)
            {
                bool inside = y is >= 15 and < 35;
                Assert.Equal(inside ? 255 : 0, cut.Mask[y * 50 + x]);
                Assert.Equal(inside ? 2 : 0, cut.DepthMetres![y * 50 + x]);
                Assert.Equal(inside, cut.Image.Pixels[3 * (y * 50 + x) + 2] > 100);
            }
    }

    [Fact]
    public void Square_NothingOfTheObject_IsRefused()
    {
        ObjectView none = View(10, 10, (_, _) => false);
        Assert.Equal(0, ObjectCrop.CountKnown(none));
        Assert.Throws<ArgumentException>(() => ObjectCrop.Square(none, 8));
        Assert.Equal(100, ObjectCrop.CountKnown(View(10, 10, (_, _) => true)));
    }

    private static ObjectView View(int width, int height, Func<int, int, bool> isObject)
    {
        byte[] mask = [.. Enumerable.Range(0, width * height).Select(at => isObject(at % width, at / width) ? (byte)255 : (byte)0)];
        byte[] pixels = [.. Enumerable.Range(0, width * height).SelectMany(at => new byte[] { (byte)(at % width), (byte)(at / width), 200 })];
        var depth = new float[width * height];
        Array.Fill(depth, 2);
        return new ObjectView(new RgbImage(width, height, pixels), depth, mask, new PinholeCamera(width, height, 100, 100, 0, 0), RigidPose.Identity);
    }
}
