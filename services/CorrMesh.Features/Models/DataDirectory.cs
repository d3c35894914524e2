using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using System.Text.RegularExpressions;
using CorrMesh.Vision.Weights;

namespace CorrMesh.Features.Models;

/// <summary>The layout of a data directory: immutable blobs by digest, manifests that name them.</summary>
/// <remarks>
/// blobs/sha256/ab/DIGEST and {models,adapters}/ID/manifest.json. Everything is written to a temporary name, flushed and
/// renamed, so a crash leaves either the old state or the new one.
/// </remarks>
public sealed partial class DataDirectory(string root)
{
    public string Root { get; } = Path.GetFullPath(root);

    /// <summary>Whether a string may name a resource: a-z, 0-9, dot, dash, underscore, at most 64, beginning with a letter or digit.</summary>
    public static bool IsId(string id) => IdPattern().IsMatch(id);

    /// <summary>Where the blob of a digest lies.</summary>
    /// <param name="digest">64 hex digits.</param>
    public string BlobPath(string digest) => Path.Combine(Root, "blobs", "sha256", digest[..2], digest);

    /// <summary>Copies a file in as a blob and returns its digest (64 hex digits). A blob that is there already is left alone.</summary>
    public string AddBlob(string file)
    {
        string folder = Path.Combine(Root, "blobs", "sha256");
        Directory.CreateDirectory(folder);
        string temporary = Path.Combine(folder, $"incoming-{Guid.NewGuid():N}");
        try
        {
            using (FileStream source = File.OpenRead(file))
            using (var target = new FileStream(temporary, FileMode.CreateNew))
            {
                source.CopyTo(target);
                target.Flush(flushToDisk: true);
            }

            string digest = WeightFile.Digest(temporary);
            string blob = BlobPath(digest);
            Directory.CreateDirectory(Path.GetDirectoryName(blob)!);
            if (!File.Exists(blob)) File.Move(temporary, blob, overwrite: true);
            return digest;
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    /// <summary>Writes a manifest in the place of an older one.</summary>
    /// <param name="kind">"models" or "adapters".</param>
    /// <exception cref="ArgumentException">The id cannot be one.</exception>
    public void WriteManifest<T>(string kind, string id, T manifest, JsonTypeInfo<T> type)
    {
        if (!IsId(id)) throw new ArgumentException($"id: a-z, 0-9, dot, dash, underscore, at most 64, beginning with a letter or digit; '{id}' given", nameof(id));
        string folder = Path.Combine(Root, kind, id);
        Directory.CreateDirectory(folder);
        string temporary = Path.Combine(folder, $"manifest.json.{Guid.NewGuid():N}.tmp");
        try
        {
            using (var stream = new FileStream(temporary, FileMode.CreateNew))
            {
                JsonSerializer.Serialize(stream, manifest, type);
                stream.Flush(flushToDisk: true);
            }

            File.Move(temporary, Path.Combine(folder, "manifest.json"), overwrite: true);
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    /// <summary>Takes a manifest away; the blob that it names stays.</summary>
    /// <param name="kind">"models" or "adapters".</param>
    /// <returns>Whether there was one.</returns>
    /// <exception cref="ArgumentException">The id cannot be one.</exception>
    public bool DeleteManifest(string kind, string id)
    {
        if (!IsId(id)) throw new ArgumentException($"id: a-z, 0-9, dot, dash, underscore, at most 64, beginning with a letter or digit; '{id}' given", nameof(id));
        string manifest = Path.Combine(Root, kind, id, "manifest.json");
        if (!File.Exists(manifest)) return false;
        File.Delete(manifest);
        return true;
    }

    /// <summary>Reads all manifests of a kind, by id. A manifest that cannot be read is an error that names it.</summary>
    /// <exception cref="InvalidDataException">A manifest is not what its schema says.</exception>
    public IReadOnlyList<(string Folder, T Manifest)> ReadManifests<T>(string kind, JsonTypeInfo<T> type)
    {
        string folder = Path.Combine(Root, kind);
        if (!Directory.Exists(folder)) return [];
        var manifests = new List<(string, T)>();
        foreach (string entry in Directory.GetDirectories(folder).Order(StringComparer.Ordinal))
        {
            string path = Path.Combine(entry, "manifest.json");
            if (!File.Exists(path)) continue;
            try
            {
                using FileStream stream = File.OpenRead(path);
                manifests.Add((entry, JsonSerializer.Deserialize(stream, type) ?? throw new JsonException("null")));
            }
            catch (JsonException exception)
            {
                throw new InvalidDataException($"{path}: not a manifest ({exception.Message})", exception);
            }
        }

        return manifests;
    }

    [GeneratedRegex(@"\A[a-z0-9][a-z0-9._-]{0,63}\z")]
    private static partial Regex IdPattern();
}
