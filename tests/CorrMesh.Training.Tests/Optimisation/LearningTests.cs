using CorrMesh.Training.Data;
using CorrMesh.Training.Optimisation;
using CorrMesh.Vision.Backbones;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace CorrMesh.Training.Tests.Optimisation;

public sealed class LearningTests
{
    // Goal: loss, gradients and optimizer together learn. Method: a one-block network takes ten steps on one and the same batch; its
    // loss must fall below that of guessing evenly among the tokens, ln T, by 0.1. A wrong sign or a detached gradient does not get there.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Step_SameBatchAgainAndAgain_LossFallsBelowGuessing(bool useMuon)
    {
        var recipe = new CompactRecipe { Depth = 1, PointCount = 32 };
        ViewBatch batch = ViewBatch.Build(recipe, new SceneSource(recipe), step: 1);
        torch.manual_seed(3);
        using var network = new VisionTransformer(recipe.Network);
        using (torch.no_grad())
        {
            foreach (var (name, parameter) in network.named_parameters())
            {
                if (name.EndsWith("weight", StringComparison.Ordinal) && parameter.dim() >= 2) parameter.normal_(0, 0.02);
            }
        }

        using var optimizer = new HybridOptimizer(network.named_parameters().Where(p => p.name != "mask_token"), useMuon);
        var losses = new List<float>();
        for (int step = 1; step <= 10; step++)
        {
            using var scope = torch.NewDisposeScope();
            Tensor pixels = torch.tensor(batch.Pixels, batch.ViewCount, 3, batch.Size, batch.Size);
            Tensor tokens = network.Normalise(network.Forward(pixels)).narrow(1, 1, batch.TokenCount);
            (Tensor loss, _) = CorrespondenceLoss.Compute(tokens, batch.Correspondences, recipe.Temperature);
            loss.backward();
            optimizer.Step(step, new UpdateSettings(3e-3, 0));
            losses.Add(loss.item<float>());
        }

        Assert.True(losses[^1] < Math.Log(batch.TokenCount) - 0.1, string.Join(", ", losses));
    }
}
