using System.Numerics;
using CorrMesh.Geometry;
using CorrMesh.Rendering.Raster;
using CorrMesh.Rendering.Views;
using CorrMesh.TestKit;
using CorrMesh.Vision.Images;
using Xunit;

namespace CorrMesh.Rendering.Tests.Views;

public sealed class ViewFolderTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory().FullName;
    private readonly ObjectView[] views;

    public ViewFolderTests()
    {
        RigidPose[] poses = ViewSphere.Draw(new SeededRandom(4, 2), 3, Vector3.UnitZ, 1.8, 2.4, roll: 0.5);
        views = [.. poses.Select(pose => Renderer.Render(Solids.Box(new Vector3(0.5f, 0.3f, 0.2f)), PinholeCamera.ThirtyFive(96), pose))];
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void Write_ThenOpen_GivesTheSameViewsToAMillimetre()
    {
        Assert.Equal(3, RenderedFolder.Write(folder, views));
        RenderedFolder read = RenderedFolder.Open(folder);
        Assert.Equal(views.Select(view => view.ObjectToCamera), read.Poses);
        for (int i = 0; i < views.Length; i++)
        {
            ObjectView view = read.Load(i);
            Assert.Equal(views[i].Image.Pixels, view.Image.Pixels);
            Assert.Equal(views[i].Mask, view.Mask);
            Assert.Equal(views[i].Camera, view.Camera);
            for (int at = 0; at < view.Mask.Length; at++) Assert.Equal(views[i].DepthMetres![at], view.DepthMetres![at], 0.000501f);
        }
        Assert.Equal(
            ["camera.json", "color_000000.png", "color_000001.png", "color_000002.png", "depth_000000.png", "depth_000001.png", "depth_000002.png", "mask_000000.png", "mask_000001.png", "mask_000002.png", "obj_poses.npy"],
            Directory.GetFiles(folder).Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Write_SameViews_GivesTheSameBytes()
    {
        RenderedFolder.Write(folder, views);
        var first = Directory.GetFiles(folder).ToDictionary(file => file, File.ReadAllBytes);
        RenderedFolder.Write(folder, views);
        Assert.All(first, file => Assert.Equal(file.Value, File.ReadAllBytes(file.Key)));
    }

    // Goal: depth and masks are what other programs read. Method: the 8-bit pictures through the product's decoder, and 16 bits against a
    // hand-made file with each of the five filters.
    [Fact]
    public void GreyPng_AnyFilter_IsReadBack()
    {
        var random = new SeededRandom(7, 1);
        ushort[] samples = [.. Enumerable.Range(0, 40 * 30).Select(_ => (ushort)random.NextBits())];
        Assert.Equal(samples, GreyPng.Decode(GreyPng.Encode(samples, 40, 30), "depth", 40, 30));
        byte[] mask = [.. samples.Select(sample => (byte)sample)];
        Assert.Equal(mask, ImageDecoder.Decode(GreyPng.Encode(mask, 40, 30)).Pixels.Where((_, i) => i % 3 == 0));
    }

    [Theory]
    [InlineData("depth_000001.png")]
    [InlineData("mask_000001.png")]
    [InlineData("color_000001.png")]
    public void Load_BrokenFile_IsNamed(string name)
    {
        RenderedFolder.Write(folder, views);
        string path = Path.Combine(folder, name);
        byte[] whole = File.ReadAllBytes(path);
        foreach (byte[] broken in new[] { [], whole[..(whole.Length / 2)], whole[..20], "hello"u8.ToArray() })
        {
            File.WriteAllBytes(path, broken);
            Assert.Contains(name, Assert.Throws<InvalidDataException>(() => RenderedFolder.Open(folder).Load(1)).Message, StringComparison.Ordinal);
        }
        File.Delete(path);
        Assert.Contains(name, Assert.Throws<InvalidDataException>(() => RenderedFolder.Open(folder).Load(1)).Message, StringComparison.Ordinal);
        Assert.NotNull(RenderedFolder.Open(folder).Load(0));
    }

    [Fact]
    public void Open_BadPosesOrCamera_IsRefused()
    {
        Assert.Contains("obj_poses.npy", Assert.Throws<InvalidDataException>(() => RenderedFolder.Open(folder)).Message, StringComparison.Ordinal);
        RenderedFolder.Write(folder, views);
        string poses = Path.Combine(folder, "obj_poses.npy"), camera = Path.Combine(folder, "camera.json");
        byte[] whole = File.ReadAllBytes(poses);
        File.WriteAllBytes(poses, whole[..^8]);
        Assert.Contains("bytes needed", Assert.Throws<InvalidDataException>(() => RenderedFolder.Open(folder)).Message, StringComparison.Ordinal);
        whole[^121] ^= 0x40;
        File.WriteAllBytes(poses, whole);
        Assert.Contains("obj_poses.npy[2]", Assert.Throws<InvalidDataException>(() => RenderedFolder.Open(folder)).Message, StringComparison.Ordinal);
        RenderedFolder.Write(folder, views);
        File.WriteAllText(camera, File.ReadAllText(camera).Replace("\"focal_x\": 105", "\"focal_x\": -105", StringComparison.Ordinal));
        Assert.Contains("-105", Assert.Throws<InvalidDataException>(() => RenderedFolder.Open(folder)).Message, StringComparison.Ordinal);
    }

    // Goal: a BOP scene gives metres, the object's own poses and its own masks. Method: the views, written by hand in BOP's terms, read back.
    [Fact]
    public void BopScene_HandMade_GivesTheViews()
    {
        ViewLayouts.WriteBop(folder, views);
        Assert.Equal([2, 5], BopScene.Objects(folder));
        BopScene scene = BopScene.Open(folder, 5);
        Assert.Equal(3, scene.Poses.Count);
        for (int i = 0; i < views.Length; i++)
        {
            ObjectView read = scene.Load(i);
            Assert.Equal(views[i].Image.Pixels, read.Image.Pixels);
            Assert.Equal(views[i].Mask, read.Mask);
            Assert.Equal(views[i].Camera, read.Camera);
            Assert.All(views[i].ObjectToCamera.Matrix().Zip(read.ObjectToCamera.Matrix()), pair => Assert.Equal(pair.First, pair.Second, 1e-12));
            for (int at = 0; at < read.Mask.Length; at++) Assert.Equal(views[i].DepthMetres![at], read.DepthMetres![at], 0.0000501f);
        }
        Assert.Contains("object 9", Assert.Throws<InvalidDataException>(() => BopScene.Open(folder, 9)).Message, StringComparison.Ordinal);
        File.WriteAllText(Path.Combine(folder, "scene_gt.json"), "{\"0\": [{\"obj_id\": 5, \"cam_R_m2c\": [1, 0, 0, 0, 1, 0, 0, 0], \"cam_t_m2c\": [0, 0, 1]}]}");
        Assert.Contains("9 numbers needed, 8 given", Assert.Throws<InvalidDataException>(() => BopScene.Open(folder, 5)).Message, StringComparison.Ordinal);
        File.WriteAllText(Path.Combine(folder, "scene_gt.json"), "[1]");
        Assert.Throws<InvalidDataException>(() => BopScene.Open(folder, 5));
    }

    [Fact]
    public void OnePose_HandMade_GivesTheViewsInTheOrderOfTheirNumbers()
    {
        ViewLayouts.WriteOnePose(folder, views, [2, 10, 1], withMasks: false);
        OnePoseSequence sequence = OnePoseSequence.Open(folder);
        Assert.Equal(["1", "2", "10"], Enumerable.Range(0, 3).Select(sequence.NameOf));
        Assert.Equal([views[2].ObjectToCamera, views[0].ObjectToCamera, views[1].ObjectToCamera], sequence.Poses);
        ObjectView read = sequence.Load(1);
        Assert.Equal(views[0].Image.Pixels, read.Image.Pixels);
        Assert.Equal(views[0].Mask, read.Mask);
        Assert.Equal(views[0].Camera, read.Camera);
        File.WriteAllText(Path.Combine(folder, "poses_ba", "2.txt"), "1 2 3");
        Assert.Contains("2.txt: 12 or 16 numbers needed, 3 given", Assert.Throws<InvalidDataException>(() => OnePoseSequence.Open(folder)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void OnePose_SharedSequences_Load()
    {
        foreach (string sequence in Directory.GetDirectories(SharedData.Require("fixtures/onepose/data/lowtexture_test_data"), "*", SearchOption.AllDirectories).Where(at => Directory.Exists(Path.Combine(at, "poses_ba"))))
        {
            OnePoseSequence read = OnePoseSequence.Open(sequence);
            Assert.True(read.Poses.Count >= 6);
            ObjectView view = read.Load(read.Poses.Count - 1);
            Assert.Null(view.DepthMetres);
            Assert.InRange(view.ObjectToCamera.Z, 0.1, 1);
            (double x, double y) = view.Camera.Project(view.ObjectToCamera.Apply((0, 0, 0)));
            Assert.True(view.Camera.Contains(x, y));   // the object's origin is in the picture
        }
    }

    // Goal: drawn cameras look at the object from the asked distances, evenly from all sides. Method: 2000 of them: the mean direction vanishes.
    [Fact]
    public void Draw_ManyPoses_LookAtTheOriginFromAllSides()
    {
        RigidPose[] poses = ViewSphere.Draw(new SeededRandom(1, 1), 2000, Vector3.UnitY, 1.5, 2.5, roll: 0.3);
        Assert.Equal(poses, ViewSphere.Draw(new SeededRandom(1, 1), 2000, Vector3.UnitY, 1.5, 2.5, roll: 0.3));
        double x = 0, y = 0, z = 0;
        foreach (RigidPose pose in poses)
        {
            Assert.Equal(0, pose.X, 1e-9);
            Assert.Equal(0, pose.Y, 1e-9);
            Assert.InRange(pose.Z, 1.5, 2.5);
            var up = pose.Rotate((0, 1, 0));
            if (Math.Abs(up.Z) < 0.9) Assert.True(up.Y < 0 && Math.Abs(up.X) <= Math.Tan(0.3) * -up.Y + 1e-9);
            RigidPose.FromRowMajor(pose.Matrix());
            (x, y, z) = (x + pose.R31, y + pose.R32, z + pose.R33);
        }
        Assert.True(Math.Sqrt(x * x + y * y + z * z) / poses.Length < 0.05);
    }
}
