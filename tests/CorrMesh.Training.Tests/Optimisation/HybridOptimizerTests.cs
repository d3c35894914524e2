using CorrMesh.Training.Optimisation;
using TorchSharp;
using TorchSharp.Modules;
using Xunit;
using static TorchSharp.torch;

namespace CorrMesh.Training.Tests.Optimisation;

public sealed class HybridOptimizerTests
{
    // Goal: the iteration gives nearly orthonormal rows. Method: singular values of the result for random matrices of several shapes.
    // Tolerance: the quintic's own band, 0.6 to 1.3 (Jordan 2024 states about 0.7 to 1.2).
    [Theory]
    [InlineData(8, 8, ScalarType.Float32)]
    [InlineData(12, 48, ScalarType.Float32)]
    [InlineData(8, 8, ScalarType.BFloat16)]
    [InlineData(12, 48, ScalarType.BFloat16)]
    public void Orthogonalise_RandomMatrices_SingularValuesNearOne(int rows, int columns, ScalarType computeType)
    {
        using var scope = torch.NewDisposeScope();
        torch.manual_seed(3);
        Tensor values = torch.linalg.svdvals(HybridOptimizer.Orthogonalise(torch.randn(2, rows, columns), computeType));
        Assert.InRange(values.min().item<float>(), 0.3f, 1.3f);
        Assert.InRange(values.max().item<float>(), 0.6f, 1.3f);
    }

    // Goal: without Muon this is AdamW. Method: five steps on one vector and one weight matrix beside the library's AdamW with the same
    // constants (the vector without decay). Tolerance: 1e-6, a few float32 roundings.
    [Fact]
    public void Step_WithoutMuon_EqualsAdamW()
    {
        using var scope = torch.NewDisposeScope();
        torch.manual_seed(5);
        Tensor startMatrix = torch.randn(4, 6), startVector = torch.randn(6), goal = torch.randn(4, 6);
        var (matrix, vector) = (new Parameter(startMatrix.clone()), new Parameter(startVector.clone()));
        var (matrix2, vector2) = (new Parameter(startMatrix.clone()), new Parameter(startVector.clone()));
        using var ours = new HybridOptimizer([("blocks.0.mlp.fc1.weight", matrix), ("norm.bias", vector)], useMuon: false);
        using var decayed = torch.optim.AdamW([matrix2], lr: 1e-2, beta1: 0.9, beta2: 0.99, eps: 1e-8, weight_decay: 0.1);
        using var plain = torch.optim.AdamW([vector2], lr: 1e-2, beta1: 0.9, beta2: 0.99, eps: 1e-8, weight_decay: 0);
        for (int step = 1; step <= 5; step++)
        {
            (matrix * vector - goal).square().sum().backward();
            ours.Step(step, new UpdateSettings(1e-2, 0.1));
            decayed.zero_grad();
            plain.zero_grad();
            (matrix2 * vector2 - goal).square().sum().backward();
            decayed.step();
            plain.step();
        }

        Assert.True((matrix - matrix2).abs().max().item<float>() < 1e-6f);
        Assert.True((vector - vector2).abs().max().item<float>() < 1e-6f);
    }

    // Goal: a qkv matrix moves as three matrices. Method: each third's update has singular values of the same band, scaled by rate.
    [Fact]
    public void Step_QkvMatrix_EachThirdIsOrthogonalised()
    {
        using var scope = torch.NewDisposeScope();
        torch.manual_seed(9);
        var weight = new Parameter(torch.zeros(12, 4));
        using var optimizer = new HybridOptimizer([("blocks.0.attn.qkv.weight", weight)]);
        (weight * torch.randn(12, 4)).sum().backward();
        optimizer.Step(1, new UpdateSettings(1, 0));
        foreach (Tensor part in weight.chunk(3))
        {
            Tensor values = torch.linalg.svdvals(part) / (0.2 * Math.Sqrt(4));
            Assert.InRange(values.max().item<float>(), 0.6f, 1.3f);
        }
    }
}
