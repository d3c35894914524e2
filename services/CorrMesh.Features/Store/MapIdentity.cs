namespace CorrMesh.Features.Store;

/// <summary>The weights that made a map, as replies name them.</summary>
/// <param name="ModelDigest">SHA-256 of the weight file, 64 hex digits.</param>
/// <param name="Adapter">Empty for none.</param>
/// <param name="AdapterDigest">Empty for none.</param>
public sealed record MapIdentity(string Model, string ModelDigest, string Adapter, string AdapterDigest)
{
    public static MapIdentity Of(ResolvedSpec spec) => new(spec.Model.Name, spec.Model.Digest, spec.Adapter?.Name ?? "", spec.Adapter?.Digest ?? "");
}
