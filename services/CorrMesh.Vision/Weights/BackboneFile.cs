using CorrMesh.Vision.Backbones;
using TorchSharp;

namespace CorrMesh.Vision.Weights;

/// <summary>Loads a backbone from its original public file.</summary>
public static class BackboneFile
{
    /// <summary>A network shaped by the file's own arrays, with its weights, on the CPU and not trainable.</summary>
    /// <param name="path">.pth or .safetensors with DINOv2 hub key names.</param>
    /// <param name="heads">Attention heads; null for the public checkpoints' head width of 64.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="WeightFileException">The file is damaged, hostile, or not such a backbone; the message names the key.</exception>
    public static VisionTransformer Load(string path, int? heads = null)
    {
        StateDict state = WeightFile.Read(path);
        using var scope = torch.NewDisposeScope();
        try
        {
            var backbone = new VisionTransformer(VisionTransformerConfig.FromShapes(state.Shapes, heads));
            backbone.Load(state.ToTensors());
            foreach (var parameter in backbone.parameters()) parameter.requires_grad_(false).DetachFromDisposeScope();
            return backbone;
        }
        catch (ArgumentException problem)
        {
            throw new WeightFileException(path, problem.Message, problem);
        }
    }
}
