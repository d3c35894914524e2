using CorrMesh.Geometry;
using CorrMesh.Rendering.Views;
using CorrMesh.TestKit;
using Xunit;

namespace CorrMesh.Rendering.Tests.Views;

/// <summary>The paper's own folder layout, against what its public training code makes of it.</summary>
public sealed class ObjaverseItemFixtureTests
{
    public static TheoryData<string> Names => [.. SharedData.Root is null ? ["objaverse_item"] : Directory.GetDirectories(Path.Combine(SharedData.Root, "fixtures"), "objaverse_item*").Select(folder => Path.GetFileName(folder)!)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Load_PaperFolder_GivesItsCoordinates(string name)
    {
        Fixture fixture = SharedData.Fixture(name);
        RenderedFolder folder = Open(fixture);
        double tolerance = fixture.Meta.GetProperty("tolerance").GetProperty("pts3d_abs").GetDouble();
        double[] intrinsics = [.. fixture.Meta.GetProperty("intrinsic").EnumerateArray().SelectMany(row => row.EnumerateArray()).Select(value => value.GetDouble())];
        foreach (int index in Views(fixture))
        {
            Assert.True(folder.Has(index));
            ObjectView view = folder.Load(index);
            Assert.Equal(intrinsics, view.Camera.Matrix());
            Assert.Equal(fixture.Meta.GetProperty("mask_pixels").GetProperty($"{index}").GetInt32(), view.Mask.Count(value => value != 0));
            float[] points = fixture.Array($"view{index}_pts2d.npy").Floats(), expected = fixture.Array($"view{index}_pts3d.npy").Floats();
            Assert.Equal(3 * points.Length, 2 * expected.Length);
            for (int i = 0; i < points.Length / 2; i++)
            {
                var (x, y, z) = view.ObjectPointAt((int)points[2 * i], (int)points[2 * i + 1])!.Value;
                Assert.Equal(expected[3 * i], x, tolerance);
                Assert.Equal(expected[3 * i + 1], y, tolerance);
                Assert.Equal(expected[3 * i + 2], z, tolerance);
            }
        }
        Assert.False(folder.Has(0));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Poses_PaperFile_HaveTheAngleBetweenTheViews(string name)
    {
        Fixture fixture = SharedData.Fixture(name);
        int[] views = Views(fixture);
        IReadOnlyList<RigidPose> poses = Open(fixture).Poses;
        Assert.Equal(fixture.Meta.GetProperty("angle_between_views_deg").GetDouble(), poses[views[0]].AngleTo(poses[views[1]]), 1e-4);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Pairs_OfTheFixturesKeypoints_AreAsManyAsThePapers(string name)
    {
        Fixture fixture = SharedData.Fixture(name);
        RenderedFolder folder = Open(fixture);
        ViewPoints[] points = [.. Views(fixture).Select(index =>
        {
            ObjectView view = folder.Load(index);
            (double X, double Y)[] pixels = [.. fixture.Array($"view{index}_pts2d.npy").Floats().Chunk(2).Select(p => ((double)p[0], (double)p[1]))];
            return new ViewPoints(pixels, Array.ConvertAll(pixels, p => view.ObjectPointAt((int)p.X, (int)p.Y)!.Value));
        })];
        Assert.Equal(fixture.Meta.GetProperty("positive_pairs").GetInt32(), points[0].PairsWithin(points[1], 0.005).Count());
    }

    [Fact]
    public void Draw_MoreOrFewerThanTheMask_RepeatsOnlyWhenItMust()
    {
        Fixture fixture = SharedData.Fixture("objaverse_item");
        ObjectView view = Open(fixture).Load(Views(fixture)[0]);
        ViewPoints drawn = ViewPoints.Draw(view, ViewPoints.PaperCount, new SeededRandom(1, 1));
        Assert.Equal(3000, drawn.Pixels.Distinct().Count());
        Assert.Equal(drawn.Pixels, ViewPoints.Draw(view, ViewPoints.PaperCount, new SeededRandom(1, 1)).Pixels);
        for (int i = 0; i < 3000; i++) Assert.Equal(view.ObjectPointAt((int)drawn.Pixels[i].X, (int)drawn.Pixels[i].Y), drawn.ObjectPoints[i]);
        int all = view.Mask.Count(value => value != 0);
        Assert.Equal(all, ViewPoints.Draw(view, all, new SeededRandom(1, 1)).Pixels.Distinct().Count());
        ViewPoints more = ViewPoints.Draw(view, all + 1, new SeededRandom(1, 1));
        Assert.Equal(all + 1, more.Pixels.Length);
        Assert.True(more.Pixels.Distinct().Count() < all);
    }

    // Goal: our 42 places are the paper's. Method: each of its poses is among ours, to the digits of its file.
    [Fact]
    public void Icosphere_Poses_AreThePapers()
    {
        IReadOnlyList<RigidPose> theirs = Open(SharedData.Fixture("objaverse_item")).Poses;
        RigidPose[] ours = ViewSphere.Icosphere(System.Numerics.Vector3.UnitZ);
        Assert.Equal(42, ours.Length);
        Assert.Equal(42, theirs.Count);
        foreach (RigidPose pose in theirs)
        {
            RigidPose nearest = ours.MaxBy(own => own.R31 * pose.R31 + own.R32 * pose.R32 + own.R33 * pose.R33);
            bool isPole = Math.Abs(Math.Abs(pose.R33) - 1) < 1e-6;   // looking along the axis, which way is up is open
            Assert.All(nearest.Matrix().Zip(pose.Matrix()).Where((_, i) => !isPole || i % 4 >= 2 || i / 4 >= 2), pair => Assert.Equal(pair.First, pair.Second, 1e-4));
        }
    }

    private static int[] Views(Fixture fixture) => [.. fixture.Meta.GetProperty("views").EnumerateArray().Select(view => view.GetInt32())];

    private static RenderedFolder Open(Fixture fixture)
    {
        string root = Path.Combine(fixture.Folder, "data");
        return RenderedFolder.Open(Path.Combine(root, "objaverse_renderings", File.ReadAllText(Path.Combine(root, "10k.txt")).Trim()));
    }
}
