using System.Text.Json;
using System.Text.RegularExpressions;
using CorrMesh.TestKit;
using CorrMesh.Vision.Backbones;
using CorrMesh.Vision.Features;
using CorrMesh.Vision.Images;
using TorchSharp;
using Xunit;

namespace CorrMesh.Vision.Tests.Features;

// Goal: each small step of the paper's path is the public code's. Method: stored inputs and outputs of each function. Tolerance: 1e-5; equal
// bytes for Lanczos. The remaining functions of the folder are geometry: see CorrMesh.Geometry.Tests.
public partial class UnitFunctionFixtureTests
{
    private const double Tolerance = 1e-5;

    private static IReadOnlyList<Fixture> Fixtures => SharedData.Family("unit_functions");

    [Fact]
    public void SmoothStep_EveryTemperature_MatchesSigmoid() => Assert.All(Fixtures, SmoothStepEveryTemperature);

    private static void SmoothStepEveryTemperature(Fixture fixture)
    {
        var comparison = new ArrayComparison(fixture.Name);
        using var scope = torch.NewDisposeScope();
        var x = torch.tensor(fixture.Array("sigmoid/x.npy").Floats());
        foreach (string file in fixture.Files.Where(file => file.StartsWith("sigmoid/y_temp", StringComparison.Ordinal)))
        {
            double temperature = double.Parse(file["sigmoid/y_temp".Length..^".npy".Length]);
            comparison.Check("sigmoid", file, fixture.Array(file).Floats(), SmoothStep.Apply(x, temperature).data<float>().ToArray(), Tolerance);
        }
        comparison.Print();
    }

    [Fact]
    public void Sample_EveryCase_MatchesInterpolateFeatures() => Assert.All(Fixtures, SampleEveryCase);

    private static void SampleEveryCase(Fixture fixture)
    {
        var comparison = new ArrayComparison(fixture.Name);
        JsonElement[] cases = [.. fixture.Meta.GetProperty("interpolate_features_cases").EnumerateArray()];
        for (int i = 0; i < cases.Length; i++)
        {
            int h = cases[i].GetProperty("h").GetInt32(), w = cases[i].GetProperty("w").GetInt32();
            int patch = cases[i].GetProperty("patch_size").GetInt32(), stride = cases[i].GetProperty("stride").GetInt32();
            string name = $"interpolate_features/case{i}_";
            InputGeometry geometry = InputGeometry.Native(w, h, patch, stride);
            CompareSampler(fixture, comparison, name, geometry.X, geometry.Y, w, h);
        }
        // The quirk for patches of 16: the sampler is told 14 pixels a token although points are in pixels of 16.
        NpyArray sixteen = fixture.Array("interpolate_features/patch16_descriptors.npy");
        CompareSampler(fixture, comparison, "interpolate_features/patch16_", new TokenAxis(sixteen.Shape[3], 1 / 14f, -0.5f), new TokenAxis(sixteen.Shape[2], 1 / 14f, -0.5f), sixteen.Shape[3] * 16, sixteen.Shape[2] * 16);
        comparison.Print();
    }

    private static void CompareSampler(Fixture fixture, ArrayComparison comparison, string name, TokenAxis x, TokenAxis y, int width, int height)
    {
        NpyArray stored = fixture.Array($"{name}descriptors.npy"), points = fixture.Array($"{name}pts.npy");
        int channels = stored.Shape[1], positions = stored.Shape[2] * stored.Shape[3], count = points.Shape[1];
        Assert.Equal((stored.Shape[3], stored.Shape[2]), (x.Count, y.Count));
        foreach (string kind in new[] { "raw", "norm" }.Where(kind => fixture.Has($"{name}{kind}.npy")))
        {
            float[] expected = fixture.Array($"{name}{kind}.npy").Floats();                       // [B, C, K]
            for (int b = 0; b < stored.Shape[0]; b++)
            {
                float[] values = FixtureModels.ChannelsLast(stored.Floats().AsSpan(b * channels * positions, channels * positions), channels, positions);
                var map = new FeatureMap(width, height, x, y, channels, values);
                float[] sampled = KeypointSampler.Sample(map, points.Floats().AsSpan(b * count * 2, count * 2), kind == "norm");
                comparison.Check($"interpolate_features {kind}", name, FixtureModels.ChannelsLast(expected.AsSpan(b * channels * count, channels * count), channels, count), sampled, Tolerance);
            }
        }
    }

