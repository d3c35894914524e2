using System.Numerics;
using CorrMesh.Geometry;
using CorrMesh.Rendering.Meshes;
using CorrMesh.Rendering.Procedural;
using CorrMesh.Rendering.Raster;
using CorrMesh.Rendering.Views;
using CorrMesh.Vision.Images;
using Xunit;

namespace CorrMesh.Rendering.Tests.Procedural;

public sealed class ProceduralObjectsTests
{
    private static readonly PinholeCamera Camera = PinholeCamera.ThirtyFive(160);

    public static TheoryData<string> Shapes => [.. ProceduralObjects.Shapes];

    public static TheoryData<string> Materials => [.. ProceduralObjects.Materials];

    [Fact]
    public void Make_SameSeed_GivesTheSameBytes()
    {
        for (ulong seed = 0; seed < 8; seed++)
        {
            ProceduralObject first = ProceduralObjects.Make(seed), second = ProceduralObjects.Make(seed);
            Assert.Equal((first.Shape, first.Material), (second.Shape, second.Material));
            Assert.Equal(first.Mesh.Positions, second.Mesh.Positions);
            Assert.Equal(first.Mesh.Indices, second.Mesh.Indices);
            RigidPose pose = ViewSphere.Draw(new SeededRandom(seed, 9), 1, Vector3.UnitZ)[0];
            Assert.Equal(Renderer.Render(first.Mesh, Camera, pose).Image.Pixels, Renderer.Render(second.Mesh, Camera, pose, new RenderOptions { Threads = 3 }).Image.Pixels);
            Assert.NotEqual(first.Mesh.Positions, ProceduralObjects.Make(seed + 1000).Mesh.Positions);
        }
    }

    // Goal: any seed gives an object that can be trained on. Method: ten of each family of shapes: in the unit box, seen from anywhere, a fair
    // part of the picture. The sheet of pictures goes to CORRMESH_PICTURES.
    [Theory]
    [MemberData(nameof(Shapes))]
    public void Make_EachShape_FillsItsBoxAndIsSeen(string shape)
    {
        var pictures = new List<RgbImage>();
        for (ulong seed = 0; seed < 10; seed++)
        {
            ProceduralObject made = ProceduralObjects.Make(seed, [shape]);
            Assert.Equal(shape, made.Shape);
            (Vector3 least, Vector3 greatest) = made.Mesh.Bounds();
            Vector3 size = greatest - least;
            Assert.Equal(1, MathF.Max(size.X, MathF.Max(size.Y, size.Z)), 1e-4f);
            Assert.True(MathF.Min(size.X, MathF.Min(size.Y, size.Z)) > 0.08f, $"seed {seed}: {size}");
            Assert.InRange(made.Mesh.FaceCount, 12, 60_000);
            var random = new SeededRandom(seed, 10);
            foreach (RigidPose pose in ViewSphere.Draw(random, 2, made.Mesh.Up))
            {
                ObjectView view = Renderer.Render(made.Mesh, Camera, pose, new RenderOptions { Lighting = Lighting.Draw(random), Background = new Vector3(0.1f) });
                int seen = view.Mask.Count(value => value != 0);
                Assert.True(seen > 0.012 * view.Mask.Length, $"seed {seed}: {seen} pixels");
                pictures.Add(view.Image);
            }
        }
        Pictures.Keep($"shape_{shape}", Pictures.Sheet(pictures, 10));
    }

    // Goal: families are what they are called: low-texture ones show little, the others much. Method: on one shape under even light, the share of
    // neighbouring pixels of the object that differ by more than 8 levels.
    [Theory]
    [MemberData(nameof(Materials))]
    public void Make_EachMaterial_ShowsAsMuchAsItsKind(string material)
    {
        var pictures = new List<RgbImage>();
        int pairs = 0, differing = 0;
        for (ulong seed = 0; seed < 10; seed++)
        {
            ProceduralObject made = ProceduralObjects.Make(seed, ["blobs"], [material]);
            Assert.Equal(material, made.Material);
            RigidPose pose = ViewSphere.Draw(new SeededRandom(seed, 10), 1, made.Mesh.Up)[0];
            pictures.Add(Renderer.Render(made.Mesh, Camera, pose).Image);
            ObjectView even = Renderer.Render(made.Mesh, Camera, pose, new RenderOptions { Lighting = new Lighting([], Vector3.One), IsAntialiased = false });
            for (int at = 1; at < even.Mask.Length; at++)
            {
                if (even.Mask[at] == 0 || even.Mask[at - 1] == 0) continue;
                pairs++;
                differing += Enumerable.Range(0, 3).Any(channel => Math.Abs(even.Image.Pixels[3 * at + channel] - even.Image.Pixels[3 * at - 3 + channel]) > 8) ? 1 : 0;
            }
        }
        Pictures.Keep($"material_{material}", Pictures.Sheet(pictures, 5));
        double share = (double)differing / pairs;
        if (ProceduralObjects.LowTextureMaterials.Contains(material)) Assert.True(share < 0.035, $"{share:P1}");
        else Assert.True(share > 0.04, $"{share:P1}");
    }

