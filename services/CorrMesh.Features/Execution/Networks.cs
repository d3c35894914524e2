using CorrMesh.Vision.Backbones;
using CorrMesh.Vision.Weights;
using TorchSharp;

namespace CorrMesh.Features.Execution;

/// <summary>Networks from weight files.</summary>
public static class Networks
{
    /// <summary>Reads a backbone's configuration off its weight file and loads it.</summary>
    /// <param name="heads">Attention heads, which the file does not tell; null for the public checkpoints' rule.</param>
    /// <exception cref="WeightFileException">The file is damaged or not a weight file.</exception>
    /// <exception cref="ArgumentException">It is not a DINOv2 checkpoint.</exception>
    public static VisionTransformer Load(string path, int? heads)
    {
        StateDict weights = WeightFile.Read(path);
        var network = new VisionTransformer(VisionTransformerConfig.FromShapes(weights.Shapes, heads));
        using var scope = torch.NewDisposeScope();   // opened after the network, whose parameters outlive it
        network.Load(weights.ToTensors());
        network.eval();
        foreach (var parameter in network.parameters()) parameter.requires_grad = false;
        return network;
    }
}
