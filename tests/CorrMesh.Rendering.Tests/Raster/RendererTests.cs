using System.Numerics;
using CorrMesh.Geometry;
using CorrMesh.Rendering.Meshes;
using CorrMesh.Rendering.Raster;
using CorrMesh.Rendering.Views;
using CorrMesh.Vision.Images;
using Xunit;

namespace CorrMesh.Rendering.Tests.Raster;

public sealed class RendererTests
{
    private static readonly PinholeCamera Camera = PinholeCamera.ThirtyFive(256);
    private static readonly RenderOptions White = new() { Lighting = new Lighting([], Vector3.One) };
    private static readonly RigidPose Slanted = RigidPose.LookAt((1.1, -0.7, 1.5), (0, 0, 0), (0, 0, 1));

    // Goal: depth and mask are those of the surface at the pixels' centres. Method: a fine sphere against the ray's own equation.
    // Tolerance: faces lie up to r (1 - cos(π / 128)) / 2 inside the sphere, and near the rim that shows longer along the ray: pixels whose ray
    // passes within 0.2 % of the rim may fall to either side, the others agree to 0.5 mm.
    [Fact]
    public void Render_FineSphere_AgreesWithTheRays()
    {
        const double radius = 0.5;
        RigidPose pose = Slanted;
        ObjectView view = Renderer.Render(Solids.Sphere((float)radius), Camera, pose);
        int seen = 0;
        for (int y = 0; y < Camera.Height; y++)
            for (int x = 0; x < Camera.Width; x++)
            {
                var (rayX, rayY, _) = Camera.Unproject(x, y, 1);
                double square = rayX * rayX + rayY * rayY + 1, along = (rayX * pose.X + rayY * pose.Y + pose.Z) / square;
                double miss2 = pose.X * pose.X + pose.Y * pose.Y + pose.Z * pose.Z - along * along * square;
                int at = y * Camera.Width + x;
                if (Math.Abs(Math.Sqrt(Math.Max(miss2, 0)) - radius) < 0.002 * radius) continue;
                Assert.Equal(miss2 < radius * radius, view.Mask[at] != 0);
                if (miss2 >= radius * radius)
                {
                    Assert.Equal(0, view.DepthMetres![at]);
                    continue;
                }
                double depth = along - Math.Sqrt((radius * radius - miss2) / square);
                seen++;
                Assert.True(Math.Abs(view.DepthMetres![at] - depth) < (miss2 < 0.9 * radius * radius ? 2.5e-4 : 2.5e-3), $"({x}, {y}): {view.DepthMetres[at]} for {depth}");
            }
        Assert.True(seen > 10_000, $"{seen} pixels");
    }

    // Goal: a box, whose faces are exact, gives exact depth and mask. Method: the ray against six slabs, in double. Tolerance: a float of depth.
    [Fact]
    public void Render_Box_AgreesWithTheRaysToAFloat()
    {
        var half = new Vector3(0.5f, 0.3f, 0.2f);
        ObjectView view = Renderer.Render(Solids.Box(half), Camera, Slanted);
        RigidPose toObject = Slanted.Inverse();
        int seen = 0, rim = 0;
        for (int y = 0; y < Camera.Height; y++)
            for (int x = 0; x < Camera.Width; x++)
            {
                double? depth = BoxDepth(half, toObject, Camera.Unproject(x, y, 1), out double margin);
                int at = y * Camera.Width + x;
                if (margin < 1e-6)
                {
                    rim++;
                    continue;
                }
                Assert.Equal(depth.HasValue, view.Mask[at] != 0);
                if (depth is { } d) Assert.Equal(d, view.DepthMetres![at], 3e-7 * d);
                seen += depth.HasValue ? 1 : 0;
            }
        Assert.True(seen > 8_000 && rim < 10, $"{seen} pixels, {rim} on the rim");
    }

