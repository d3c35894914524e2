using CorrMesh.Vision.Execution;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace CorrMesh.Vision.Backbones;

/// <summary>Low-rank additions to the q and v rows of one block's qkv layer (Hu et al. 2022), without a scaling factor.</summary>
/// <param name="QueryA">[r, D].</param>
/// <param name="QueryB">[D, r].</param>
/// <param name="ValueA">[r, D].</param>
/// <param name="ValueB">[D, r].</param>
public sealed record BlockLora(Tensor QueryA, Tensor QueryB, Tensor ValueA, Tensor ValueB);

/// <summary>x + ls1 * attention(norm1 x), then x + ls2 * feedForward(norm2 x).</summary>
internal sealed class TransformerBlock : nn.Module
{
    private readonly int heads;
    private readonly TokenNorm norm1, norm2;
    private readonly LinearLayer qkv, proj;
    private readonly LinearLayer enter, leave;
    private readonly FeedForwardKind feedForward;
    private readonly LayerScale? ls1, ls2;

    public TransformerBlock(VisionTransformerConfig config) : base(nameof(TransformerBlock))
    {
        heads = config.Heads;
        feedForward = config.FeedForward;
        int width = config.Width;
        register_module("norm1", norm1 = new TokenNorm(width));
        qkv = new LinearLayer(width, 3 * width, config.HasQkvBias);
        proj = new LinearLayer(width, width, hasBias: true);
        register_module("attn", new Group(("qkv", qkv), ("proj", proj)));
        register_module("norm2", norm2 = new TokenNorm(width));
        bool gated = feedForward == FeedForwardKind.SwiGlu;
        enter = new LinearLayer(width, gated ? 2 * config.HiddenWidth : config.HiddenWidth, hasBias: true);
        leave = new LinearLayer(config.HiddenWidth, width, hasBias: true);
        register_module("mlp", new Group((gated ? "w12" : "fc1", enter), (gated ? "w3" : "fc2", leave)));
        if (!config.HasLayerScale) return;
        register_module("ls1", ls1 = new LayerScale(width));
        register_module("ls2", ls2 = new LayerScale(width));
    }

    /// <param name="tokens">[B, N, D].</param>
    /// <param name="lora">Additions to q and v, or null; computed in float32 alone.</param>
    /// <param name="computeType">Of attention and feed-forward; norms and the sum of the residuals stay in the tokens' own.</param>
    public Tensor Forward(Tensor tokens, BlockLora? lora, ScalarType computeType)
    {
        Tensor attended = Attention(norm1.forward(tokens).to_type(computeType), lora).to_type(tokens.dtype);
        tokens = tokens.Plus(ls1 is null ? attended : ls1.forward(attended));
        Tensor fed = FeedForward(norm2.forward(tokens).to_type(computeType)).to_type(tokens.dtype);
        return tokens.Plus(ls2 is null ? fed : ls2.forward(fed));
    }

    private Tensor Attention(Tensor x, BlockLora? lora)
    {
        long batch = x.shape[0], count = x.shape[1], width = x.shape[2];
        Tensor projected = qkv.forward(x);                                               // [B, N, 3D]: q, k, v; inside each by head
        if (lora is not null)
        {
            Tensor query = LowRank(x, lora.QueryA, lora.QueryB), value = LowRank(x, lora.ValueA, lora.ValueB);
            projected = projected.Plus(torch.cat([query, torch.zeros_like(query), value], -1));
        }
        Tensor split = projected.reshape(batch, count, 3, heads, width / heads).permute(2, 0, 3, 1, 4);   // [3, B, heads, N, d]
        Tensor attended = nn.functional.scaled_dot_product_attention(split[0], split[1], split[2]);       // scale 1 / sqrt(d)
        return proj.forward(attended.transpose(1, 2).reshape(batch, count, width));
    }

    private Tensor FeedForward(Tensor x)
    {
        Tensor hidden = enter.forward(x);
        if (feedForward == FeedForwardKind.Mlp) return leave.forward(nn.functional.gelu(hidden));
        Tensor[] halves = hidden.chunk(2, -1);
        return leave.forward(nn.functional.silu(halves[0]) * halves[1]);
    }

    private static Tensor LowRank(Tensor x, Tensor a, Tensor b) => nn.functional.linear(nn.functional.linear(x, a), b);
}

/// <summary>Layer normalisation over channels, eps 1e-6.</summary>
internal sealed class TokenNorm : nn.Module<Tensor, Tensor>
{
    private readonly Parameter weight, bias;
    private readonly long[] shape;

    public TokenNorm(int width) : base(nameof(TokenNorm))
    {
        shape = [width];
        register_parameter("weight", weight = new Parameter(torch.ones(width)));
        register_parameter("bias", bias = new Parameter(torch.zeros(width)));
    }

    public override Tensor forward(Tensor input) => nn.functional.layer_norm(input, shape, weight, bias, 1e-6);
}

/// <summary>One learned factor per channel.</summary>
/// <remarks>A module of its own: TorchSharp also registers a parameter under the name of the field that holds it, and the first name wins.</remarks>
internal sealed class LayerScale : nn.Module<Tensor, Tensor>
{
    private readonly Parameter gamma;

    public LayerScale(int width) : base(nameof(LayerScale)) => register_parameter("gamma", gamma = new Parameter(torch.ones(width)));

    public override Tensor forward(Tensor input) => input * gamma;
}

/// <summary>Gives parameters the nested names of the public checkpoints; computes nothing.</summary>
internal sealed class Group : nn.Module
{
    public Group(params (string Name, nn.Module Module)[] members) : base(nameof(Group))
    {
        foreach ((string name, nn.Module module) in members) register_module(name, module);
    }
}
