using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace CorrMesh.Training.Measuring;

/// <summary>Figures of a bare backbone on objects that are measured again and again, kept as files: they depend on nothing that an adapter changes.</summary>
/// <remarks>A file that is damaged, or cannot be written, costs time alone: the figures are measured anew. On another CPU model they may differ in their last bits, as everything measured does.</remarks>
/// <param name="folder">Made when first needed; may be emptied at any time.</param>
/// <param name="backboneDigest">Of the weights.</param>
/// <param name="settings">How it is measured.</param>
public sealed class FigureCache(string folder, string backboneDigest, EvaluationSettings settings)
{
    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true };

    // Another build may measure otherwise.
    private static readonly string Build = $"{typeof(FigureCache).Module.ModuleVersionId} {typeof(Vision.Features.FeatureModel).Module.ModuleVersionId}";

    /// <summary>The figures of an object, if they are kept.</summary>
    public ObjectFigures? Find(ObjectProbe probe)
    {
        try
        {
            return JsonSerializer.Deserialize<Entry>(File.ReadAllBytes(PathOf(probe)), Json) is { } entry && entry.Pairs.Count == probe.Pairs.Count ? new ObjectFigures(entry.Pairs) : null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or JsonException)
        {
            return null;
        }
    }

    /// <summary>Keeps the figures of an object.</summary>
    public void Keep(ObjectProbe probe, ObjectFigures figures)
    {
        string path = PathOf(probe), temporary = $"{path}.{Guid.NewGuid():N}.tmp";
        try
        {
            Directory.CreateDirectory(folder);
            File.WriteAllBytes(temporary, JsonSerializer.SerializeToUtf8Bytes(new Entry(figures.Pairs), Json));
            File.Move(temporary, path, overwrite: true);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Next time, then.
        }
    }

    // The views' digest is that of every pixel and point.
    private string PathOf(ObjectProbe probe) => Path.Combine(
        folder, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{backboneDigest} {settings with { Seed = 0 }} {probe.Digest()} {Build}"))) + ".json");

    private sealed record Entry(IReadOnlyList<PairFigures> Pairs);
}
