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
            VisionTransformerConfig config = VisionTransformerConfig.FromShapes(state.Shapes, heads);
            RequireMatrices(state, config);
            var backbone = new VisionTransformer(config);
            backbone.Load(state.ToTensors());
            foreach (var parameter in backbone.parameters()) parameter.requires_grad_(false).DetachFromDisposeScope();
            return backbone;
        }
        catch (ArgumentException problem)
        {
            throw new WeightFileException(path, problem.Message, problem);
        }
    }

    // Before anything is allocated: the network is no larger than the file that asks for it.
    private static void RequireMatrices(StateDict state, VisionTransformerConfig config)
    {
        long width = config.Width, hidden = config.HiddenWidth;
        bool isGated = config.FeedForward == FeedForwardKind.SwiGlu;
        for (int i = 0; i < config.Depth; i++)
        {
            Require($"blocks.{i}.attn.qkv.weight", 3 * width, width);
            Require($"blocks.{i}.attn.proj.weight", width, width);
            Require($"blocks.{i}.mlp.{(isGated ? "w12" : "fc1")}.weight", isGated ? 2 * hidden : hidden, width);
            Require($"blocks.{i}.mlp.{(isGated ? "w3" : "fc2")}.weight", width, hidden);
        }

        void Require(string name, params long[] shape)
        {
            long[] given = state[name].Shape;
            if (!given.SequenceEqual(shape)) throw new WeightFileException(state.Source, $"{name}: [{string.Join(", ", shape)}] needed, [{string.Join(", ", given)}] given");
        }
    }
}
