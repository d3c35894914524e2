using CorrMesh.Hosting.Errors;
using CorrMesh.Hosting.Options;
using CorrMesh.Models;
using CorrMesh.Protos.Common.V1;
using CorrMesh.Vision.Images;
using FeatureStage = CorrMesh.Vision.Features.FeatureStage;
using WireStage = CorrMesh.Protos.Common.V1.FeatureStage;

namespace CorrMesh.Features;

/// <summary>Fills in a request's FeatureSpec and checks it against the limits.</summary>
public sealed class SpecResolver(LiveCatalog catalog, MeshLimits limits)
{
    /// <param name="spec">Null means every default.</param>
    /// <exception cref="FieldException">A value is out of range.</exception>
    /// <exception cref="NotFoundException">The model or the adapter is not there.</exception>
    public ResolvedSpec Resolve(FeatureSpec? spec)
    {
        spec ??= new FeatureSpec();
        ModelEntry model = catalog.Current.Model(spec.Model);
        AdapterEntry? adapter = ModelCatalog.Adapter(model, spec.Adapter);
        int stride = Stride(spec, model);
        int tokens = Tokens(spec, model, stride);
        if (spec.Precision is not (Precision.Unspecified or Precision.F32)) throw new FieldException("spec.precision", $"F32 allowed, {(int)spec.Precision} given");
        FeatureStage stage = spec.Stage switch
        {
            WireStage.Unspecified or WireStage.Normalised => FeatureStage.Normalised,
            WireStage.PreNorm => FeatureStage.PreNorm,
            _ => throw new FieldException("spec.stage", $"NORMALISED or PRE_NORM allowed, {(int)spec.Stage} given"),
        };
        return new ResolvedSpec(model, adapter, tokens, stride, stage, Region(spec.RegionOfInterest));
    }

    private static int Stride(FeatureSpec spec, ModelEntry model)
    {
        if (spec.PatchStride == 0) return model.PatchSize;
        if (spec.PatchStride > model.PatchSize || model.PatchSize % (int)spec.PatchStride != 0)
            throw new FieldException("spec.patch_stride", $"a divisor of the patch size {model.PatchSize} needed, {spec.PatchStride} given");
        return (int)spec.PatchStride;
    }

    // A smaller stride multiplies the tokens, and attention grows with their square: the limit holds for what the network sees.
    private int Tokens(FeatureSpec spec, ModelEntry model, int stride)
    {
        long tokens = spec.Tokens == 0 ? model.DefaultTokens : spec.Tokens;
        if (tokens < limits.MinTokens || tokens > limits.MaxTokens) throw new FieldException("spec.tokens", $"{limits.MinTokens} to {limits.MaxTokens} allowed, {tokens} given");
        long finest = tokens * model.PatchSize / stride;
        if (finest > limits.MaxTokens)
            throw new FieldException("spec.patch_stride", $"at most {limits.MaxTokens} tokens a side allowed, {tokens} tokens at stride {stride} make {finest}");
        return (int)tokens;
    }

    private static PixelRegion? Region(Rectangle? region)
    {
        if (region is null) return null;
        if (region.Width == 0 || region.Height == 0) throw new FieldException("spec.region_of_interest", $"at least 1 x 1 pixels needed, {region.Width} x {region.Height} given");
        if (region.X > int.MaxValue || region.Y > int.MaxValue || region.Width > int.MaxValue || region.Height > int.MaxValue)
            throw new FieldException("spec.region_of_interest", $"values up to {int.MaxValue} allowed");
        return new PixelRegion((int)region.X, (int)region.Y, (int)region.Width, (int)region.Height);
    }
}
