using CorrMesh.Vision.Backbones;

namespace CorrMesh.Vision.Adapters;

/// <summary>Low-rank additions to q and v of one block: B(A x), no scaling factor, no bias (Hu et al. 2022).</summary>
/// <param name="QueryA">[r * D], row-major [r, D].</param>
/// <param name="QueryB">[D * r], row-major [D, r].</param>
/// <param name="ValueA">[r * D], row-major [r, D].</param>
/// <param name="ValueB">[D * r], row-major [D, r].</param>
public sealed record LoraBlock(float[] QueryA, float[] QueryB, float[] ValueA, float[] ValueB);

/// <summary>One 3 x 3 convolution over the token grid, zero padding 1, no activation.</summary>
/// <param name="Weight">[D * D * 9], row-major [D out, D in, 3, 3].</param>
/// <param name="Bias">[D].</param>
public sealed record RefineLayer(float[] Weight, float[] Bias);

/// <summary>A fine-tuned addition to a frozen backbone: LoRA on its last blocks, then refine convolutions; plain arrays.</summary>
/// <remarks>The paper's: rank 4 on the last 4 blocks and one refine convolution. Arrays are not to be changed afterwards.</remarks>
public sealed class Adapter
{
    /// <summary>Most refine convolutions; the paper's ablation tries 0 to 3.</summary>
    public const int MaxRefineLayers = 3;

    /// <param name="width">Embedding width D of the backbone.</param>
    /// <param name="rank">LoRA rank r; 0 when there are no blocks.</param>
    /// <param name="blocks">Additions to the backbone's last blocks, first of them first.</param>
    /// <param name="refine">Convolutions in the order they are applied.</param>
    /// <exception cref="ArgumentException">An array's length does not follow from width and rank; the message names it.</exception>
    public Adapter(int width, int rank, IReadOnlyList<LoraBlock> blocks, IReadOnlyList<RefineLayer> refine)
    {
        if (width < 1) throw new ArgumentException($"width: at least 1 needed, {width} given", nameof(width));
        if (blocks.Count > 0 && (rank < 1 || rank > width)) throw new ArgumentException($"rank: 1 to {width} needed, {rank} given", nameof(rank));
        if (refine.Count > MaxRefineLayers) throw new ArgumentException($"refine: at most {MaxRefineLayers} convolutions allowed, {refine.Count} given", nameof(refine));
        for (int i = 0; i < blocks.Count; i++)
        {
            RequireLength($"lora.{i}.q.a", blocks[i].QueryA, (long)rank * width);
            RequireLength($"lora.{i}.q.b", blocks[i].QueryB, (long)rank * width);
            RequireLength($"lora.{i}.v.a", blocks[i].ValueA, (long)rank * width);
            RequireLength($"lora.{i}.v.b", blocks[i].ValueB, (long)rank * width);
        }
        for (int i = 0; i < refine.Count; i++)
        {
            RequireLength($"refine.{i}.weight", refine[i].Weight, (long)width * width * 9);
            RequireLength($"refine.{i}.bias", refine[i].Bias, width);
        }
        Width = width;
        Rank = blocks.Count > 0 ? rank : 0;
        Blocks = blocks;
        Refine = refine;
    }

    public int Width { get; }

    public int Rank { get; }

    public IReadOnlyList<LoraBlock> Blocks { get; }

    public IReadOnlyList<RefineLayer> Refine { get; }

    /// <summary>Index of the first block that this adapter changes in a backbone of <paramref name="depth"/> blocks (the depth itself when none): all before it is the same for every adapter.</summary>
    /// <exception cref="ArgumentException">The backbone has fewer blocks than the adapter.</exception>
    public int FirstAdaptedBlock(int depth) => Blocks.Count <= depth
        ? depth - Blocks.Count
        : throw new ArgumentException($"adapter: made for a backbone of at least {Blocks.Count} blocks, this one has {depth}");

    /// <summary>Checks that this adapter fits a backbone.</summary>
    /// <exception cref="ArgumentException">Width or depth do not fit; the message says what is needed and given.</exception>
    public void RequireFit(VisionTransformerConfig backbone)
    {
        if (Width != backbone.Width) throw new ArgumentException($"adapter: made for width {Width}, the backbone's is {backbone.Width}", nameof(backbone));
        FirstAdaptedBlock(backbone.Depth);
    }

    private static void RequireLength(string name, float[] values, long length)
    {
        if (values.LongLength != length) throw new ArgumentException($"{name}: {length} values needed, {values.LongLength} given");
    }
}
