using System.Text.Json;
using System.Text.RegularExpressions;
using CorrMesh.TestKit;
using CorrMesh.Vision.Adapters;
using CorrMesh.Vision.Backbones;
using CorrMesh.Vision.Features;
using CorrMesh.Vision.Images;
using Xunit;

namespace CorrMesh.Vision.Tests.Features;

// Goal: keypoint and dense features are the paper's, from its own checkpoint layout. Method: every case of every finetune fixture, whole path
// from 8-bit image to descriptor. Tolerance: the fixture's: abs 3e-4 + rel 1e-3 raw, abs 1e-4 for unit vectors.
public partial class FinetuneFixtureTests
{
    [Fact]
    public void Extract_EveryCase_MatchesEveryStoredOutput()
    {
        foreach (Fixture fixture in SharedData.Family("finetune_"))
        {
            using VisionTransformer backbone = FixtureModels.Backbone(fixture, "backbone.pth");
            Adapter adapter = FixtureModels.Adapter(fixture), withoutLora = ZeroLora(adapter);
            using var model = new FeatureModel(backbone, adapter);
            using var zero = new FeatureModel(backbone, withoutLora);
            var comparison = new ArrayComparison(fixture.Name);
            foreach (JsonProperty item in fixture.Meta.GetProperty("cases").EnumerateObject())
                CompareCase(fixture, item, model, zero, comparison);
            comparison.Print();
        }
    }

    private static void CompareCase(Fixture fixture, JsonProperty item, FeatureModel model, FeatureModel zero, ArrayComparison comparison)
    {
        string name = item.Name;
        JsonElement sizes = item.Value;
        int width = sizes.GetProperty("w").GetInt32(), height = sizes.GetProperty("h").GetInt32(), batch = sizes.GetProperty("batch").GetInt32();
        InputGeometry geometry = InputGeometry.ForTargetResolution(width, height, sizes.GetProperty("target_res").GetInt32(), model.Config.PatchSize);
        Assert.Equal((sizes.GetProperty("patch_w").GetInt32(), sizes.GetProperty("patch_h").GetInt32()), (geometry.Columns, geometry.Rows));
        PreparedImage[] images = [.. Enumerable.Range(0, batch).Select(i => PreparedImage.From(FixtureModels.Rgb(fixture, $"{name}/img_{i}.png"), geometry))];
        FeatureMap[] maps = model.Extract(images);
        NpyArray points = fixture.Array($"{name}/pts.npy");
        double absolute = FixtureModels.Tolerance(fixture, "abs"), relative = FixtureModels.Tolerance(fixture, "rel"), unit = FixtureModels.Tolerance(fixture, "norm_abs");

        int compared = 0;
        foreach (string file in fixture.Files.Where(file => file.StartsWith(name + "/", StringComparison.Ordinal) && file.EndsWith(".npy", StringComparison.Ordinal)))
        {
            NpyArray stored = fixture.Array(file);
            string quantity = file[(name.Length + 1)..^4];
            switch (quantity)
            {
                case "pts":
                    continue;
                case "rgb":
                    float[] whole = [.. images.SelectMany((_, i) => Planes(FixtureModels.Rgb(fixture, $"{name}/img_{i}.png").Pixels.Select(p => p / 255f).ToArray()))];
                    comparison.Check(quantity, name, stored.Floats(), whole, 1e-30);
                    break;
                case "rgb_resized":
                    comparison.Check(quantity, name, stored.Floats(), EveryFourth(fixture, name, geometry, batch), 1e-5);
                    break;
                case "get_feature_raw":
                    comparison.Check(quantity, name, stored.Floats(), AtKeypoints(maps, points, false), absolute, relative);
                    break;
                case "get_feature_norm":
                    comparison.Check(quantity, name, stored.Floats(), AtKeypoints(maps, points, true), unit);
                    break;
                case "get_feature_raw_zero_lora":
                    comparison.Check(quantity, name, stored.Floats(), AtKeypoints(zero.Extract(images), points, false), absolute, relative);
                    break;
                case "get_feature_wo_kp_norm":
                    int step = int.Parse(Step().Match(FixtureModels.Note(fixture, file)).Groups[1].Value);
                    comparison.Check(quantity, name, stored.Floats(), Dense(maps, true, step, stored.Shape), unit);
                    break;
                case "get_feature_wo_kp_raw_corner":
                    comparison.Check(quantity, name, stored.Floats(), Dense(maps, false, 1, stored.Shape), absolute, relative);
                    break;
                default:
                    Assert.Fail($"{file}: unknown quantity");
                    break;
            }
            compared++;
        }
        Assert.True(compared >= 2, $"{name}: {compared} outputs compared");
    }

