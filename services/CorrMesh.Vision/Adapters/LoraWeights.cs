using CorrMesh.Vision.Backbones;
using TorchSharp;
using static TorchSharp.torch;

namespace CorrMesh.Vision.Adapters;

/// <summary>An adapter's tensors for one backbone on one device. Belongs to one thread; the owner disposes it.</summary>
public sealed class LoraWeights : IDisposable
{
    private readonly int width, rank;
    private readonly Dictionary<int, BlockLora> blocks = [];
    private readonly List<(Tensor Weight, Tensor Bias)> refine = [];
    private readonly List<(string Name, Tensor Parameter)> parameters = [];

    /// <param name="adapter">Plain arrays.</param>
    /// <param name="backbone">The network to adapt.</param>
    /// <param name="device">Where the backbone's weights are.</param>
    /// <param name="isTrainable">Whether autograd records what is computed with them.</param>
    /// <exception cref="ArgumentException">The adapter does not fit the backbone.</exception>
    public LoraWeights(Adapter adapter, VisionTransformerConfig backbone, Device device, bool isTrainable = false)
    {
        adapter.RequireFit(backbone);
        FirstAdaptedBlock = adapter.FirstAdaptedBlock(backbone.Depth);
        (width, rank) = (adapter.Width, adapter.Rank);
        for (int i = 0; i < adapter.Blocks.Count; i++)
        {
            LoraBlock block = adapter.Blocks[i];
            blocks[FirstAdaptedBlock + i] = new BlockLora(
                Own($"lora.{i}.q.a", block.QueryA, rank, width), Own($"lora.{i}.q.b", block.QueryB, width, rank),
                Own($"lora.{i}.v.a", block.ValueA, rank, width), Own($"lora.{i}.v.b", block.ValueB, width, rank));
        }
        for (int i = 0; i < adapter.Refine.Count; i++)
        {
            RefineLayer layer = adapter.Refine[i];
            refine.Add((Own($"refine.{i}.weight", layer.Weight, width, width, 3, 3), Own($"refine.{i}.bias", layer.Bias, width)));
        }

        // Plain tensors: TorchSharp's own Parameter goes on being counted among the living when it is disposed of.
        Tensor Own(string name, float[] values, params long[] shape)
        {
            using Tensor flat = torch.tensor(values);
            Tensor tensor = flat.to(device).reshape(shape).clone().DetachFromDisposeScope();
            tensor.requires_grad = isTrainable;
            parameters.Add((name, tensor));
            return tensor;
        }
    }

    /// <summary>Index of the first block that differs from the bare backbone.</summary>
    public int FirstAdaptedBlock { get; }

    /// <summary>Additions by block index.</summary>
    public IReadOnlyDictionary<int, BlockLora> Blocks => blocks;

    /// <summary>Every tensor by the name that it has in our adapter files.</summary>
    public IReadOnlyList<(string Name, Tensor Parameter)> Parameters => parameters;

    /// <summary>Runs the refine convolutions.</summary>
    /// <param name="grid">[B, D, h, w].</param>
    /// <returns>[B, D, h, w], in the caller's dispose scope.</returns>
    public Tensor Refine(Tensor grid)
    {
        foreach ((Tensor weight, Tensor bias) in refine) grid = nn.functional.conv2d(grid, weight, bias, padding: [1, 1]);
        return grid;
    }

    /// <summary>A copy of the values as they are now.</summary>
    public Adapter ToAdapter() => new(width, rank,
        [.. blocks.OrderBy(block => block.Key).Select(block => new LoraBlock(Values(block.Value.QueryA), Values(block.Value.QueryB), Values(block.Value.ValueA), Values(block.Value.ValueB)))],
        [.. refine.Select(layer => new RefineLayer(Values(layer.Weight), Values(layer.Bias)))]);

    public void Dispose() => parameters.ForEach(parameter => parameter.Parameter.Dispose());

    private static float[] Values(Tensor tensor)
    {
        using var scope = torch.NewDisposeScope();
        return tensor.detach().cpu().contiguous().data<float>().ToArray();
    }
}
