using CorrMesh.Vision.Backbones;
using TorchSharp;
using static TorchSharp.torch;

namespace CorrMesh.Vision.Adapters;

/// <summary>An adapter's tensors for one backbone on one device. Belongs to one thread; the owner disposes it.</summary>
public sealed class LoraWeights : IDisposable
{
    private readonly Dictionary<int, BlockLora> blocks = [];
    private readonly List<(Tensor Weight, Tensor Bias)> refine = [];
    private readonly List<Tensor> owned = [];

    /// <param name="adapter">Plain arrays.</param>
    /// <param name="backbone">The network to adapt.</param>
    /// <param name="device">Where the backbone's weights are.</param>
    /// <exception cref="ArgumentException">The adapter does not fit the backbone.</exception>
    public LoraWeights(Adapter adapter, VisionTransformerConfig backbone, Device device)
    {
        adapter.RequireFit(backbone);
        FirstAdaptedBlock = adapter.FirstAdaptedBlock(backbone.Depth);
        int width = adapter.Width, rank = adapter.Rank;
        for (int i = 0; i < adapter.Blocks.Count; i++)
        {
            LoraBlock block = adapter.Blocks[i];
            blocks[FirstAdaptedBlock + i] = new BlockLora(
                Own(block.QueryA, device, rank, width), Own(block.QueryB, device, width, rank), Own(block.ValueA, device, rank, width), Own(block.ValueB, device, width, rank));
        }
        foreach (RefineLayer layer in adapter.Refine) refine.Add((Own(layer.Weight, device, width, width, 3, 3), Own(layer.Bias, device, width)));
    }

    /// <summary>Index of the first block that differs from the bare backbone.</summary>
    public int FirstAdaptedBlock { get; }

    /// <summary>Additions by block index.</summary>
    public IReadOnlyDictionary<int, BlockLora> Blocks => blocks;

    /// <summary>Runs the refine convolutions.</summary>
    /// <param name="grid">[B, D, h, w].</param>
    /// <returns>[B, D, h, w], in the caller's dispose scope.</returns>
    public Tensor Refine(Tensor grid)
    {
        foreach ((Tensor weight, Tensor bias) in refine) grid = nn.functional.conv2d(grid, weight, bias, padding: [1, 1]);
        return grid;
    }

    public void Dispose() => owned.ForEach(tensor => tensor.Dispose());

    private Tensor Own(float[] values, Device device, params long[] shape)
    {
        using Tensor flat = torch.tensor(values);
        Tensor tensor = flat.to(device).reshape(shape).clone().DetachFromDisposeScope();
        owned.Add(tensor);
        return tensor;
    }
}