    // Goal: a pattern belongs to the surface. Method: points of one view are found again in another under even light; their colours agree, and
    // those of points beside them less so.
    [Fact]
    public void Make_Pattern_StaysOnTheSurface()
    {
        var camera = PinholeCamera.ThirtyFive(320);
        var even = new RenderOptions { Lighting = new Lighting([], Vector3.One) };
        List<int> there = [], beside = [];
        for (ulong seed = 0; seed < 6; seed++)
        {
            ProceduralObject made = ProceduralObjects.Make(seed, ["pebble"], ["mosaic", "clouds", "spots"]);
            RigidPose[] poses = [RigidPose.LookAt((2, 0, 0.4), (0, 0, 0), (0, 0, 1)), RigidPose.LookAt((1.7, 1, 0.6), (0, 0, 0), (0, 0, 1))];
            ObjectView source = Renderer.Render(made.Mesh, camera, poses[0], even), target = Renderer.Render(made.Mesh, camera, poses[1], even);
            for (int y = 0; y < camera.Height; y += 4)
                for (int x = 0; x < camera.Width; x += 4)
                {
                    if (source.ObjectPointAt(x, y) is not { } point || target.See(point) is not { } seen) continue;
                    there.Add(Difference(source, x, y, target, (int)Math.Round(seen.X), (int)Math.Round(seen.Y)));
                    beside.Add(Difference(source, x, y, target, Math.Min((int)Math.Round(seen.X) + 9, camera.Width - 1), (int)Math.Round(seen.Y)));
                }
        }
        there.Sort();
        Assert.True(there.Count > 2000 && there[there.Count / 2] <= 4, $"{there.Count} points, median {there[there.Count / 2]}");
        Assert.True(beside.Average() > 2 * there.Average(), $"{there.Average()} at the place, {beside.Average()} beside it");

        static int Difference(ObjectView a, int ax, int ay, ObjectView b, int bx, int by) =>
            Enumerable.Range(0, 3).Max(channel => Math.Abs(a.Image.Pixels[3 * (ay * a.Camera.Width + ax) + channel] - b.Image.Pixels[3 * (by * b.Camera.Width + bx) + channel]));
    }

    [Fact]
    public void Make_FamiliesKeptOut_AreNeverDrawn()
    {
        string[] shapes = [.. ProceduralObjects.Shapes.Except(["vessel", "horn"])], materials = [.. ProceduralObjects.Materials.Except(["print"])];
        var made = Enumerable.Range(0, 60).Select(seed => ProceduralObjects.Make((ulong)seed, shapes, materials)).ToArray();
        Assert.All(made, one => Assert.True(one.Shape is not ("vessel" or "horn") && one.Material != "print"));
        Assert.True(made.Select(one => one.Shape).Distinct().Count() > 9 && made.Select(one => one.Material).Distinct().Count() > 9);
    }

    // Goal: the flag tells the truth. Method: a flagged object of one colour looks the same from opposite sides of its axis, to its lamps.
    [Fact]
    public void Make_SymmetricFlag_MeansThatTurnsDoNotShow()
    {
        ProceduralObject made = ProceduralObjects.Make(3, ["lathe"], ["plain"]);
        Assert.True(made.IsSymmetric && made.IsShapeSymmetric);
        ObjectView front = Renderer.Render(made.Mesh, Camera, RigidPose.LookAt((2, 0, 0.5), (0, 0, 0), (0, 0, 1))), back = Renderer.Render(made.Mesh, Camera, RigidPose.LookAt((-2, 0, 0.5), (0, 0, 0), (0, 0, 1)));
        Assert.True(front.Image.Pixels.Zip(back.Image.Pixels).Count(pair => Math.Abs(pair.First - pair.Second) > 6) < front.Image.Pixels.Length / 200);
        Assert.False(ProceduralObjects.Make(3, ["lathe"], ["marble"]).IsSymmetric);
        Assert.False(ProceduralObjects.Make(3, ["creature"], ["plain"]).IsSymmetric);
    }

    [Fact]
    public void Make_UnknownFamily_IsRefusedByName()
    {
        Assert.Contains("'cube'", Assert.Throws<ArgumentException>(() => ProceduralObjects.Make(1, ["cube"])).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => ProceduralObjects.Make(1, null, []));
    }
}
