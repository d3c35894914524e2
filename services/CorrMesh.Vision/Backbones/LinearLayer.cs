using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace CorrMesh.Vision.Backbones;

/// <summary>A linear layer that computes in its input's type, whatever its parameters are kept in.</summary>
public sealed class LinearLayer : nn.Module<Tensor, Tensor>
{
    private readonly Parameter weight;
    private readonly Parameter? bias;

    /// <param name="inputs">Input channels.</param>
    /// <param name="outputs">Output channels.</param>
    /// <param name="hasBias">Whether a bias is added.</param>
    public LinearLayer(long inputs, long outputs, bool hasBias) : base(nameof(LinearLayer))
    {
        weight = new Parameter(torch.zeros(outputs, inputs));
        register_parameter("weight", weight);
        if (!hasBias) return;
        bias = new Parameter(torch.zeros(outputs));
        register_parameter("bias", bias);
    }

    /// <param name="input">[B, N, inputs].</param>
    /// <returns>[B, N, outputs], of the input's type.</returns>
    public override Tensor forward(Tensor input) => input.dtype == weight.dtype
        ? nn.functional.linear(input, weight, bias)
        : nn.functional.linear(input, weight.to(input.dtype), bias?.to(input.dtype));
}
