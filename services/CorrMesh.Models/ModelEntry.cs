namespace CorrMesh.Models;

/// <summary>A backbone that requests may name.</summary>
/// <param name="Digest">SHA-256 of the weight file, 64 hex digits.</param>
/// <param name="Path">The weight file.</param>
/// <param name="Adapters">Those that fit it, by name.</param>
public sealed record ModelEntry(
    string Name, string Digest, string Path, int PatchSize, int Width, int Depth, int Heads, int DefaultTokens, IReadOnlyList<AdapterEntry> Adapters)
{
    /// <summary>All that decides the network's answers: the file, and the number of heads, which no file tells.</summary>
    public string Weights => $"{Digest} heads {Heads}";
}

/// <summary>An adapter of a backbone.</summary>
/// <param name="Digest">SHA-256 of the adapter file, 64 hex digits.</param>
/// <param name="Path">The adapter file.</param>
public sealed record AdapterEntry(string Name, string Digest, string Path);
