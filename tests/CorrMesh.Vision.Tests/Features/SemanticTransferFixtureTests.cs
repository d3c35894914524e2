using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using CorrMesh.TestKit;
using CorrMesh.Vision.Backbones;
using CorrMesh.Vision.Features;
using CorrMesh.Vision.Images;
using Xunit;

namespace CorrMesh.Vision.Tests.Features;

// Goal: keypoints are transferred to the pixels that the public script found, without a descriptor per pixel. Method: the miniature
// PF-PASCAL, from its CSV and pictures on. Tolerance: positions equal (the fixture allows 1 px), descriptors 1e-4, features abs 3e-4 + rel 1e-3.
public partial class SemanticTransferFixtureTests
{
    private const string Data = "data/PF-dataset-PASCAL";

    [Fact]
    public void Match_EveryPair_FindsThePublishedPositions()
    {
        foreach (Fixture fixture in SharedData.Family("semantic_transfer"))
        {
            using VisionTransformer backbone = FixtureModels.Backbone(fixture, "backbone.pth");
            using var model = new FeatureModel(backbone, FixtureModels.Adapter(fixture));
            var comparison = new ArrayComparison(fixture.Name);
            foreach (JsonElement pair in fixture.Meta.GetProperty("pairs").EnumerateArray())
            {
                string folder = Folder(pair);
                FeatureMap source = Features(fixture, model, Picture(fixture, pair, "source")), target = Features(fixture, model, Picture(fixture, pair, "target"));
                float[] keypoints = Positions(fixture.Array($"{folder}/src_kps.npy").Floats());
                float[] descriptors = KeypointSampler.Sample(source, keypoints, normalise: true);
                comparison.Check("src_kp_desc", folder, fixture.Array($"{folder}/src_kp_desc.npy").Floats(), descriptors, 1e-4);
                ComparePixels(fixture, folder, target, comparison);

                float[] found = [.. SemanticTransfer.Match(target, descriptors).SelectMany(p => new float[] { p.X, p.Y })];
                float[] expected = Array.ConvertAll(fixture.Array($"{folder}/pred_xy.npy").Longs(), x => (float)x);
                comparison.Check("pred_xy", folder, expected, found, 1e-30);
            }
            comparison.Print();
        }
    }

    // Goal: real JPEG decoding does not change the answers beyond what the fixture warns of: at most a keypoint a pair moves.
    [Fact]
    public void Match_PairsAsJpeg_MoveAtMostOneKeypoint()
    {
        foreach (Fixture fixture in SharedData.Family("semantic_transfer"))
        {
            using VisionTransformer backbone = FixtureModels.Backbone(fixture, "backbone.pth");
            using var model = new FeatureModel(backbone, FixtureModels.Adapter(fixture));
            JsonElement[] pairs = [.. fixture.Meta.GetProperty("pairs").EnumerateArray().Where(pair => pair.GetProperty("source").GetString()!.EndsWith(".jpg", StringComparison.Ordinal))];
            Assert.NotEmpty(pairs);
            foreach (JsonElement pair in pairs)
            {
                FeatureMap[] maps = [.. new[] { "source", "target" }.Select(side =>
                    Features(fixture, model, ImageDecoder.Decode(File.ReadAllBytes(fixture.PathOf($"{Data}/JPEGImages/{pair.GetProperty(side).GetString()}")))))];
                float[] keypoints = Positions(fixture.Array($"{Folder(pair)}/src_kps.npy").Floats());
                long[] expected = fixture.Array($"{Folder(pair)}/pred_xy.npy").Longs();
                byte[] visible = fixture.Array($"{Folder(pair)}/vis.npy").Data;
                (int X, int Y)[] found = SemanticTransfer.Match(maps[1], KeypointSampler.Sample(maps[0], keypoints, normalise: true));
                int moved = found.Where((p, i) => visible[i] != 0 && (p.X != expected[2 * i] || p.Y != expected[2 * i + 1])).Count();
                TestContext.Current.TestOutputHelper?.WriteLine($"PARITY {fixture.Name} {Folder(pair)} as JPEG: {moved} of {visible.Count(v => v != 0)} visible keypoints moved");
                Assert.InRange(moved, 0, 1);
            }
        }
    }

