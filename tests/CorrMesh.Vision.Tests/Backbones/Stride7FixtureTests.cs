using CorrMesh.TestKit;
using CorrMesh.Vision.Adapters;
using CorrMesh.Vision.Backbones;
using CorrMesh.Vision.Features;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace CorrMesh.Vision.Tests.Backbones;

// Goal: a reduced patch stride gives the paper's tracking features. Method: fine-tuned fixture models; positions, tokens before the
// last normalisation and refined maps compared. Tolerance: the fixture's (abs 3e-4 + rel 1e-3).
public class Stride7FixtureTests
{
    [Fact]
    public void Extract_ReducedStride_MatchesEveryStoredOutput()
    {
        foreach (Fixture fixture in SharedData.Family("stride7"))
        {
            using VisionTransformer backbone = FixtureModels.Backbone(fixture, "backbone.pth");
            Adapter adapter = FixtureModels.Adapter(fixture);
            using var model = new FeatureModel(backbone, adapter);
            int stride = fixture.Config("stride", 7);
            var comparison = new ArrayComparison(fixture.Name);
            foreach (string file in fixture.Files)
            {
                if (FixtureModels.Parse(file) is not var (quantity, height, width)) continue;
                var image = FixtureModels.Rgb(fixture, $"img_{height}x{width}.png");
                PreparedImage prepared = PreparedImage.From(image, InputGeometry.Native(width, height, backbone.Config.PatchSize, stride));
                float[] actual = quantity switch
                {
                    "pos_embed" => Positions(backbone, prepared.Geometry),
                    "x_prenorm" => PreNorm(backbone, adapter, prepared),
                    "refined" => model.Extract([prepared], FeatureStage.PreNorm)[0].Values,
                    _ => throw new InvalidDataException($"{file}: unknown quantity"),
                };
                NpyArray stored = fixture.Array(file);
                float[] expected = quantity == "refined" ? FixtureModels.ChannelsLast(stored.Floats(), stored.Shape[1], stored.Shape[2] * stored.Shape[3]) : stored.Floats();
                comparison.Check(quantity, file, expected, actual, FixtureModels.Tolerance(fixture, "abs"), FixtureModels.Tolerance(fixture, "rel"));
            }
            comparison.Print();
        }
    }

    // Goal: the stride is an argument, not a state of the model. Method: features at stride 14 before and after a call at stride 7 are the same bits.
    [Fact]
    public void Extract_AfterReducedStride_GivesTheOrdinaryFeatures()
    {
        Fixture fixture = SharedData.Family("stride7")[0];
        using VisionTransformer backbone = FixtureModels.Backbone(fixture, "backbone.pth");
        using var model = new FeatureModel(backbone);
        var image = FixtureModels.Rgb(fixture, fixture.Files.First(file => file.EndsWith(".png", StringComparison.Ordinal)));
        PreparedImage ordinary = PreparedImage.From(image, InputGeometry.Native(image.Width, image.Height));
        float[] before = model.Extract([ordinary])[0].Values;
        model.Extract([PreparedImage.From(image, InputGeometry.Native(image.Width, image.Height, patchStride: 7))]);
        Assert.Equal(before, model.Extract([ordinary])[0].Values);
    }

    private static float[] Positions(VisionTransformer backbone, InputGeometry geometry)
    {
        using var scope = torch.NewDisposeScope();
        using var noGrad = torch.no_grad();
        Tensor table = backbone.named_parameters().Single(p => p.name == "pos_embed").parameter;
        Tensor resized = backbone.ResizedPositions(geometry.Rows, geometry.Columns, geometry.PatchStride);
        return torch.cat([table[0].narrow(0, 0, 1), resized]).contiguous().data<float>().ToArray();
    }

    private static float[] PreNorm(VisionTransformer backbone, Adapter adapter, PreparedImage image)
    {
        using var scope = torch.NewDisposeScope();
        using var noGrad = torch.no_grad();
        using var lora = new LoraWeights(adapter, backbone.Config, torch.CPU);
        Tensor pixels = torch.tensor(image.Planes, 1, 3, image.Geometry.InputHeight, image.Geometry.InputWidth);
        return backbone.Forward(pixels, image.Geometry.PatchStride, lora: lora.Blocks).contiguous().data<float>().ToArray();
    }
}