    // Goal: correspondences come out of depth and poses alone. Method: every third pixel of one view, lifted to the object and seen in another,
    // must be the same surface point there: the other's depth, taken at that place, agrees with the point's own.
    [Fact]
    public void Render_PixelOfOneView_HitsTheSamePointInAnother()
    {
        TriangleMesh mesh = Solids.Box(new Vector3(0.4f, 0.3f, 0.25f));
        RigidPose other = RigidPose.LookAt((1.6, -0.1, 1.1), (0, 0, 0), (0, 0, 1));
        ObjectView source = Renderer.Render(mesh, Camera, Slanted), target = Renderer.Render(mesh, Camera, other);
        int both = 0, hidden = 0;
        for (int y = 0; y < Camera.Height; y += 3)
            for (int x = 0; x < Camera.Width; x += 3)
            {
                if (source.ObjectPointAt(x, y) is not { } point) continue;
                Assert.Equal((x, y), (Round(source.See(point)!.Value.X), Round(source.See(point)!.Value.Y)));
                if (target.See(point) is not { } seen) continue;
                both++;
                double? there = BoxDepth(new Vector3(0.4f, 0.3f, 0.25f), other.Inverse(), Camera.Unproject(seen.X, seen.Y, 1), out double margin);
                if (margin < 1e-4) continue;
                Assert.NotNull(there);
                // Just behind an edge a hidden point lies within the tolerance of what hides it.
                Assert.Equal(other.Apply(point).Z, there.Value, 0.011 * there.Value);
                hidden += Math.Abs(there.Value - other.Apply(point).Z) < 1e-5 ? 0 : 1;
            }
        Assert.True(both > 500 && hidden < both / 50, $"{both} points, {hidden} of them hidden");

        static int Round(double value)
        {
            Assert.Equal(Math.Round(value), value, 1e-3);
            return (int)Math.Round(value);
        }
    }

    // Goal: texture coordinates go in perspective. Method: a texture whose colour is its own coordinate on a slanted square; each pixel's colour
    // against the coordinate of its ray's hit. Tolerance: two levels of 8 bits for the texture's and the picture's rounding.
    [Fact]
    public void Render_SlantedTexture_IsPerspectiveCorrect()
    {
        var picture = new byte[3 * 256 * 256];
        for (int i = 0; i < 256 * 256; i++) (picture[3 * i], picture[3 * i + 1]) = ((byte)(i % 256), (byte)(i / 256));
        var material = new Material { Pattern = new Texture(new RgbImage(256, 256, picture), TextureWrap.Clamp, TextureWrap.Clamp) };
        RigidPose pose = RigidPose.LookAt((0, -2.2, 0.9), (0, 0, 0), (0, 0, 1));
        ObjectView view = Renderer.Render(Solids.Square(material), PinholeCamera.ThirtyFive(512), pose, White);
        RigidPose toObject = pose.Inverse();
        int tested = 0;
        for (int at = 0; at < view.Mask.Length; at++)
        {
            if (view.Mask[at] == 0) continue;
            var ray = toObject.Rotate(view.Camera.Unproject(at % 512, at / 512, 1));
            double t = -toObject.Z / ray.Z, u = (toObject.X + t * ray.X + 1) / 2, v = (toObject.Y + t * ray.Y + 1) / 2;
            if (u is < 0.05 or > 0.95 || v is < 0.05 or > 0.95) continue;
            tested++;
            Assert.Equal(256 * u - 0.5, view.Image.Pixels[3 * at], 2.0);
            Assert.Equal(256 * v - 0.5, view.Image.Pixels[3 * at + 1], 2.0);
        }
        Assert.True(tested > 20_000, $"{tested} pixels");
    }

    // Goal: a texture that is too fine to see shows its mean light, not a moiré. Method: black and white texels, about five to a pixel, upright
    // and slanted; nearly every pixel of the middle is the grey of half the light.
    [Theory]
    [InlineData(0)]
    [InlineData(1.2)]
    public void Render_TextureFinerThanPixels_ShowsItsMean(double slant)
    {
        const int size = 1024;
        var picture = new byte[3 * size * size];
        for (int i = 0; i < size * size; i++) picture.AsSpan(3 * i, 3).Fill(((i ^ i / size) & 1) != 0 ? (byte)255 : (byte)0);
        var material = new Material { Pattern = new Texture(new RgbImage(size, size, picture)) };
        RigidPose pose = RigidPose.LookAt((0, -2.8 * Math.Sin(slant), 2.8 * Math.Cos(slant) + 0.01), (0, 0, 0), (0, 1, 0));
        ObjectView view = Renderer.Render(Solids.Square(material), Camera, pose, White);
        int[] levels = [.. from y in Enumerable.Range(110, 36) from x in Enumerable.Range(90, 76) select (int)view.Image.Pixels[3 * (y * 256 + x)]];
        Assert.True(levels.Count(level => Math.Abs(level - Srgb.FromLinear(0.5f)) <= 6) > 0.95 * levels.Length, $"{levels.Min()} to {levels.Max()}");
    }

