using CorrMesh.Vision.Backbones;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace CorrMesh.Vision.Tests.Backbones;

public class MixedPrecisionTests
{
    // Goal: mixed precision computes the same network, and its gradients. Method: tokens and the gradient of the first block's qkv in both precisions. Tolerance: cosine 0.999 for tokens and
    // 0.99 for the gradient; bfloat16 keeps 8 bits.
    [Fact]
    public void Forward_InBFloat16_GivesTheSameTokensAndGradients()
    {
        (float[] Tokens, float[] Gradient) exact = Run(ScalarType.Float32), mixed = Run(ScalarType.BFloat16);
        Assert.NotEqual(exact.Tokens, mixed.Tokens);
        Assert.InRange(Cosine(exact.Tokens, mixed.Tokens), 0.999, 1.0001);
        Assert.InRange(Cosine(exact.Gradient, mixed.Gradient), 0.99, 1.0001);

        static (float[], float[]) Run(ScalarType computeType)
        {
            using var scope = torch.NewDisposeScope();
            using VisionTransformer backbone = TinyModel.Create(TinyModel.Plain);
            backbone.ComputeType = computeType;
            Tensor tokens = backbone.Normalise(backbone.Forward(torch.tensor(TinyModel.Values("pixels", 2 * 3 * 70 * 98, 0, 2), 2, 3, 70, 98)));
            (tokens * torch.tensor(TinyModel.Values("weights", (int)tokens.numel(), 0, 1)).reshape(tokens.shape)).sum().backward();
            Tensor gradient = backbone.named_parameters().Single(p => p.name == "blocks.0.attn.qkv.weight").parameter.grad!;
            Assert.Equal((ScalarType.Float32, ScalarType.Float32), (tokens.dtype, gradient.dtype));
            return (tokens.detach().data<float>().ToArray(), gradient.data<float>().ToArray());
        }

        static double Cosine(float[] a, float[] b)
        {
            double aa = a.Sum(v => (double)v * v), bb = b.Sum(v => (double)v * v), ab = a.Zip(b).Sum(p => (double)p.First * p.Second);
            return ab / Math.Sqrt(aa * bb);
        }
    }

    // Goal: every shape that a backbone's layers may have gives the product. Method: layers of many sizes against sums in double precision. Tolerance: 1e-4 of values of order 10; a faster
    // route that was used once failed this by 60 for 512 outputs on one kind of processor.
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void LinearLayer_ManyShapes_GivesTheProduct(int threads)
    {
        int before = torch.get_num_threads();
        torch.set_num_threads(threads);
        try
        {
            foreach (int rows in new[] { 36, 181, 785 })
                foreach (int inputs in new[] { 40, 192, 384 })
                    foreach (int outputs in new[] { 40, 120, 160, 192, 512, 576, 768 })
                    {
                        using var scope = torch.NewDisposeScope();
                        using var noGrad = torch.no_grad();
                        using var layer = new LinearLayer(inputs, outputs, hasBias: false);
                        Tensor weight = torch.tensor(TinyModel.Values("weight", outputs * inputs, 0, 1), outputs, inputs), input = torch.tensor(TinyModel.Values("input", rows * inputs, 0, 1), 1, rows, inputs);
                        layer.named_parameters().Single().parameter.copy_(weight);
                        Tensor exact = input.to(ScalarType.Float64).matmul(weight.to(ScalarType.Float64).t());
                        Assert.True((layer.forward(input) - exact).abs().max().item<double>() < 1e-4, $"{rows} x {inputs} -> {outputs}");
                    }
        }
        finally
        {
            torch.set_num_threads(before);
        }
    }
}
