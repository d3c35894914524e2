using CorrMesh.Vision.Backbones;
using TorchSharp;
using Xunit;

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
