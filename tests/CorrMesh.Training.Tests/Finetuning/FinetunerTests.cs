using CorrMesh.Training.Finetuning;
using CorrMesh.Vision.Adapters;
using CorrMesh.Vision.Backbones;
using CorrMesh.Vision.Features;
using CorrMesh.Vision.Images;
using CorrMesh.Vision.Tests;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace CorrMesh.Training.Tests.Finetuning;

[Collection(TrainingRuns.Collection)]
public sealed class FinetunerTests : IDisposable
{
    private static readonly FinetuneRecipe Small = new() { Tokens = 8, LoraBlocks = 2, Keypoints = 300, LearningRate = 1e-3 };

    private readonly string folder = Directory.CreateTempSubdirectory("corrmesh-finetuner-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    // Goal: every trained parameter has the gradient of the loss. Method: each tensor moved forth and back along its own gradient; the loss must change by the gradient's
    // norm. Adapter with generic values (at the initial ones A has no gradient), network in float32. Tolerance: 3 %, rounding of a loss over steps of a hundredth of it.
    [Theory]
    [InlineData(FinetuneLoss.Contrastive, 1)]
    [InlineData(FinetuneLoss.Procrustes, 1)]
    [InlineData(FinetuneLoss.Contrastive, 3)]
    public void Backward_EachParameter_HasTheSlopeOfTheLoss(FinetuneLoss loss, int convolutions)
    {
        using VisionTransformer backbone = TinyModel.Create(TinyModel.Plain);
        using var tuner = new Finetuner(backbone, Small with { Loss = loss, ConvLayers = convolutions }, TinyModel.CreateAdapter(24, 2, convolutions));
        ViewPair pair = Pair();
        Backward(tuner, pair);
        foreach (var (name, parameter) in tuner.Parameters)
        {
            using var scope = torch.NewDisposeScope();
            Tensor direction = parameter.grad!.clone();
            double norm = direction.norm().ToDouble();
            Assert.True(norm > 1e-5, $"{name}: gradient {norm}");
            // The step changes the loss by about a hundredth, but moves no tensor by more than a few per cent.
            double reach = Math.Min(0.01 / norm, 0.03 * parameter.norm().ToDouble());
            double Moved(double by)
            {
                using (torch.no_grad()) parameter.add_(direction, alpha: by / norm);
                return Backward(tuner, pair);
            }

            double slope = (Moved(reach) - Moved(-2 * reach)) / (2 * reach);
            Moved(reach);
            Assert.True(Math.Abs(slope - norm) <= 0.03 * norm, $"{name}: gradient {norm}, slope {slope}");
        }
    }

    // Goal: frozen parts cost no memory of autograd and do not change. Method: after steps, no parameter of the backbone has a gradient or another value; what the trunk gives is
    // not recorded, what comes after it is.
    [Fact]
    public void Update_SeveralSteps_OnlyTheAdapterMoves()
    {
        using VisionTransformer backbone = TinyModel.Create(TinyModel.Plain), untouched = TinyModel.Create(TinyModel.Plain);
        using var tuner = new Finetuner(backbone, Small);
        float[][] start = [.. tuner.Parameters.Select(p => Values(p.Parameter))];
        ViewPair pair = Pair();
        for (int step = 1; step <= 3; step++)
        {
            Backward(tuner, pair);
            tuner.Clip();
            tuner.Update(step);
        }
        foreach (var ((name, before), (_, after)) in untouched.named_parameters().Zip(backbone.named_parameters()))
        {
            Assert.Null(after.grad);
            Assert.False(after.requires_grad, name);
            Assert.Equal(Values(before), Values(after));
        }
        Assert.All(tuner.Parameters.Zip(start), p => Assert.NotEqual(p.Second, Values(p.First.Parameter)));
        using var scope = torch.NewDisposeScope();
        Tensor trunk = tuner.Trunk(pair.Source.Image!);
        Assert.False(trunk.requires_grad);
        Assert.Equal(Values(backbone.RunBlocks(backbone.Embed(Pixels(pair.Source.Image!)), 0, 2)), Values(trunk));
        Assert.True(tuner.Descriptors(trunk, pair.Source.Geometry, pair.Points.Source).requires_grad);
    }

    // Goal: the service computes what training trained. Method: a few steps, export, load the file as the service does, sample at the same points. Tolerance: 1e-4 on unit
    // vectors, the house's; several shapes of adapter.
    [Theory]
    [InlineData(0, 2)]
    [InlineData(1, 2)]
    [InlineData(2, 0)]
    [InlineData(3, 4)]
    public void Write_TrainedAdapter_ServedFeaturesEqualTheTrained(int convolutions, int blocks)
    {
        FinetuneRecipe recipe = Small with { ConvLayers = convolutions, LoraBlocks = blocks };
        using VisionTransformer backbone = TinyModel.Create(TinyModel.Plain);
        using var tuner = new Finetuner(backbone, recipe);
        ViewPair pair = Pair();
        for (int step = 1; step <= 3; step++)
        {
            Backward(tuner, pair);
            tuner.Clip();
            tuner.Update(step);
        }
        using var scope = torch.NewDisposeScope();
        float[] trained = Values(tuner.Descriptors(tuner.Trunk(pair.Source.Image!), pair.Source.Geometry, pair.Points.Source));
        string path = Path.Combine(folder, "adapter.safetensors");
        FinetuneExport.Write(path, tuner.ToAdapter(), recipe, "sha256:00", 3);

        Adapter loaded = AdapterFile.Read(path);
        Assert.Equal((blocks, convolutions), (loaded.Blocks.Count, loaded.Refine.Count));
        using var model = new FeatureModel(backbone, loaded);
        FeatureMap map = model.Extract([pair.Source.Image!])[0];
        float[] served = Served(map, pair.Source, pair.Points.Source.Count);
        Assert.Equal(trained.Length, served.Length);
        double worst = trained.Zip(served, (a, b) => Math.Abs((double)a - b)).Max();
        Assert.True(worst <= 1e-4, $"largest difference {worst}");
    }

    // Goal: untrained LoRA adds nothing, as B is zero; only the convolutions' random start changes features. Method: features under zero-step adapters, bit by bit, against
    // the bare backbone, and against an adapter of the same convolution alone.
    [Fact]
    public void Create_ZeroSteps_LoraIsTheIdentity()
    {
        using VisionTransformer backbone = TinyModel.Create(TinyModel.Plain);
        PreparedImage image = Pair().Source.Image!;
        using var bare = new FeatureModel(backbone);
        Adapter withConv = AdapterInitialisation.Create(Small, 24);
        Assert.Equal(Features(null), Features(AdapterInitialisation.Create(Small with { ConvLayers = 0 }, 24)));
        Assert.Equal(Features(new Adapter(24, 0, [], withConv.Refine)), Features(withConv));
        Assert.NotEqual(Features(null), Features(withConv));

        float[] Features(Adapter? adapter)
        {
            using var model = new FeatureModel(backbone, adapter);
            return model.Extract([image])[0].Values;
        }
    }

    // Goal: initial values are the public code's: uniform in ±1/sqrt(fan in), B zero. Method: bounds are kept and nearly reached, the mean is near zero, another seed differs.
    [Fact]
    public void Create_InitialValues_AreUniformWithinThePapersBounds()
    {
        Adapter adapter = AdapterInitialisation.Create(new FinetuneRecipe(), 48);
        Assert.Equal((4, 4, 1), (adapter.Blocks.Count, adapter.Rank, adapter.Refine.Count));
        foreach (LoraBlock block in adapter.Blocks)
        {
            RequireUniform(block.QueryA, 1 / Math.Sqrt(48));
            RequireUniform(block.ValueA, 1 / Math.Sqrt(48));
            Assert.All(block.QueryB.Concat(block.ValueB), value => Assert.Equal(0, value));
        }
        RequireUniform(adapter.Refine[0].Weight, 1 / Math.Sqrt(9 * 48));
        Assert.All(adapter.Refine[0].Bias, value => Assert.InRange(value, -1 / Math.Sqrt(9 * 48), 1 / Math.Sqrt(9 * 48)));
        Assert.NotEqual(adapter.Blocks[0].QueryA, AdapterInitialisation.Create(new FinetuneRecipe { Seed = 43 }, 48).Blocks[0].QueryA);

        static void RequireUniform(float[] values, double bound)
        {
            Assert.InRange(values.Max(), 0.9 * bound, bound);
            Assert.InRange(values.Min(), -bound, -0.9 * bound);
            Assert.InRange(values.Average(), -4 * bound / Math.Sqrt(3.0 * values.Length), 4 * bound / Math.Sqrt(3.0 * values.Length));   // four standard deviations
        }
    }

    // Goal: each loss can be learnt. Method: 40 steps on one pair from the initial values; the loss falls by a tenth at least. A wrong sign or a detached part does not get there.
    [Theory]
    [InlineData(FinetuneLoss.SmoothAp)]
    [InlineData(FinetuneLoss.Contrastive)]
    [InlineData(FinetuneLoss.Procrustes)]
    public void Update_OnePairAgainAndAgain_LossFalls(FinetuneLoss loss)
    {
        using VisionTransformer backbone = TinyModel.Create(TinyModel.Plain);
        using var tuner = new Finetuner(backbone, Small with { Loss = loss });
        ViewPair pair = Pair();
        double first = Backward(tuner, pair), last = first;
        for (int step = 1; step <= 40; step++)
        {
            tuner.Clip();
            tuner.Update(step);
            last = Backward(tuner, pair);
        }
        Assert.True(last < 0.9 * first, $"from {first} to {last}");
    }

    private static double Backward(Finetuner tuner, ViewPair pair)
    {
        foreach (var (_, parameter) in tuner.Parameters) parameter.grad?.zero_();
        using var scope = torch.NewDisposeScope();
        return tuner.Backward((tuner.Trunk(pair.Source.Image!), pair.Source.Geometry), (tuner.Trunk(pair.Target.Image!), pair.Target.Geometry), pair.Points);
    }

    private static ViewPair Pair()
    {
        using var cache = new ViewCache(0);
        return new PairSource(Small with { Augment = false }, new PanningViews(), cache, 14).Build(0);
    }

    // Which of the view's pixels were drawn is in the object coordinates alone; the square's first two are the pixel's place in it.
    private static float[] Served(FeatureMap map, PreparedView view, int count)
    {
        using var cache = new ViewCache(0);
        ViewPoints points = Pair().Points.Source;
        Assert.Equal(count, points.Count);
        float left = view.Points[0] - 0.5f, top = view.Points[1] - 0.5f;
        float[] places = [.. Enumerable.Range(0, count).SelectMany(i => new[] { points.ObjectPoints[3 * i] * 56 + left, points.ObjectPoints[3 * i + 1] * 56 + top })];
        return KeypointSampler.Sample(map, places, normalise: true);
    }

    private static Tensor Pixels(PreparedImage image) => torch.tensor(image.Planes, 1, 3, image.Geometry.InputHeight, image.Geometry.InputWidth);

    private static float[] Values(Tensor tensor) => tensor.detach().contiguous().data<float>().ToArray();
}
