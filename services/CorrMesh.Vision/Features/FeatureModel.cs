using CorrMesh.Vision.Adapters;
using CorrMesh.Vision.Backbones;
using TorchSharp;
using static TorchSharp.torch;

namespace CorrMesh.Vision.Features;

/// <summary>Which tokens become features.</summary>
public enum FeatureStage
{
    /// <summary>After the last layer normalisation: the paper's features.</summary>
    Normalised,

    /// <summary>Before it: the paper's tracking features.</summary>
    PreNorm,
}

/// <summary>A backbone and, if given, one adapter on it: prepared images in, feature maps out; plain arrays on both sides.</summary>
/// <remarks>
/// Belongs to the thread that made it, as tensors do. The backbone is borrowed, so that many adapters can share it; the
/// adapter's tensors are owned and go with <see cref="Dispose"/>.
/// </remarks>
public sealed class FeatureModel : IDisposable
{
    private readonly VisionTransformer backbone;
    private readonly LoraWeights? lora;
    private readonly Device device;

    /// <param name="backbone">Loaded network; stays the caller's.</param>
    /// <param name="adapter">What to add to it, or null for the bare backbone.</param>
    /// <exception cref="ArgumentException">The adapter does not fit the backbone.</exception>
    public FeatureModel(VisionTransformer backbone, Adapter? adapter = null)
    {
        this.backbone = backbone;
        Adapter = adapter;
        device = backbone.parameters().First().device;
        if (adapter is null) return;
        using var scope = torch.NewDisposeScope();
        lora = new LoraWeights(adapter, backbone.Config, device);
    }

    public Adapter? Adapter { get; }

    public VisionTransformerConfig Config => backbone.Config;

    /// <summary>Features of images that share one network input size, computed together. The answers are those of single calls, up to float32 rounding.</summary>
    /// <param name="images">At least one; equal input sizes and strides, original sizes may differ.</param>
    /// <param name="stage">Which tokens.</param>
    /// <param name="cancellation">Looked at between blocks: a computation that nobody waits for ends within one of them.</param>
    /// <returns>One map per image, in order.</returns>
    /// <exception cref="ArgumentException">No image is given, input sizes differ, or the patch size is not the backbone's.</exception>
    public FeatureMap[] Extract(IReadOnlyList<PreparedImage> images, FeatureStage stage = FeatureStage.Normalised, CancellationToken cancellation = default)
    {
        InputGeometry shape = RequireSameInput(images);
        using var scope = torch.NewDisposeScope();
        using var inference = torch.inference_mode();
        Tensor[] single = [.. images.Select(image => torch.tensor(image.Planes, 1, 3, shape.InputHeight, shape.InputWidth))];
        Tensor pixels = (single.Length == 1 ? single[0] : torch.cat(single)).to(device);             // [B, 3, H, W]
        Tensor tokens = backbone.Forward(pixels, shape.PatchStride, lora: lora?.Blocks, cancellation: cancellation);   // [B, prefix + P, D]
        if (stage == FeatureStage.Normalised) tokens = backbone.Normalise(tokens);
        Tensor patches = tokens.narrow(1, Config.PrefixCount, tokens.shape[1] - Config.PrefixCount);  // [B, P, D]
        Tensor grid = patches.reshape(images.Count, shape.Rows, shape.Columns, Config.Width).permute(0, 3, 1, 2);
        if (lora is not null) grid = lora.Refine(grid);                                               // [B, D, h, w]
        Tensor maps = grid.permute(0, 2, 3, 1).contiguous().cpu();                                    // [B, h, w, D]
        return [.. images.Select((image, i) => ToMap(image.Geometry, maps[i]))];
    }

    public void Dispose() => lora?.Dispose();

    private FeatureMap ToMap(InputGeometry geometry, Tensor map) =>
        new(geometry.ImageWidth, geometry.ImageHeight, geometry.X, geometry.Y, Config.Width, map.data<float>().ToArray());

    private InputGeometry RequireSameInput(IReadOnlyList<PreparedImage> images)
    {
        if (images.Count == 0) throw new ArgumentException("images: at least 1 needed, 0 given", nameof(images));
        InputGeometry shape = images[0].Geometry;
        if (shape.PatchSize != Config.PatchSize) throw new ArgumentException($"images: prepared for patches of {shape.PatchSize}, the backbone's are {Config.PatchSize}", nameof(images));
        foreach (PreparedImage image in images)
        {
            InputGeometry other = image.Geometry;
            if ((other.InputWidth, other.InputHeight, other.PatchSize, other.PatchStride) != (shape.InputWidth, shape.InputHeight, shape.PatchSize, shape.PatchStride))
                throw new ArgumentException($"images: one input size needed, {shape.InputWidth} x {shape.InputHeight} and {other.InputWidth} x {other.InputHeight} given", nameof(images));
        }
        return shape;
    }
}
