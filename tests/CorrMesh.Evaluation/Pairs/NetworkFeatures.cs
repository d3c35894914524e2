using CorrMesh.Vision.Backbones;
using CorrMesh.Vision.Features;
using CorrMesh.Vision.Images;
using CorrMesh.Vision.Weights;
using TorchSharp;

namespace CorrMesh.Evaluation.Pairs;

/// <summary>A network as a describer of pictures; used from the thread that made it.</summary>
internal sealed class NetworkFeatures : IDisposable
{
    private readonly VisionTransformer network;
    private readonly FeatureModel model;
    private readonly int tokens;

    private NetworkFeatures(VisionTransformer network, int tokens)
    {
        (this.network, this.tokens) = (network, tokens);
        network.eval();
        model = new FeatureModel(network);
    }

    /// <summary>The network's shape.</summary>
    public VisionTransformerConfig Config => network.Config;

    /// <summary>A network from its weight file.</summary>
    /// <param name="path">.safetensors or .pth with DINOv2 hub key names.</param>
    /// <param name="tokens">Tokens on the longer side.</param>
    public static NetworkFeatures Load(string path, int tokens) => new(BackboneFile.Load(path), tokens);

    /// <summary>A network as it is before training: matrices and tokens normal of 0.02 cut at two deviations, biases zero.</summary>
    public static NetworkFeatures Untrained(VisionTransformerConfig config, int tokens, int seed)
    {
        torch.manual_seed(seed);
        var network = new VisionTransformer(config);
        using var noGrad = torch.no_grad();
        foreach ((string name, var parameter) in network.named_parameters())
        {
            bool isDrawn = (name.EndsWith("weight", StringComparison.Ordinal) && parameter.dim() >= 2) || name is "pos_embed" or "cls_token";
            if (isDrawn) parameter.normal_(0, 0.02).clamp_(-0.04, 0.04);
        }
        return new NetworkFeatures(network, tokens);
    }

    public FeatureMap Describe(RgbImage image) =>
        model.Extract([PreparedImage.From(image, InputGeometry.ForTokens(image.Width, image.Height, tokens, Config.PatchSize))])[0];

    public void Dispose()
    {
        model.Dispose();
        network.Dispose();
    }
}
