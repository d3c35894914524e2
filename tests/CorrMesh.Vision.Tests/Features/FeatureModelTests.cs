using CorrMesh.Vision.Adapters;
using CorrMesh.Vision.Backbones;
using CorrMesh.Vision.Features;
using TorchSharp;
using Xunit;

namespace CorrMesh.Vision.Tests.Features;

public class FeatureModelTests
{
    // Goal: a batch gives the answers of single calls, in order. Method: five pictures of three sizes that share one input size. Tolerance: 1e-5 on values of order 1.
    [Fact]
    public void Extract_Batch_GivesTheAnswersOfSingleCalls()
    {
        using VisionTransformer backbone = TinyModel.Create(TinyModel.Gated);
        using var model = new FeatureModel(backbone, TinyModel.CreateAdapter(24, 2, 1));
        PreparedImage[] images = [.. new[] { (64, 48), (128, 96), (64, 48), (80, 60), (64, 48) }.Select((size, i) => Prepare(size.Item1, size.Item2, 8, phase: i))];
        FeatureMap[] together = model.Extract(images);
        for (int i = 0; i < images.Length; i++)
        {
            FeatureMap alone = model.Extract([images[i]])[0];
            Assert.Equal((alone.ImageWidth, alone.X, alone.Y), (together[i].ImageWidth, together[i].X, together[i].Y));
            for (int k = 0; k < alone.Values.Length; k++) Assert.Equal(alone.Values[k], together[i].Values[k], 1e-5f);
        }
        Assert.NotEqual(together[0].Values, together[2].Values);
    }

    [Fact]
    public void Extract_NobodyWaitsAnyMore_EndsBeforeTheNextBlock()
    {
        using VisionTransformer backbone = TinyModel.Create(TinyModel.Plain);
        using var model = new FeatureModel(backbone);
        Assert.Throws<OperationCanceledException>(() => model.Extract([Prepare(64, 48, 8)], cancellation: new CancellationToken(canceled: true)));
    }

    // Goal: blocks before the first adapted one are shared. Method: bare trunk to that block, then the adapted rest, against the adapted whole. Tolerance: equal bits.
    [Fact]
    public void RunBlocks_TrunkThenAdaptedRest_EqualsTheAdaptedWhole()
    {
        using VisionTransformer backbone = TinyModel.Create(TinyModel.Plain);
        using var scope = torch.NewDisposeScope();
        using var noGrad = torch.no_grad();
        using var lora = new LoraWeights(TinyModel.CreateAdapter(24, 2, 1), backbone.Config, torch.CPU);
        Assert.Equal(2, lora.FirstAdaptedBlock);
        PreparedImage image = Prepare(64, 48, 8);
        var pixels = torch.tensor(image.Planes, 1, 3, image.Geometry.InputHeight, image.Geometry.InputWidth);
        var trunk = backbone.RunBlocks(backbone.Embed(pixels), 0, lora.FirstAdaptedBlock);
        var rest = backbone.RunBlocks(trunk, lora.FirstAdaptedBlock, backbone.Config.Depth, lora.Blocks);
        Assert.Equal(backbone.Forward(pixels, lora: lora.Blocks).data<float>().ToArray(), rest.data<float>().ToArray());
        Assert.NotEqual(backbone.Forward(pixels).data<float>().ToArray(), rest.data<float>().ToArray());
    }

    [Fact]
    public void Extract_ManyCalls_LeavesNoTensorBehind()
    {
        using VisionTransformer backbone = TinyModel.Create(TinyModel.Plain);
        using var model = new FeatureModel(backbone, TinyModel.CreateAdapter(24, 2, 1));
        PreparedImage image = Prepare(64, 48, 8);
        model.Extract([image]);
        long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        for (int i = 0; i < 5; i++) model.Extract([image, image], FeatureStage.PreNorm);
        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    [Fact]
    public void Dispose_Model_FreesTheAdapterAndKeepsTheBackbone()
    {
        using VisionTransformer backbone = TinyModel.Create(TinyModel.Plain);
        PreparedImage image = Prepare(64, 48, 8);
        using var bare = new FeatureModel(backbone);
        float[] expected = bare.Extract([image])[0].Values;
        long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        var adapted = new FeatureModel(backbone, TinyModel.CreateAdapter(24, 2, 1));
        Assert.True(DisposeScopeManager.Statistics.ThreadTotalLiveCount > before);
        adapted.Dispose();
        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
        Assert.Equal(expected, bare.Extract([image])[0].Values);
    }

    [Fact]
    public void Extract_NoneOrDifferentInputs_IsRefused()
    {
        using VisionTransformer backbone = TinyModel.Create(TinyModel.Plain);
        using var model = new FeatureModel(backbone);
        Assert.Throws<ArgumentException>(() => model.Extract([]));
        Assert.Contains("one input size", Assert.Throws<ArgumentException>(() => model.Extract([Prepare(64, 48, 8), Prepare(48, 64, 8)])).Message, StringComparison.Ordinal);
        InputGeometry sixteen = InputGeometry.ForTokens(64, 48, 8, patchSize: 16);
        Assert.Throws<ArgumentException>(() => model.Extract([PreparedImage.From(TinyModel.Picture(64, 48), sixteen)]));
    }

    [Fact]
    public void Constructor_AdapterOfAnotherWidthOrDepth_IsRefused()
    {
        using VisionTransformer backbone = TinyModel.Create(TinyModel.Plain);
        Assert.Throws<ArgumentException>(() => new FeatureModel(backbone, TinyModel.CreateAdapter(18, 2, 1)));
        Assert.Throws<ArgumentException>(() => new FeatureModel(backbone, TinyModel.CreateAdapter(24, 5, 1)));
    }

    [Fact]
    public void From_GeometryOfAnotherImage_IsRefused() =>
        Assert.Throws<ArgumentException>(() => PreparedImage.From(TinyModel.Picture(64, 48), InputGeometry.ForTokens(48, 64, 8)));

    private static PreparedImage Prepare(int width, int height, int tokens, int phase = 0) =>
        PreparedImage.From(TinyModel.Picture(width, height, phase), InputGeometry.ForTokens(width, height, tokens));
}
