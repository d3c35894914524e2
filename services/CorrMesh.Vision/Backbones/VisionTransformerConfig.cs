namespace CorrMesh.Vision.Backbones;

/// <summary>The feed-forward network of a transformer block.</summary>
public enum FeedForwardKind
{
    /// <summary>Linear, exact (erf) GELU, linear.</summary>
    Mlp,

    /// <summary>One linear to twice the hidden width; SiLU of the first half times the second half; linear (Shazeer 2020).</summary>
    SwiGlu,
}

/// <summary>The shape of a DINOv2 network (Oquab et al. 2023; registers: Darcet et al. 2024).</summary>
/// <param name="Width">Embedding width D.</param>
/// <param name="Depth">Number of blocks.</param>
/// <param name="Heads">Attention heads; divides <paramref name="Width"/>.</param>
/// <param name="PatchSize">Side of a patch, pixels.</param>
/// <param name="TableSide">Side of the square table of learned positions (37 for the public checkpoints: 518 / 14).</param>
/// <param name="Registers">Register tokens: 0 or 4 in the public checkpoints.</param>
/// <param name="FeedForward">MLP (S, B, L) or SwiGLU (G).</param>
/// <param name="HiddenWidth">Width inside the feed-forward network (for SwiGLU: after gating).</param>
/// <param name="HasQkvBias">Whether the qkv layer has a bias.</param>
/// <param name="HasLayerScale">Whether residual branches are scaled per channel.</param>
public sealed record VisionTransformerConfig(
    int Width,
    int Depth,
    int Heads,
    int PatchSize,
    int TableSide,
    int Registers,
    FeedForwardKind FeedForward,
    int HiddenWidth,
    bool HasQkvBias = true,
    bool HasLayerScale = true)
{
    /// <summary>Head width of every public DINOv2 checkpoint; a checkpoint does not store its number of heads.</summary>
    public const int PublicHeadWidth = 64;

    /// <summary>Which rule resizes the position table; checkpoints with registers were trained with the antialiased one.</summary>
    public PositionConvention Positions => Registers > 0 ? PositionConvention.Antialiased : PositionConvention.Offset;

    /// <summary>Tokens that come before the patches: class token and registers.</summary>
    public int PrefixCount => 1 + Registers;

    /// <summary>Reads the configuration off the shapes of a checkpoint with DINOv2 hub key names.</summary>
    /// <param name="shapes">Tensor shapes by key.</param>
    /// <param name="heads">Attention heads; by default the width over <see cref="PublicHeadWidth"/>.</param>
    /// <exception cref="ArgumentException">A key is missing or a shape does not fit; the message names it.</exception>
    public static VisionTransformerConfig FromShapes(IReadOnlyDictionary<string, long[]> shapes, int? heads = null)
    {
        long[] patch = Shape(shapes, "patch_embed.proj.weight", 4);
        long[] table = Shape(shapes, "pos_embed", 3);
        int width = (int)patch[0];
        if (patch[1] != 3 || patch[2] != patch[3]) throw Misfit("patch_embed.proj.weight", "[D, 3, P, P]", patch);
        int side = (int)Math.Round(Math.Sqrt(table[1] - 1));
        if (table[0] != 1 || table[2] != width || side * (long)side != table[1] - 1) throw Misfit("pos_embed", $"[1, 1 + n*n, {width}]", table);

        int depth = 0;
        while (shapes.ContainsKey($"blocks.{depth}.norm1.weight")) depth++;
        if (depth == 0) throw new ArgumentException("blocks.0.norm1.weight: missing; is this a DINOv2 checkpoint with hub key names?", nameof(shapes));

        int registers = shapes.ContainsKey("register_tokens") ? (int)Shape(shapes, "register_tokens", 3)[1] : 0;
        bool gated = shapes.ContainsKey("blocks.0.mlp.w12.weight");
        int hidden = gated ? (int)Shape(shapes, "blocks.0.mlp.w3.weight", 2)[1] : (int)Shape(shapes, "blocks.0.mlp.fc1.weight", 2)[0];
        int headCount = heads ?? Math.Max(1, width / PublicHeadWidth);
        if (headCount < 1 || width % headCount != 0) throw new ArgumentException($"heads: must divide the width {width}, {headCount} given", nameof(heads));
        return new VisionTransformerConfig(width, depth, headCount, (int)patch[2], side, registers,
            gated ? FeedForwardKind.SwiGlu : FeedForwardKind.Mlp, hidden,
            shapes.ContainsKey("blocks.0.attn.qkv.bias"), shapes.ContainsKey("blocks.0.ls1.gamma"));
    }

    private static long[] Shape(IReadOnlyDictionary<string, long[]> shapes, string key, int rank)
    {
        if (!shapes.TryGetValue(key, out long[]? shape)) throw new ArgumentException($"{key}: missing; is this a DINOv2 checkpoint with hub key names?", nameof(shapes));
        if (shape.Length != rank) throw Misfit(key, $"{rank} dimensions", shape);
        return shape;
    }

    private static ArgumentException Misfit(string key, string wanted, long[] shape) =>
        new($"{key}: {wanted} needed, [{string.Join(", ", shape)}] given", nameof(shape));
}
