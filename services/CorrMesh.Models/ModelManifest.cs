using System.Text.Json;
using System.Text.Json.Serialization;

namespace CorrMesh.Models;

/// <summary>models/ID/manifest.json: a backbone.</summary>
/// <param name="SchemaVersion">1.</param>
/// <param name="Id">The name requests use.</param>
/// <param name="Digest">"sha256:" and the digest of the weight file.</param>
/// <param name="File">The weight file beside the manifest; absent when it is the data directory's blob of that digest.</param>
/// <param name="PatchSize">Pixels.</param>
/// <param name="Width">Channels.</param>
/// <param name="Depth">Blocks.</param>
/// <param name="Heads">Attention heads, which weight files do not tell.</param>
/// <param name="DefaultTokens">Tokens on the long side when a request does not say.</param>
public sealed record ModelManifest(
    int SchemaVersion, string Id, string Digest, string? File, int PatchSize, int Width, int Depth, int Heads, int DefaultTokens);

/// <summary>adapters/ID/manifest.json: a name for adapters, and the one that it means now.</summary>
/// <param name="SchemaVersion">1.</param>
/// <param name="Id">The name requests use.</param>
/// <param name="Model">The id of the backbone of the adapter that the name means.</param>
/// <param name="Digest">"sha256:" and the digest of that adapter's file.</param>
/// <param name="Versions">Every adapter that the name has meant, the last published first; absent in files from before there were versions.</param>
public sealed record AdapterManifest(int SchemaVersion, string Id, string Model, string Digest, IReadOnlyList<AdapterVersion>? Versions = null);

/// <summary>An adapter that was published under a name.</summary>
/// <param name="Digest">"sha256:" and the digest of the adapter's file.</param>
/// <param name="Model">The backbone's id.</param>
/// <param name="Published">When it was last published.</param>
/// <param name="Origin">What made it, for people: a job's id; empty when it came as a file.</param>
public sealed record AdapterVersion(string Digest, string Model, DateTimeOffset Published, string Origin);

/// <summary>Manifests as JSON: snake_case names, unknown members refused.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectRequiredConstructorParameters = false,
    WriteIndented = true)]
[JsonSerializable(typeof(ModelManifest))]
[JsonSerializable(typeof(AdapterManifest))]
internal sealed partial class ManifestJson : JsonSerializerContext;
