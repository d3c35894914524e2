using CorrMesh.Models;
using CorrMesh.Vision.Features;
using CorrMesh.Vision.Images;

namespace CorrMesh.Features;

/// <summary>A request's FeatureSpec with every default filled in and every name resolved to a content digest.</summary>
/// <param name="Tokens">Tokens along the longer side.</param>
/// <param name="PatchStride">Pixels of the resized image between patches.</param>
/// <param name="Region">The part of the image that the network sees; null for all of it.</param>
public sealed record ResolvedSpec(ModelEntry Model, AdapterEntry? Adapter, int Tokens, int PatchStride, FeatureStage Stage, PixelRegion? Region);