    // Goal: a batch gives the answers of single calls. Method: every multi-image case, and each case's image three times over. Tolerance: 1e-5,
    // a tenth of what unit vectors may differ; kernels may split sums differently for other sizes.
    [Fact]
    public void Extract_Batch_GivesTheAnswersOfSingleCalls()
    {
        foreach (Fixture fixture in SharedData.Family("finetune_"))
        {
            using VisionTransformer backbone = FixtureModels.Backbone(fixture, "backbone.pth");
            using var model = new FeatureModel(backbone, FixtureModels.Adapter(fixture));
            var comparison = new ArrayComparison(fixture.Name);
            foreach (JsonProperty item in fixture.Meta.GetProperty("cases").EnumerateObject().Where(item => item.Value.GetProperty("tokens").GetInt32() < 1000))
            {
                var first = FixtureModels.Rgb(fixture, $"{item.Name}/img_0.png");
                var flipped = new RgbImage(first.Width, first.Height, [.. first.Pixels.Reverse()]);
                InputGeometry geometry = InputGeometry.ForTargetResolution(first.Width, first.Height, item.Value.GetProperty("target_res").GetInt32());
                PreparedImage[] images = [PreparedImage.From(first, geometry), PreparedImage.From(flipped, geometry), PreparedImage.From(first, geometry)];
                FeatureMap[] together = model.Extract(images);
                for (int i = 0; i < images.Length; i++)
                    comparison.Check("batch against single", item.Name, model.Extract([images[i]])[0].Values, together[i].Values, 1e-5);
            }
            comparison.Print();
        }
    }

    private static float[] AtKeypoints(FeatureMap[] maps, NpyArray points, bool normalise)
    {
        float[] all = points.Floats();
        int each = all.Length / maps.Length;
        return [.. maps.SelectMany((map, i) => KeypointSampler.Sample(map, all.AsSpan(i * each, each), normalise))];
    }

    // stored: [B, rows, columns, C], every step-th row and column from the first.
    private static float[] Dense(FeatureMap[] maps, bool normalise, int step, int[] stored)
    {
        var taken = new List<float>();
        foreach (FeatureMap map in maps)
        {
            float[] dense = DenseFeatures.Resize(map, map.ImageWidth, map.ImageHeight, normalise);
            for (int row = 0; row < stored[1]; row++)
                for (int column = 0; column < stored[2]; column++)
                    taken.AddRange(dense.AsSpan((row * step * map.ImageWidth + column * step) * map.Channels, map.Channels));
        }
        return [.. taken];
    }

    private static float[] EveryFourth(Fixture fixture, string name, InputGeometry geometry, int batch)
    {
        var taken = new List<float>();
        for (int i = 0; i < batch; i++)
        {
            float[] resized = PreparedImage.Resized(FixtureModels.Rgb(fixture, $"{name}/img_{i}.png"), geometry);
            for (int channel = 0; channel < 3; channel++)
                for (int row = 0; row < geometry.InputHeight; row += 4)
                    for (int column = 0; column < geometry.InputWidth; column += 4) taken.Add(resized[(row * geometry.InputWidth + column) * 3 + channel]);
        }
        return [.. taken];
    }

    private static float[] Planes(float[] interleaved) => [.. Enumerable.Range(0, 3).SelectMany(channel => interleaved.Where((_, i) => i % 3 == channel))];

    private static Adapter ZeroLora(Adapter adapter) => new(adapter.Width, adapter.Rank,
        [.. adapter.Blocks.Select(block => block with { QueryB = new float[block.QueryB.Length], ValueB = new float[block.ValueB.Length] })], adapter.Refine);

    [GeneratedRegex(@"step (\d+)")]
    private static partial Regex Step();
}