    [Fact]
    public void PaddedKeypoints_EveryCase_MatchesPreprocessKpsPad() => Assert.All(Fixtures, PaddedKeypointsEveryCase);

    private static void PaddedKeypointsEveryCase(Fixture fixture)
    {
        var comparison = new ArrayComparison(fixture.Name);
        JsonElement[] cases = [.. fixture.Meta.GetProperty("preprocess_kps_pad_cases").EnumerateArray()];
        for (int i = 0; i < cases.Length; i++)
        {
            int Value(string key) => cases[i].GetProperty(key).GetInt32();
            PaddedKeypoints padded = PaddedKeypoints.For(Value("img_width"), Value("img_height"), Value("size"));
            Assert.Equal((Value("offset_x"), Value("offset_y")), (padded.OffsetX, padded.OffsetY));
            Assert.Equal(cases[i].GetProperty("scale").GetDouble(), padded.Scale, 1e-12);
            float[] expected = fixture.Array($"preprocess_kps_pad/case{i}_expected.npy").Floats();
            // Coordinates reach several hundred pixels, where one float32 step is 6e-5: relative room for two of those.
            comparison.Check("preprocess_kps_pad", $"case{i}", expected, padded.Apply(fixture.Array($"preprocess_kps_pad/case{i}_in.npy").Floats()), Tolerance, 2.5e-7);
        }
        comparison.Print();
    }

    [Fact]
    public void ToSquare_EveryCase_MatchesEvaluateResize() => Assert.All(Fixtures, ToSquareEveryCase);

    private static void ToSquareEveryCase(Fixture fixture)
    {
        var comparison = new ArrayComparison(fixture.Name);
        JsonElement[] cases = [.. fixture.Meta.GetProperty("evaluate_resize_cases").EnumerateArray()];
        for (int i = 0; i < cases.Length; i++)
        {
            RgbImage square = LanczosResize.ToSquare(FixtureModels.Rgb(fixture, $"evaluate_resize/case{i}_in.png"), cases[i].GetProperty("target_res").GetInt32(), cases[i].GetProperty("edge").GetBoolean());
            CompareBytes(comparison, "evaluate_resize", $"case{i}", FixtureModels.Rgb(fixture, $"evaluate_resize/case{i}_expected.png"), square);
        }
        comparison.Print();
    }

    [Fact]
    public void Resampling_EveryFilter_MatchesResample() => Assert.All(Fixtures, ResamplingEveryFilter);

    private static void ResamplingEveryFilter(Fixture fixture)
    {
        var comparison = new ArrayComparison(fixture.Name);
        RgbImage image = FixtureModels.Rgb(fixture, "resample/in.png");
        float[] pixels = Array.ConvertAll(image.Pixels, p => p / 255f);
        foreach (string file in fixture.Files.Where(file => file.StartsWith("resample/", StringComparison.Ordinal) && !NotSized().IsMatch(file)))
        {
            Match match = Sized().Match(file);
            Assert.True(match.Success, $"{file}: unknown filter");
            int height = int.Parse(match.Groups["h"].Value), width = int.Parse(match.Groups["w"].Value);
            string kind = match.Groups["kind"].Value;
            if (kind == "pil_lanczos")
            {
                CompareBytes(comparison, kind, file, FixtureModels.Rgb(fixture, file), LanczosResize.Resize(image, width, height));
                continue;
            }
            NpyArray stored = fixture.Array(file);
            float[] expected = kind == "cv2_linear" ? stored.Floats() : FixtureModels.ChannelsLast(stored.Floats(), stored.Shape[1], stored.Shape[2] * stored.Shape[3]);
            float[] actual = kind switch
            {
                "torch_bilinear_antialias" => Resampling.Resize(pixels, 3, AxisWeights.Triangle(image.Width, width), AxisWeights.Triangle(image.Height, height)),
                "cv2_linear" => Resampling.Resize(pixels, 3, AxisWeights.Neighbours(image.Width, width), AxisWeights.Neighbours(image.Height, height)),
                "bicubic_offset" => Bicubic(fixture, height, width, PositionConvention.Offset),
                "bicubic_antialias" => Bicubic(fixture, height, width, PositionConvention.Antialiased),
                _ => throw new InvalidDataException($"{file}: unknown filter"),
            };
            bool isBicubic = kind.StartsWith("bicubic", StringComparison.Ordinal);
            comparison.Check(kind, file, expected, actual, isBicubic ? 5e-5 : Tolerance);
        }
        comparison.Print();
    }

