using CorrMesh.Vision.Backbones;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace CorrMesh.Vision.Tests.Backbones;

/// <summary>The route is one switch for the process, so nothing else may compute while it is turned.</summary>
[CollectionDefinition(nameof(FastLinearTests), DisableParallelization = true)]
public sealed class FastLinearCollection;

[Collection(nameof(FastLinearTests))]
public class FastLinearTests
{
    // Goal: machines with and without AVX-512 get the same features. Method: a whole network by either route. Tolerance: 2e-5 on values of order 1, room for
    // sums in another order through four blocks.
    [Fact]
    public void Forward_EitherRoute_GivesTheSameTokens()
    {
        bool chosen = FastLinear.UseConvolution;
        try
        {
            float[][] tokens = [.. new[] { true, false }.Select(Tokens)];
            Assert.NotEqual(0, tokens[0].Sum(Math.Abs));
            for (int i = 0; i < tokens[0].Length; i++) Assert.Equal(tokens[0][i], tokens[1][i], 2e-5f);
        }
        finally
        {
            FastLinear.UseConvolution = chosen;
        }
    }

    // Goal: mixed precision computes the same network, and its gradients. Method: tokens and the gradient of the first block's qkv in both precisions. Tolerance: cosine 0.999 for tokens and
    // 0.99 for the gradient; bfloat16 keeps 8 bits.
    [Fact]
    public void Forward_InBFloat16_GivesTheSameTokensAndGradients()
    {
        (float[] Tokens, float[] Gradient) exact = Run(ScalarType.Float32), mixed = Run(ScalarType.BFloat16);
        Assert.NotEqual(exact.Tokens, mixed.Tokens);
        Assert.InRange(Cosine(exact.Tokens, mixed.Tokens), 0.999, 1.0001);
        Assert.InRange(Cosine(exact.Gradient, mixed.Gradient), 0.99, 1.0001);

        static (float[], float[]) Run(ScalarType products)
        {
            using var scope = torch.NewDisposeScope();
            using VisionTransformer backbone = TinyModel.Create(TinyModel.Plain);
            backbone.Products = products;
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

    private static float[] Tokens(bool useConvolution)
    {
        FastLinear.UseConvolution = useConvolution;
        using var scope = torch.NewDisposeScope();
        using var noGrad = torch.no_grad();
        using VisionTransformer backbone = TinyModel.Create(TinyModel.Gated);
        var pixels = torch.tensor(TinyModel.Values("pixels", 2 * 3 * 70 * 98, 0, 2), 2, 3, 70, 98);
        return backbone.Normalise(backbone.Forward(pixels)).data<float>().ToArray();
    }
}
