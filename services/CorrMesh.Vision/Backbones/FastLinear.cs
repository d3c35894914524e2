using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace CorrMesh.Vision.Backbones;

/// <summary>A linear layer; a faster route to the same sums is there for measurements, and off.</summary>
/// <remarks>
/// On processors with AVX-512, libtorch's float32 <c>linear</c> goes to a library that leaves half of an AMD machine unused, while the same product as a
/// 1 x 1 convolution goes to one that does not. That one gives wrong sums for some shapes (512 outputs among them), so it is not used. See services/decisions/0004.
/// An input in bfloat16 gives an output in bfloat16, whatever the parameters are kept in.
/// </remarks>
public sealed class FastLinear : nn.Module<Tensor, Tensor>
{
    private readonly Parameter weight;
    private readonly Parameter? bias;

    /// <param name="inputs">Input channels.</param>
    /// <param name="outputs">Output channels.</param>
    /// <param name="hasBias">Whether a bias is added.</param>
    public FastLinear(long inputs, long outputs, bool hasBias) : base(nameof(FastLinear))
    {
        weight = new Parameter(torch.zeros(outputs, inputs));
        register_parameter("weight", weight);
        if (!hasBias) return;
        bias = new Parameter(torch.zeros(outputs));
        register_parameter("bias", bias);
    }

    /// <summary>Whether products run as convolutions; for measurements alone.</summary>
    public static bool UseConvolution { get; set; }

    /// <param name="input">[B, N, inputs], contiguous.</param>
    /// <returns>[B, N, outputs], contiguous, of the input's type.</returns>
    public override Tensor forward(Tensor input)
    {
        if (input.dtype != weight.dtype) return nn.functional.linear(input, weight.to(input.dtype), bias?.to(input.dtype));
        if (!UseConvolution || input.device_type != DeviceType.CPU) return nn.functional.linear(input, weight, bias);
        long batch = input.shape[0], tokens = input.shape[1], inputs = weight.shape[1], outputs = weight.shape[0];
        Tensor image = input.reshape(1, batch * tokens, 1, inputs).permute(0, 3, 1, 2);          // [1, inputs, B * N, 1], channels last in memory
        Tensor product = nn.functional.conv2d(image, weight.view(outputs, inputs, 1, 1), bias);
        return product.permute(0, 2, 3, 1).reshape(batch, tokens, outputs);
    }
}
