using CorrMesh.Vision.Features;

namespace CorrMesh.Features.Execution;

/// <summary>What one image needs from the network: its pixels at the network's input size, and the spec.</summary>
public sealed record ExtractionRequest(PreparedImage Image, ResolvedSpec Spec)
{
    /// <summary>Requests with equal groups may share a batch: same weights, same network input.</summary>
    public (string Model, string? Adapter, FeatureStage Stage, int Stride, int Width, int Height) Group =>
        (Spec.Model.Weights, Spec.Adapter?.Digest, Spec.Stage, Spec.PatchStride, Image.Geometry.InputWidth, Image.Geometry.InputHeight);
}

/// <summary>Computes feature maps on a device. One call runs at a time.</summary>
public interface IFeatureEngine
{
    /// <summary>Computes the maps of images of one <see cref="ExtractionRequest.Group"/> together.</summary>
    /// <param name="cancellation">Fires when nobody waits for any of them any more.</param>
    /// <returns>One raw float32 map for each request, in order.</returns>
    Task<IReadOnlyList<FeatureMap>> ExtractAsync(IReadOnlyList<ExtractionRequest> batch, CancellationToken cancellation);
}
