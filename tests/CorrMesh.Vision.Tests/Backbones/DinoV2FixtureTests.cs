using System.Text.RegularExpressions;
using CorrMesh.TestKit;
using CorrMesh.Vision.Backbones;
using CorrMesh.Vision.Features;
using CorrMesh.Vision.Weights;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace CorrMesh.Vision.Tests.Backbones;

// Goal: the network computes what the public code computes, in every variant. Method: the fixtures' weights and images, every stored
// output compared. Tolerance: each fixture's own (abs 2e-4 + rel 1e-3); float32 against float64 alone differs by up to 1.2e-5.
public partial class DinoV2FixtureTests
{
    [Fact]
    public void From_FixtureImages_AreTheExpectedInputs() => Assert.All(SharedData.Family("dinov2_inputs"), CompareInputs);

    private static void CompareInputs(Fixture inputs)
    {
        var comparison = new ArrayComparison(inputs.Name);
        foreach (string file in inputs.Files.Where(name => name.EndsWith(".npy", StringComparison.Ordinal)))
        {
            string image = file.Replace("x_", "img_", StringComparison.Ordinal).Replace(".npy", ".png", StringComparison.Ordinal);
            comparison.Check("x", file, inputs.Array(file).Floats(), Prepare(inputs, image).Planes, 1e-6);
        }
        comparison.Print();
    }

    [Fact]
    public void Forward_EveryVariant_MatchesEveryStoredOutput()
    {
        foreach (Fixture fixture in SharedData.Family("dinov2_vit_"))
        {
            using VisionTransformer backbone = FixtureModels.Backbone(fixture, "weights.pth");
            AssertConfiguration(fixture, backbone.Config);
            Fixture inputs = new(Path.GetFullPath(Path.Combine(fixture.Folder, fixture.Meta.GetProperty("inputs").GetString()!)));
            var comparison = new ArrayComparison(fixture.Name);
            foreach (var size in fixture.Files.Where(file => !file.StartsWith("mask", StringComparison.Ordinal)).Select(FixtureModels.Parse).OfType<(string, int Height, int Width)>().GroupBy(f => (f.Height, f.Width)))
                Compare(fixture, backbone, Prepare(inputs, $"img_{size.Key.Height}x{size.Key.Width}.png"), comparison);
            comparison.Print();
        }
    }

    [Fact]
    public void Forward_MaskedPatches_MatchesStoredOutput()
    {
        foreach (Fixture fixture in SharedData.Family("dinov2_vit_"))
        {
            using VisionTransformer backbone = FixtureModels.Backbone(fixture, "weights.pth");
            Fixture inputs = new(Path.GetFullPath(Path.Combine(fixture.Folder, fixture.Meta.GetProperty("inputs").GetString()!)));
            var comparison = new ArrayComparison(fixture.Name);
            foreach (string file in fixture.Files.Where(file => file.StartsWith("mask_", StringComparison.Ordinal)))
            {
                using var scope = torch.NewDisposeScope();
                using var noGrad = torch.no_grad();
                string size = file["mask_".Length..^".npy".Length];
                NpyArray mask = fixture.Array(file);
                Tensor masked = torch.tensor(mask.Longs(), mask.Shape[0], mask.Shape[1]).to(ScalarType.Bool);
                Tensor tokens = backbone.Normalise(backbone.Forward(Pixels(Prepare(inputs, $"img_{size}.png")), mask: masked));
                string expected = $"masked_x_norm_patchtokens_{size}.npy";
                Check(fixture, comparison, "masked_x_norm_patchtokens", expected, tokens.narrow(1, backbone.Config.PrefixCount, mask.Shape[1]));
            }
            comparison.Print();
        }
    }

    private static void Compare(Fixture fixture, VisionTransformer backbone, PreparedImage image, ArrayComparison comparison)
    {
        using var scope = torch.NewDisposeScope();
        using var noGrad = torch.no_grad();
        InputGeometry geometry = image.Geometry;
        int prefix = backbone.Config.PrefixCount, patches = geometry.Rows * geometry.Columns;
        Tensor embedded = backbone.Embed(Pixels(image));
        Tensor tokens = backbone.RunBlocks(embedded, 0, backbone.Config.Depth);
        Tensor normalised = backbone.Normalise(tokens);
        Tensor classPosition = backbone.named_parameters().Single(p => p.name == "pos_embed").parameter.narrow(1, 0, 1);
        var outputs = new Dictionary<string, Func<Tensor>>
        {
            ["pos_embed"] = () => torch.cat([classPosition, backbone.ResizedPositions(geometry.Rows, geometry.Columns, geometry.PatchStride).unsqueeze(0)], 1),
            ["tokens_in"] = () => embedded,
            ["block0_out"] = () => backbone.RunBlocks(embedded, 0, 1),
            ["x_prenorm"] = () => tokens,
            ["x_norm_clstoken"] = () => normalised.narrow(1, 0, 1),
            ["x_norm_regtokens"] = () => normalised.narrow(1, 1, prefix - 1),
            ["x_norm_patchtokens"] = () => normalised.narrow(1, prefix, patches),
        };
        int compared = 0;
        foreach (string file in fixture.Files)
        {
            if (FixtureModels.Parse(file) is not var (quantity, height, width) || (height, width) != (geometry.ImageHeight, geometry.ImageWidth) || !outputs.TryGetValue(quantity, out var output)) continue;
            Tensor actual = output();
            Match every = EveryNth().Match(FixtureModels.Note(fixture, file));
            if (every.Success) actual = actual[TensorIndex.Colon, TensorIndex.Slice(step: int.Parse(every.Groups[1].Value))];
            Check(fixture, comparison, quantity, file, actual);
            compared++;
        }
        Assert.True(compared >= 2, $"{fixture.Name}: {compared} outputs compared at {geometry.ImageHeight}x{geometry.ImageWidth}");
    }

    private static void Check(Fixture fixture, ArrayComparison comparison, string quantity, string file, Tensor actual) =>
        comparison.Check(quantity, file, fixture.Array(file).Floats(), actual.contiguous().data<float>().ToArray(), FixtureModels.Tolerance(fixture, "abs"), FixtureModels.Tolerance(fixture, "rel"));

    private static void AssertConfiguration(Fixture fixture, VisionTransformerConfig config)
    {
        Assert.Equal(fixture.Config("embed_dim", 0), config.Width);
        Assert.Equal(fixture.Config("depth", 0), config.Depth);
        Assert.Equal(fixture.Config("num_register_tokens", 0), config.Registers);
        string ffn = fixture.Meta.GetProperty("config").GetProperty("ffn_layer").GetString()!;
        Assert.Equal(ffn.StartsWith("swiglu", StringComparison.Ordinal) ? FeedForwardKind.SwiGlu : FeedForwardKind.Mlp, config.FeedForward);
    }

    private static PreparedImage Prepare(Fixture inputs, string file)
    {
        var image = FixtureModels.Rgb(inputs, file);
        return PreparedImage.From(image, InputGeometry.Native(image.Width, image.Height));
    }

    private static Tensor Pixels(PreparedImage image) => torch.tensor(image.Planes, 1, 3, image.Geometry.InputHeight, image.Geometry.InputWidth);

    [GeneratedRegex(@"every (\d+)(?:th|nd|rd|st) token")]
    private static partial Regex EveryNth();
}