    // Goal: meshes have no cracks and edges belong to one side. Method: squares cut into slivers whose edges pass through pixel centres; with the
    // mask of the whole as the reference, each pixel is covered exactly once, whatever order or winding the triangles have.
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Render_SharedEdges_CoverEachPixelOnce(ulong seed)
    {
        var random = new SeededRandom(seed, 1);
        const int n = 24;
        var positions = new Vector3[(n + 1) * (n + 1)];
        for (int i = 0; i < positions.Length; i++)
        {
            bool isInner = i % (n + 1) is > 0 and < n && i / (n + 1) is > 0 and < n;
            // Unmoved edges run through pixel centres: 16 pixels an edge of 2 / 24, on whole columns.
            positions[i] = new Vector3(i % (n + 1) / 12f - 1, i / (n + 1) / 12f - 1, 0) + (isInner && random.Chance(0.7f) ? new Vector3(random.Range(-0.018f, 0.018f), random.Range(-0.018f, 0.018f), 0) : Vector3.Zero);
        }
        var whole = new List<int>();
        for (int y = 0; y < n; y++)
            for (int x = 0; x < n; x++)
            {
                int at = y * (n + 1) + x;
                int[] cell = random.Chance(0.5f) ? [at, at + 1, at + n + 2, at, at + n + 2, at + n + 1] : [at, at + 1, at + n + 1, at + 1, at + n + 2, at + n + 1];
                if (random.Chance(0.5f)) Array.Reverse(cell);
                whole.AddRange(cell);
            }
        var camera = new PinholeCamera(600, 600, 384, 384, 299, 299.25);
        RigidPose pose = RigidPose.Identity with { Z = 2 };
        byte[] all = Renderer.Render(Mesh([.. whole]), camera, pose).Mask;
        var times = new int[all.Length];
        for (int first = 0; first < whole.Count; first += 3)
        {
            byte[] one = Renderer.Render(Mesh([.. whole.GetRange(first, 3)]), new PinholeCamera(600, 600, 384, 384, 299, 299.25), pose, new RenderOptions { IsAntialiased = false }).Mask;
            for (int i = 0; i < one.Length; i++) times[i] += one[i] != 0 ? 1 : 0;
        }
        for (int i = 0; i < all.Length; i++)
        {
            Assert.Equal(all[i] != 0 ? 1 : 0, times[i]);
            // The rim may fall to either side: a third of a metre is no exact number.
            if (i % 600 is > 107 and < 491 && i / 600 is > 108 and < 491) Assert.Equal(1, times[i]);
        }

        TriangleMesh Mesh(int[] indices) => new(positions, indices, [new MeshPart(0, indices.Length, Solids.Plain)]);
    }

    [Fact]
    public void Render_OtherThreadCounts_GiveTheSameBytes()
    {
        TriangleMesh mesh = Solids.Sphere(0.5f, 48, new Material { Roughness = 0.4f });
        ObjectView one = Renderer.Render(mesh, Camera, Slanted);
        foreach (int threads in new[] { 1, 2, 3, 8 })
        {
            ObjectView again = Renderer.Render(mesh, Camera, Slanted, new RenderOptions { Threads = threads });
            Assert.Equal(one.Image.Pixels, again.Image.Pixels);
            Assert.Equal(one.DepthMetres, again.DepthMetres);
            Assert.Equal(one.Mask, again.Mask);
        }
    }

    // Goal: what is nearer than the near plane is cut, not wrapped around the camera. Method: a long floor under the camera that ends behind it:
    // below the horizon each pixel has the depth of the plane, above it there is nothing.
    [Fact]
    public void Render_SurfaceThroughTheCamera_IsCutAtTheNearPlane()
    {
        var floor = new TriangleMesh([new(-50, 1, -50), new(50, 1, -50), new(50, 1, 50), new(-50, 1, 50)], [0, 1, 2, 0, 2, 3], [new MeshPart(0, 6, Solids.Plain)]);
        ObjectView view = Renderer.Render(floor, Camera, RigidPose.Identity, new RenderOptions { NearMetres = 2.5 });
        for (int y = 0; y < Camera.Height; y++)
            for (int x = 0; x < Camera.Width; x++)
            {
                double down = (y - Camera.CentreY) / Camera.FocalY, depth = down > 0 ? 1 / down : double.PositiveInfinity;
                int at = y * Camera.Width + x;
                bool isSeen = depth is >= 2.5 and <= 50;
                Assert.Equal(isSeen, view.Mask[at] != 0);
                if (isSeen) Assert.Equal(depth, view.DepthMetres![at], 1e-5 * depth);
            }
    }

