using CorrMesh.Vision.Features;
using CorrMesh.Vision.Images;

namespace CorrMesh.Features.Execution;

/// <summary>What one image needs from the network: its pixels (already cropped to the region) and the spec.</summary>
public sealed record ExtractionRequest(RgbImage Image, ResolvedSpec Spec)
{
    /// <summary>Requests with equal groups may share a batch: same weights, same sizes.</summary>
    public (string Model, string? Adapter, int Tokens, int Stride, FeatureStage Stage, int Width, int Height) Group =>
        (Spec.Model.Digest, Spec.Adapter?.Digest, Spec.Tokens, Spec.PatchStride, Spec.Stage, Image.Width, Image.Height);
}

/// <summary>Computes feature maps on a device. One call runs at a time.</summary>
public interface IFeatureEngine
{
    /// <summary>Computes the maps of images of one <see cref="ExtractionRequest.Group"/> together.</summary>
    /// <returns>One raw float32 map for each request, in order.</returns>
    Task<IReadOnlyList<FeatureMap>> ExtractAsync(IReadOnlyList<ExtractionRequest> batch, CancellationToken cancellation);
}
