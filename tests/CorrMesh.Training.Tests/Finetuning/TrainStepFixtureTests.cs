using System.Text.Json;
using CorrMesh.TestKit;
using CorrMesh.Training.Finetuning;
using CorrMesh.Vision.Adapters;
using CorrMesh.Vision.Backbones;
using CorrMesh.Vision.Features;
using CorrMesh.Vision.Images;
using CorrMesh.Vision.Weights;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace CorrMesh.Training.Tests.Finetuning;

// Goal: a fine-tuning step is the paper's. Method: every train_step_* fixture from 8-bit pictures to parameters: positive pairs, descriptors, loss, every gradient before
// and after clipping, and parameters after 1, 2 and 5 steps at both learning rates, all computed by the paper's public code. Tolerances: the fixtures' own.
[Collection(TrainingRuns.Collection)]
public class TrainStepFixtureTests
{
    private const double LossTolerance = 2e-5, UnitTolerance = 1e-4;

    [Fact]
    public void Match_FixturePoints_GivesThePositivePairsInTheirOrder()
    {
        foreach (Case fixture in Cases())
        {
            long[] expected = fixture.Files.Array("pos_idxs.npy").Longs();
            long[] found = [.. fixture.Pairs.SourceIndices.Zip(fixture.Pairs.TargetIndices).SelectMany(pair => new[] { 0, pair.First, pair.Second })];
            Assert.Equal(expected, found);
        }
    }

    [Fact]
    public void Backward_FirstStep_DescriptorsLossAndEveryGradientMatch()
    {
        foreach (Case fixture in Cases())
        {
            var comparison = new ArrayComparison(fixture.Files.Name);
            using var scope = torch.NewDisposeScope();
            using VisionTransformer backbone = fixture.Backbone();
            using var tuner = new Finetuner(backbone, fixture.Recipe(1e-5), fixture.Start);
            (Tensor, InputGeometry) source = fixture.Trunk(tuner, 0), target = fixture.Trunk(tuner, 1);
            comparison.Check("desc_1", fixture.Files.Name, fixture.Files.Array("desc_1.npy").Floats(), Values(tuner.Descriptors(source.Item1, source.Item2, fixture.Pairs.Source)), UnitTolerance);
            comparison.Check("desc_2", fixture.Files.Name, fixture.Files.Array("desc_2.npy").Floats(), Values(tuner.Descriptors(target.Item1, target.Item2, fixture.Pairs.Target)), UnitTolerance);

            double loss = tuner.Backward(source, target, fixture.Pairs);
            Note(comparison, "loss", fixture.Expected("loss").GetDouble(), loss, LossTolerance);
            CompareGradients(comparison, fixture, tuner, "grads_raw");
            Note(comparison, "gradient norm", fixture.Expected("grad_norm").GetDouble(), tuner.Clip(), 2e-3);
            CompareGradients(comparison, fixture, tuner, "grads_clipped");
            comparison.Print();
        }
    }

    [Theory]
    [InlineData(1e-5, "1e-05", "losses_lr1e5")]
    [InlineData(1e-3, "0.001", "losses_lr1e3")]
    public void Update_FiveSteps_LossesAndParametersMatch(double rate, string file, string losses)
    {
        foreach (Case fixture in Cases())
        {
            var comparison = new ArrayComparison(fixture.Files.Name);
            using var scope = torch.NewDisposeScope();
            using VisionTransformer backbone = fixture.Backbone();
            using var tuner = new Finetuner(backbone, fixture.Recipe(rate), fixture.Start);
            (Tensor, InputGeometry) source = fixture.Trunk(tuner, 0), target = fixture.Trunk(tuner, 1);
            double[] expected = [.. fixture.Expected(losses).EnumerateArray().Select(value => value.GetDouble())];
            int compared = 0;
            for (int step = 1; step <= 6; step++)
            {
                Note(comparison, $"losses at {file}", expected[step - 1], tuner.Backward(source, target, fixture.Pairs), LossTolerance);
                if (step == 6) break;   // the fixture ends with the loss after the fifth step
                tuner.Clip();
                tuner.Update(step);
                string name = $"params_lr{file}_step{step}.npz";
                if (!fixture.Files.Has(name)) continue;
                CompareParameters(comparison, fixture, tuner, name, rate, step);
                compared++;
            }
            Assert.Equal(3, compared);
            comparison.Print();
        }
    }