    // Goal: edges are smoothed by the share of the pixel that is covered. Method: a white square before black, moved by tenths of a pixel; the
    // edge column's light follows the share to an eighth, and the mask flips when the centre is passed.
    [Fact]
    public void Render_Edge_ColourFollowsTheCoveredShare()
    {
        var camera = new PinholeCamera(64, 64, 64, 64, 31.5, 31.5);
        for (int step = 0; step <= 10; step++)
        {
            double share = step / 10.0, edge = (9.5 + share - 31.5) / 64;   // the right edge lies in column 10
            var square = new TriangleMesh([new(-1, -1, 1), new((float)edge, -1, 1), new((float)edge, 1, 1), new(-1, 1, 1)], [0, 1, 2, 0, 2, 3], [new MeshPart(0, 6, Solids.Plain)]);
            ObjectView view = Renderer.Render(square, camera, RigidPose.Identity, White);
            int at = 32 * 64 + 10;
            Assert.InRange(Srgb.ToLinear(view.Image.Pixels[3 * at]), share - 0.2, share + 0.2);
            if (step != 5) Assert.Equal(share > 0.5, view.Mask[at] != 0);
            Assert.Equal(255, view.Image.Pixels[3 * (at - 1)]);
            Assert.Equal(0, view.Image.Pixels[3 * (at + 1)]);
        }
    }

    // Goal: a lamp's light falls as Lambert says. Method: a white plate under a directional lamp at several angles.
    [Theory]
    [InlineData(0)]
    [InlineData(40)]
    [InlineData(75)]
    public void Render_DirectionalLamp_FollowsTheCosine(double degrees)
    {
        double angle = degrees * Math.PI / 180;
        var lighting = new Lighting([Light.Directional(new Vector3((float)Math.Sin(angle), 0, (float)Math.Cos(angle)), new Vector3(0.8f))], new Vector3(0.1f));
        ObjectView view = Renderer.Render(Solids.Square(Solids.Plain), Camera, RigidPose.Identity with { Z = 3 }, new RenderOptions { Lighting = lighting });
        Assert.Equal(Srgb.FromLinear((float)(0.1 + 0.8 * Math.Cos(angle))), view.Image.Pixels[3 * (128 * 256 + 128)]);
    }

    [Fact]
    public void Render_FlatAndSmooth_DifferInLightOnly()
    {
        TriangleMesh smooth = Solids.Sphere(0.5f, 12);
        var flat = new TriangleMesh(smooth.Positions, smooth.Indices, [smooth.Parts[0] with { IsFlat = true }]);
        ObjectView a = Renderer.Render(smooth, Camera, Slanted), b = Renderer.Render(flat, Camera, Slanted);
        Assert.Equal(a.DepthMetres, b.DepthMetres);
        Assert.Equal(a.Mask, b.Mask);
        // Facets have one light each under a far lamp; a smooth ball has many.
        Assert.True(Levels(b) < Levels(a), $"{Levels(b)} against {Levels(a)}");

        static int Levels(ObjectView view)
        {
            int changes = 0;
            for (int at = 1; at < view.Mask.Length; at++)
                if (view.Mask[at] != 0 && view.Mask[at - 1] != 0 && view.Image.Pixels[3 * at] != view.Image.Pixels[3 * at - 3]) changes++;
            return changes;
        }
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(-1, 1)]
    [InlineData(double.NaN, 1)]
    [InlineData(0.1, 0)]
    [InlineData(0.1, 257)]
    public void Render_OptionOutOfRange_IsRefused(double near, int threads) =>
        Assert.Throws<ArgumentException>(() => Renderer.Render(Solids.Box(Vector3.One), Camera, Slanted, new RenderOptions { NearMetres = near, Threads = threads }));

    // The first hit of a ray through the camera's centre with a box; margin: how near to grazing it is, as a fraction of the ray.
    private static double? BoxDepth(Vector3 half, RigidPose toObject, (double X, double Y, double Z) pixel, out double margin)
    {
        var ray = toObject.Rotate(pixel);
        double[] from = [toObject.X, toObject.Y, toObject.Z], along = [ray.X, ray.Y, ray.Z];
        double enter = double.NegativeInfinity, leave = double.PositiveInfinity;
        for (int axis = 0; axis < 3; axis++)
        {
            double a = (-half[axis] - from[axis]) / along[axis], b = (half[axis] - from[axis]) / along[axis];
            (enter, leave) = (Math.Max(enter, Math.Min(a, b)), Math.Min(leave, Math.Max(a, b)));
        }
        margin = Math.Abs(leave - enter);
        return leave > enter ? enter : null;
    }
}