    // Goal: keypoints of the CSV arrive where the stored ones are. Method: each pair's row, padded to the slots of its category.
    [Fact]
    public void PaddedKeypoints_RowsOfTheCsv_AreTheStoredKeypoints()
    {
        foreach (Fixture fixture in SharedData.Family("semantic_transfer"))
        {
            int size = fixture.Config("img_size", 840);
            string[][] rows = [.. File.ReadLines(fixture.PathOf($"{Data}/test_pairs_pf_different_views.csv")).Skip(1).Select(line => line.Split(','))];
            var comparison = new ArrayComparison(fixture.Name);
            foreach (JsonElement pair in fixture.Meta.GetProperty("pairs").EnumerateArray())
            {
                string Name(string side) => pair.GetProperty(side).GetString()!;
                string[] row = Assert.Single(rows, row => row[0].EndsWith(Name("source"), StringComparison.Ordinal) && row[1].EndsWith(Name("target"), StringComparison.Ordinal));
                foreach ((string side, string file, int x) in new[] { ("source", "src_kps", 3), ("target", "trg_kps", 5) })
                {
                    NpyArray stored = fixture.Array($"{Folder(pair)}/{file}.npy");
                    RgbImage picture = Picture(fixture, pair, side);
                    float[] keypoints = Slots(row[x], row[x + 1], stored.Shape[0]);
                    comparison.Check(file, Folder(pair), stored.Floats(), PaddedKeypoints.For(picture.Width, picture.Height, size).Apply(keypoints), 5e-5);
                }
            }
            comparison.Print();
        }
    }

    // The stored subset of the public script's padded per-pixel features: the sampler at whole pixels gives the same values.
    private static void ComparePixels(Fixture fixture, string folder, FeatureMap target, ArrayComparison comparison)
    {
        string file = $"{folder}/trg_desc_sub.npy";
        int step = int.Parse(Every().Match(FixtureModels.Note(fixture, file)).Groups[1].Value, CultureInfo.InvariantCulture);
        NpyArray stored = fixture.Array(file);
        var pixels = new List<float>();
        for (int y = 0; y < target.ImageHeight; y += step)
            for (int x = 0; x < target.ImageWidth; x += step) pixels.AddRange([x, y]);
        comparison.Check("trg_desc_sub", folder, FixtureModels.ChannelsLast(stored.Floats(), stored.Shape[1], stored.Shape[2] * stored.Shape[3]),
            KeypointSampler.Sample(target, [.. pixels], normalise: false), 3e-4, 1e-3);
    }

    private static FeatureMap Features(Fixture fixture, FeatureModel model, RgbImage picture)
    {
        RgbImage square = LanczosResize.ToSquare(picture, fixture.Config("img_size", 840));
        return model.Extract([PreparedImage.From(square, InputGeometry.Native(square.Width, square.Height, model.Config.PatchSize))])[0];
    }

    private static RgbImage Picture(Fixture fixture, JsonElement pair, string side)
    {
        string name = pair.GetProperty(side).GetString()!;
        string decoded = $"decoded/{Path.GetFileNameWithoutExtension(name)}.png";
        return FixtureModels.Rgb(fixture, fixture.Has(decoded) ? decoded : $"{Data}/JPEGImages/{name}");
    }

    private static string Folder(JsonElement pair) => $"{pair.GetProperty("category").GetString()}_pair{pair.GetProperty("pair").GetInt32()}";

    private static float[] Positions(float[] keypoints) => [.. keypoints.Where((_, i) => i % 3 != 2)];

    // Slots without a point hold -1 and are not visible.
    private static float[] Slots(string xs, string ys, int count)
    {
        float[] x = [.. xs.Split(';').Select(v => (float)double.Parse(v, CultureInfo.InvariantCulture))], y = [.. ys.Split(';').Select(v => (float)double.Parse(v, CultureInfo.InvariantCulture))];
        return [.. Enumerable.Range(0, count).SelectMany(i => i < x.Length ? new[] { x[i], y[i], 1 } : [-1f, -1f, 0f])];
    }

    [GeneratedRegex(@"every (\d+)")]
    private static partial Regex Every();
}
