using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using System.Text.RegularExpressions;

namespace CorrMesh.Hosting.Data;

/// <summary>The layout of a data directory: immutable blobs by digest, manifests that name them.</summary>
/// <remarks>
/// blobs/sha256/ab/DIGEST and {models,adapters,objects}/ID/manifest.json. Everything is written to a temporary name, flushed and
/// renamed, so a crash leaves either the old state or the new one. The file `generation` changes after every change of a manifest:
/// it is all that a reader need watch, and touching it makes readers look again.
/// </remarks>
public sealed partial class DataDirectory(string root)
{
    private const string Generation = "generation";

    private static readonly SearchValues<char> HexDigits = SearchValues.Create("0123456789abcdef");

    public string Root { get; } = Path.GetFullPath(root);

    /// <summary>Whether a string may name a resource: a-z, 0-9, dot, dash, underscore, at most 64, beginning with a letter or digit.</summary>
    public static bool IsId(string id) => IdPattern().IsMatch(id);

    /// <summary>Whether a string is a SHA-256 as blobs are named: 64 lower-case hex digits.</summary>
    public static bool IsDigest(string digest) => digest.Length == 64 && !digest.AsSpan().ContainsAnyExcept(HexDigits);

    /// <summary>Where the blob of a digest lies.</summary>
    /// <param name="digest">64 hex digits.</param>
    public string BlobPath(string digest) => Path.Combine(Root, "blobs", "sha256", digest[..2], digest);

    /// <summary>Copies a file in as a blob and returns its digest (64 hex digits). A blob that is there already is left alone.</summary>
    public string AddBlob(string file)
    {
        using FileStream source = File.OpenRead(file);
        return AddBlob(source);
    }

    /// <summary>Copies what is left of a stream in as a blob and returns its digest (64 hex digits). A blob that is there already is left alone.</summary>
    public string AddBlob(Stream source)
    {
        string folder = Path.Combine(Root, "blobs", "sha256");
        Directory.CreateDirectory(folder);
        string temporary = Path.Combine(folder, $"incoming-{Guid.NewGuid():N}");
        try
        {
            string digest;
            using (var target = new FileStream(temporary, FileMode.CreateNew, FileAccess.ReadWrite))
            {
                source.CopyTo(target);
                target.Flush(flushToDisk: true);
                target.Position = 0;
                digest = Convert.ToHexStringLower(SHA256.HashData(target));
            }

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
    /// <param name="kind">"models", "adapters" or "objects".</param>
    /// <exception cref="ArgumentException">The id cannot be one.</exception>
    public void WriteManifest<T>(string kind, string id, T manifest, JsonTypeInfo<T> type)
    {
        if (!IsId(id)) throw new ArgumentException($"id: a-z, 0-9, dot, dash, underscore, at most 64, beginning with a letter or digit; '{id}' given", nameof(id));
        string folder = Path.Combine(Root, kind, id);
        Directory.CreateDirectory(folder);
        Replace(Path.Combine(folder, "manifest.json"), stream => JsonSerializer.Serialize(stream, manifest, type));
        Changed();
    }

    /// <summary>Takes a manifest away; its blob stays, for requests that run and for what else names it.</summary>
    /// <param name="kind">"models", "adapters" or "objects".</param>
    /// <returns>Whether there was one.</returns>
    /// <exception cref="ArgumentException">The id cannot be one.</exception>
    public bool DeleteManifest(string kind, string id)
    {
        if (!IsId(id)) throw new ArgumentException($"id: a-z, 0-9, dot, dash, underscore, at most 64, beginning with a letter or digit; '{id}' given", nameof(id));
        string path = Path.Combine(Root, kind, id, "manifest.json");
        if (!File.Exists(path)) return false;
        File.Delete(path);
        Changed();
        return true;
    }

    /// <summary>What changes after every change of a manifest; the empty string when there has been none.</summary>
    /// <exception cref="IOException">The directory is there but cannot be read.</exception>
    public string ReadGeneration()
    {
        string path = Path.Combine(Root, Generation);
        try
        {
            // The time too, so that an operator who has edited by hand can `touch` it; of the very file that is read, for another may take its place meanwhile.
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            using var reader = new StreamReader(stream, Encoding.ASCII);
            return $"{reader.ReadToEnd()} {File.GetLastWriteTimeUtc(stream.SafeFileHandle).Ticks}";
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            return "";
        }
    }

    /// <summary>Takes a lock that lasts as long as the stream is open, or its process lives.</summary>
    /// <returns>Null while another process holds it.</returns>
    /// <exception cref="UnauthorizedAccessException">The file cannot be written.</exception>
    public static FileStream? TryLock(string path)
    {
        try
        {
            return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException exception) when (exception.HResult == WouldBlock)
        {
            return null;
        }
    }

    // EWOULDBLOCK, which .NET passes on in the exception.
    private const int WouldBlock = 11;

    private void Changed() => Replace(Path.Combine(Root, Generation), stream => stream.Write(Encoding.ASCII.GetBytes(Guid.NewGuid().ToString("N"))));

    private static void Replace(string path, Action<Stream> write)
    {
        string temporary = $"{path}.{Guid.NewGuid():N}.tmp";
        try
        {
            using (var stream = new FileStream(temporary, FileMode.CreateNew))
            {
                write(stream);
                stream.Flush(flushToDisk: true);
            }

            File.Move(temporary, path, overwrite: true);
        }
        finally
        {
            File.Delete(temporary);
        }
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