    private static void CompareGradients(ArrayComparison comparison, Case fixture, Finetuner tuner, string file)
    {
        Dictionary<string, NpyArray> expected = NpyFile.ReadArchive(fixture.Files.PathOf(file + ".npz"));
        Assert.Equal(expected.Keys.Order(), tuner.Parameters.Select(p => Lightning(p.Name)).Order());
        foreach (var (name, parameter) in tuner.Parameters)
        {
            float[] gradient = expected[Lightning(name)].Floats();
            comparison.Check(file, Lightning(name), gradient, Values(parameter.grad!), 1e-3 * gradient.Max(Math.Abs) + 1e-6);
        }
    }

    private static void CompareParameters(ArrayComparison comparison, Case fixture, Finetuner tuner, string file, double rate, int step)
    {
        Dictionary<string, NpyArray> stored = NpyFile.ReadArchive(fixture.Files.PathOf(file));
        double[] errors = [.. tuner.Parameters.SelectMany(p => Values(p.Parameter).Zip(stored[Lightning(p.Name)].Floats(), (ours, theirs) => Math.Abs((double)ours - theirs))).Order()];
        double moved = rate * step;
        Assert.True(errors[(int)(0.999 * errors.Length)] <= 0.05 * moved, $"{file}: 99.9 % of the elements are within {errors[(int)(0.999 * errors.Length)]}, 5 % of {moved} needed");
        Assert.True(errors[^1] <= 2.1 * moved, $"{file}: the worst element is {errors[^1]} off, 2.1 of {moved} allowed");
        comparison.Note(file, fixture.Files.Name, errors[^1], errors[(int)(0.999 * errors.Length)] / (0.05 * moved));
    }

    private static void Note(ArrayComparison comparison, string quantity, double expected, double actual, double tolerance)
    {
        Assert.Equal(expected, actual, tolerance);
        comparison.Note(quantity, "", Math.Abs(expected - actual), Math.Abs(expected - actual) / tolerance);
    }

    private static float[] Values(Tensor tensor) => tensor.detach().contiguous().data<float>().ToArray();

    // "lora.2.v.a" is "w_a_005": per block first q, then v.
    private static string Lightning(string name)
    {
        string[] parts = name.Split('.');
        return parts[0] == "refine" ? $"refine_conv.{parts[2]}" : $"w_{parts[3]}_{2 * int.Parse(parts[1]) + (parts[2] == "q" ? 0 : 1):000}";
    }

    private static IEnumerable<Case> Cases() => SharedData.Family("train_step_").Select(files => new Case(files));

    private sealed class Case
    {
        private readonly PreparedImage[] images;

        public Case(Fixture files)
        {
            Files = files;
            images = [.. new[] { "img_1.png", "img_2.png" }.Select(files.Image).Select(png =>
                PreparedImage.From(new RgbImage(png.Width, png.Height, png.Pixels), InputGeometry.ForTargetResolution(png.Width, png.Height, files.Config("target_res", 0))))];
            Pairs = PointPairs.Match(Points(1), Points(2));
            Start = ReadStart();
        }

        public Fixture Files { get; }

        public PointPairs Pairs { get; }

        public Adapter Start { get; }

        public JsonElement Expected(string key) => Files.Meta.GetProperty("expected").GetProperty(key);

        public VisionTransformer Backbone() => BackboneFile.Load(Files.PathOf("backbone.pth"), Files.Config("num_heads", 0));

        public FinetuneRecipe Recipe(double rate) => new() { LearningRate = rate, LoraRank = Files.Config("lora_r", 0), Tokens = Files.Config("target_res", 0) / 8 };

        public (Tensor, InputGeometry) Trunk(Finetuner tuner, int view) => (tuner.Trunk(images[view]), images[view].Geometry);

        private ViewPoints Points(int view)
        {
            InputGeometry geometry = images[view - 1].Geometry;
            return ViewPoints.Create(Files.Array($"pts2d_{view}.npy").Floats(), Files.Array($"pts3d_{view}.npy").Floats(), geometry.X, geometry.Y);
        }

        private Adapter ReadStart()
        {
            Dictionary<string, NpyArray> arrays = NpyFile.ReadArchive(Files.PathOf("params_init.npz"));
            int rank = Files.Config("lora_r", 0), blocks = arrays.Keys.Count(key => key.StartsWith("w_a_", StringComparison.Ordinal)) / 2;
            return new Adapter(Files.Config("embed_dim", 0), rank,
                [.. Enumerable.Range(0, blocks).Select(i => new LoraBlock(Floats($"w_a_{2 * i:000}"), Floats($"w_b_{2 * i:000}"), Floats($"w_a_{2 * i + 1:000}"), Floats($"w_b_{2 * i + 1:000}")))],
                [new RefineLayer(Floats("refine_conv.weight"), Floats("refine_conv.bias"))]);

            float[] Floats(string name) => arrays[name].Floats();
        }
    }
}
