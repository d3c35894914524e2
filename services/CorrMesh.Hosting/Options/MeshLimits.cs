using System.ComponentModel.DataAnnotations;

namespace CorrMesh.Hosting.Options;

/// <summary>The one table of what a request may ask for; section `CorrMesh:Limits`. Inputs are hostile.</summary>
public sealed class MeshLimits : IValidatableObject
{
    public const string Section = "CorrMesh:Limits";

    /// <summary>Largest image file, in bytes.</summary>
    [Range(1024L, 1L << 30)]
    public long EncodedBytes { get; init; } = 32L << 20;

    /// <summary>Most pixels of an image, read from its header before decoding.</summary>
    [Range(1L, 1_000_000_000L)]
    public long ImagePixels { get; init; } = 50_000_000;

    /// <summary>Most points, grid cells or descriptors of one request.</summary>
    [Range(1, 1 << 20)]
    public int Points { get; init; } = 16_384;

    /// <summary>Most images drawn by one render.</summary>
    [Range(1, 256)]
    public int RenderImages { get; init; } = 16;

    /// <summary>Fewest tokens on the long side.</summary>
    [Range(1, 1024)]
    public int MinTokens { get; init; } = 8;

    /// <summary>Most tokens on the long side.</summary>
    [Range(1, 1024)]
    public int MaxTokens { get; init; } = 160;

    /// <summary>Largest gRPC message in bytes, before and after decompression.</summary>
    [Range(1 << 16, int.MaxValue)]
    public int MessageBytes { get; init; } = 64 << 20;

    /// <summary>Most connections that a listener's process keeps open at once; more are closed as they come.</summary>
    [Range(1, 1_000_000)]
    public int Connections { get; init; } = 4096;

    /// <summary>Most concurrent streams of one HTTP/2 connection.</summary>
    [Range(1, 10_000)]
    public int StreamsPerConnection { get; init; } = 100;

    /// <summary>Largest body of one HTTP request to the gateway, in bytes.</summary>
    [Range(1024L, 1L << 40)]
    public long UploadBytes { get; init; } = 256L << 20;

    /// <summary>Most requests that wait for a device.</summary>
    [Range(1, 100_000)]
    public int QueueLength { get; init; } = 64;

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (MinTokens > MaxTokens) yield return new($"at most MaxTokens ({MaxTokens}) allowed", [nameof(MinTokens)]);
        if (EncodedBytes >= MessageBytes) yield return new($"less than MessageBytes ({MessageBytes}) allowed, for an image travels in a message", [nameof(EncodedBytes)]);
    }
}
