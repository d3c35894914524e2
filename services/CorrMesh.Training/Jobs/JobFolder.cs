using System.Security.Cryptography;
using CorrMesh.Hosting.Data;
using CorrMesh.Models;

namespace CorrMesh.Training.Jobs;

/// <summary>A job's folder: jobs/ID in the data directory, with its manifest, progress, checkpoints and result. Blobs are shared by all.</summary>
/// <remarks>What is written is written to a temporary name, flushed and renamed: a crash leaves the old file or the new one.</remarks>
/// <param name="data">The data directory.</param>
/// <param name="id">The job's id.</param>
public sealed class JobFolder(string data, string id)
{
    /// <summary>The folder of all jobs.</summary>
    public static string Root(string data) => System.IO.Path.Combine(data, "jobs");

    public string Id => id;

    public string Path { get; } = System.IO.Path.Combine(Root(data), id);

    public string Manifest => System.IO.Path.Combine(Path, "manifest.json");

    /// <summary>One JSON object a line; the last line may be torn.</summary>
    public string Progress => System.IO.Path.Combine(Path, "progress.jsonl");

    public string Checkpoints => System.IO.Path.Combine(Path, "checkpoints");

    public string Adapter => System.IO.Path.Combine(Path, "adapter.safetensors");

    /// <summary>Where the file of a job's adapter lies: the one that it trained, or the blob that it measures.</summary>
    public string AdapterOf(JobManifest job) => job.Adapter is { } digest ? Blob(digest) : Adapter;

    /// <summary>The adapter's card; written after the adapter, so that where it is the job is done.</summary>
    public string Card => System.IO.Path.Combine(Path, "adapter.json");

    /// <summary>The gate's report; written before the card.</summary>
    public string Report => System.IO.Path.Combine(Path, "report.json");

    /// <summary>Pictures of the run, NAME.png or NAME.svg.</summary>
    public string Pictures => System.IO.Path.Combine(Path, "pictures");

    /// <summary>Figures that verdicts of all jobs share; may be emptied at any time.</summary>
    public string Figures => System.IO.Path.Combine(data, "cache", "figures");

    /// <summary>Held by the process that trains.</summary>
    public string Lock => System.IO.Path.Combine(Path, "lock");

    /// <summary>Where the blob of a digest lies.</summary>
    public string Blob(string digest) => new DataDirectory(data).BlobPath(digest);

    /// <summary>Stores bytes as a blob; one that is there already is left alone.</summary>
    /// <returns>SHA-256, 64 hex digits.</returns>
    public string AddBlob(ReadOnlySpan<byte> content)
    {
        string digest = Convert.ToHexStringLower(SHA256.HashData(content)), path = Blob(digest);
        if (File.Exists(path)) return digest;
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        Write(path, content);
        return digest;
    }

    /// <summary>Writes a file in the place of an older one.</summary>
    public static void Write(string path, ReadOnlySpan<byte> content)
    {
        string temporary = $"{path}.{Guid.NewGuid():N}.tmp";
        try
        {
            using (var stream = new FileStream(temporary, FileMode.CreateNew))
            {
                stream.Write(content);
                stream.Flush(flushToDisk: true);
            }

            File.Move(temporary, path, overwrite: true);
        }
        finally
        {
            File.Delete(temporary);
        }
    }
}