    [Fact]
    public void Resampling_AlignedCornersAndEdges_MatchResample() => Assert.All(Fixtures, ResamplingAlignedCornersAndEdges);

    private static void ResamplingAlignedCornersAndEdges(Fixture fixture)
    {
        var comparison = new ArrayComparison(fixture.Name);
        NpyArray features = fixture.Array("resample/feat10.npy");
        int channels = features.Shape[1], side = features.Shape[2];
        float[] values = FixtureModels.ChannelsLast(features.Floats(), channels, side * side);

        string aligned = fixture.Files.Single(file => file.StartsWith("resample/bilinear_align_corners_", StringComparison.Ordinal));
        int size = int.Parse(aligned["resample/bilinear_align_corners_".Length..^".npy".Length]);
        int step = int.Parse(Every().Match(FixtureModels.Note(fixture, aligned)).Groups[1].Value);
        AxisWeights axis = AxisWeights.AlignedCorners(side, size);
        float[] resized = Resampling.Resize(values, channels, axis, axis);
        var taken = new List<float>();
        for (int row = 0; row < size; row += step)
            for (int column = 0; column < size; column += step) taken.AddRange(resized.AsSpan((row * size + column) * channels, channels));
        NpyArray stored = fixture.Array(aligned);
        comparison.Check("bilinear_align_corners", aligned, FixtureModels.ChannelsLast(stored.Floats(), channels, stored.Shape[2] * stored.Shape[3]), [.. taken], Tolerance);

        int[] pads = [.. Numbers().Matches(FixtureModels.Note(fixture, "resample/edge_pad.npy")).Select(match => int.Parse(match.Value))];   // left, top, right, bottom
        NpyArray padded = fixture.Array("resample/edge_pad.npy");
        comparison.Check("edge_pad", "edge_pad", FixtureModels.ChannelsLast(padded.Floats(), channels, padded.Shape[2] * padded.Shape[3]),
            Resampling.PadEdges<float>(values, side, side, channels, pads[0], pads[1], pads[2], pads[3]), 1e-30);
        comparison.Print();
    }

    private static float[] Bicubic(Fixture fixture, int rows, int columns, PositionConvention convention)
    {
        using var scope = torch.NewDisposeScope();
        NpyArray grid = fixture.Array("resample/grid37.npy");
        int channels = grid.Shape[1], side = grid.Shape[2];
        var table = torch.tensor(FixtureModels.ChannelsLast(grid.Floats(), channels, side * side), side * side, channels);
        return PositionTable.Resize(table, side, rows, columns, convention).contiguous().data<float>().ToArray();
    }

    // Tolerance: equal. FIXTURES.md would allow a level; fixed point arithmetic leaves no reason for one.
    private static void CompareBytes(ArrayComparison comparison, string quantity, string where, RgbImage expected, RgbImage actual)
    {
        Assert.Equal((expected.Width, expected.Height), (actual.Width, actual.Height));
        comparison.Check(quantity, where, Array.ConvertAll(expected.Pixels, p => (float)p), Array.ConvertAll(actual.Pixels, p => (float)p), 1e-30);
    }

    [GeneratedRegex(@"^resample/(?<kind>[a-z_0-9]+?)_(?<h>\d+)x(?<w>\d+)\.(npy|png)$")]
    private static partial Regex Sized();

    // Inputs, and the results that another test compares.
    [GeneratedRegex(@"^resample/(in\.png|grid\d+\.npy|feat\d+\.npy|bilinear_align_corners_\d+\.npy|edge_pad\.npy)$")]
    private static partial Regex NotSized();

    [GeneratedRegex(@"every (\d+)")]
    private static partial Regex Every();

    [GeneratedRegex(@"\d+")]
    private static partial Regex Numbers();
}
