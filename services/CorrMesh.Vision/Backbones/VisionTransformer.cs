using CorrMesh.Vision.Execution;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace CorrMesh.Vision.Backbones;

/// <summary>The DINOv2 network: patches in, tokens out. Parameter names are those of the public checkpoints.</summary>
/// <remarks>
/// Registers are inserted after positions are added and have none of their own. Not thread-safe: like every tensor it
/// belongs to one thread. Methods return tensors of the caller's dispose scope.
/// </remarks>
public sealed class VisionTransformer : nn.Module
{
    private readonly Parameter classToken, positions, maskToken;
    private readonly Parameter? registers;
    private readonly Parameter patchWeight, patchBias;
    private readonly TransformerBlock[] blocks;
    private readonly TokenNorm norm;

    public VisionTransformer(VisionTransformerConfig config) : base(nameof(VisionTransformer))
    {
        Config = config;
        int width = config.Width;
        register_parameter("cls_token", classToken = new Parameter(torch.zeros(1, 1, width)));
        register_parameter("pos_embed", positions = new Parameter(torch.zeros(1, 1 + config.TableSide * config.TableSide, width)));
        register_parameter("mask_token", maskToken = new Parameter(torch.zeros(1, width)));
        if (config.Registers > 0)
            register_parameter("register_tokens", registers = new Parameter(torch.zeros(1, config.Registers, width)));
        var embed = new PatchEmbedding(width, config.PatchSize);
        (patchWeight, patchBias) = (embed.Weight, embed.Bias);
        register_module("patch_embed", new Group(("proj", embed)));
        blocks = [.. Enumerable.Range(0, config.Depth).Select(_ => new TransformerBlock(config))];
        register_module("blocks", new Group([.. blocks.Select((block, i) => (i.ToString(), (nn.Module)block))]));
        register_module("norm", norm = new TokenNorm(width));
    }

    public VisionTransformerConfig Config { get; }

    /// <summary>What the blocks' attention and feed-forward compute in: float32, or bfloat16 for mixed precision, with parameters, residuals and norms still in float32.</summary>
    public ScalarType ComputeType { get; set; } = ScalarType.Float32;

    /// <summary>Copies weights in. Keys that the network does not have are refused; so are missing ones, but for the unused mask token.</summary>
    /// <param name="weights">Tensors by hub key.</param>
    /// <exception cref="ArgumentException">A key is missing, unknown, or of another shape; the message names it.</exception>
    public void Load(IReadOnlyDictionary<string, Tensor> weights)
    {
        using var noGrad = torch.no_grad();
        var own = named_parameters().ToDictionary(p => p.name, p => p.parameter);
        foreach (string key in weights.Keys.Where(key => !own.ContainsKey(key)))
            throw new ArgumentException($"{key}: not a part of this network", nameof(weights));
        foreach ((string key, Parameter parameter) in own)
        {
            if (!weights.TryGetValue(key, out Tensor? value))
            {
                if (key == "mask_token") continue;
                throw new ArgumentException($"{key}: missing", nameof(weights));
            }
            if (!value.shape.SequenceEqual(parameter.shape))
                throw new ArgumentException($"{key}: [{string.Join(", ", parameter.shape)}] needed, [{string.Join(", ", value.shape)}] given", nameof(weights));
            parameter.copy_(value);
        }
    }

    /// <summary>Patches, class token, positions and registers: the tokens before the first block.</summary>
    /// <param name="pixels">[B, 3, H, W], channel-normalised; H and W multiples of the patch size.</param>
    /// <param name="patchStride">Step between patches, pixels; 0 for the patch size. Below it, positions follow <see cref="PositionConvention.Offset"/>.</param>
    /// <param name="mask">[B, patches] booleans: patches whose embedding the mask token replaces; or null.</param>
    /// <returns>[B, prefix + patches, D]; the grid is 1 + (H - patch) / stride rows by 1 + (W - patch) / stride columns.</returns>
    public Tensor Embed(Tensor pixels, int patchStride = 0, Tensor? mask = null)
    {
        int stride = patchStride == 0 ? Config.PatchSize : patchStride;
        Tensor embedded = nn.functional.conv2d(pixels, patchWeight, patchBias, strides: [stride, stride]);   // [B, D, h, w]
        int rows = (int)embedded.shape[2], columns = (int)embedded.shape[3];
        Tensor patches = embedded.flatten(2).transpose(1, 2);                                                  // [B, h * w, D]
        if (mask is not null) patches = torch.where(mask.unsqueeze(-1), maskToken.unsqueeze(0), patches);
        patches = patches.Plus(ResizedPositions(rows, columns, stride));
        long batch = pixels.shape[0];
        Tensor first = classToken.Plus(positions.narrow(1, 0, 1)).expand(batch, -1, -1);
        return registers is null
            ? torch.cat([first, patches], 1)
            : torch.cat([first, registers.expand(batch, -1, -1), patches], 1);
    }

    /// <summary>The table of learned positions at a token grid, [rows * columns, D].</summary>
    public Tensor ResizedPositions(int rows, int columns, int patchStride)
    {
        Tensor table = positions[0].narrow(0, 1, positions.shape[1] - 1);
        PositionConvention convention = patchStride == Config.PatchSize ? Config.Positions : PositionConvention.Offset;
        return PositionTable.Resize(table, Config.TableSide, rows, columns, convention);
    }

    /// <summary>Runs blocks <paramref name="first"/> up to (excluding) <paramref name="end"/>.</summary>
    /// <param name="tokens">[B, N, D].</param>
    /// <param name="lora">Additions by block index, or null.</param>
    /// <param name="cancellation">Looked at before each block.</param>
    public Tensor RunBlocks(Tensor tokens, int first, int end, IReadOnlyDictionary<int, BlockLora>? lora = null, CancellationToken cancellation = default)
    {
        for (int i = first; i < end; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            // Each block's intermediates go as soon as its output is there: peak memory stays that of one block.
            using var scope = torch.NewDisposeScope();
            tokens = blocks[i].Forward(tokens, lora?.GetValueOrDefault(i), ComputeType).MoveToOuterDisposeScope();
        }
        return tokens;
    }

    /// <summary>The last layer normalisation.</summary>
    public Tensor Normalise(Tensor tokens) => norm.forward(tokens);

    /// <summary>The whole network without the last normalisation: class token, registers, patches.</summary>
    /// <inheritdoc cref="Embed" path="/param"/>
    /// <returns>[B, prefix + patches, D].</returns>
    public Tensor Forward(
        Tensor pixels, int patchStride = 0, Tensor? mask = null, IReadOnlyDictionary<int, BlockLora>? lora = null, CancellationToken cancellation = default) =>
        RunBlocks(Embed(pixels, patchStride, mask), 0, Config.Depth, lora, cancellation);

    private sealed class PatchEmbedding : nn.Module
    {
        public PatchEmbedding(int width, int patch) : base(nameof(PatchEmbedding))
        {
            register_parameter("weight", Weight = new Parameter(torch.zeros(width, 3, patch, patch)));
            register_parameter("bias", Bias = new Parameter(torch.zeros(width)));
        }

        public Parameter Weight { get; }

        public Parameter Bias { get; }
    }
}
