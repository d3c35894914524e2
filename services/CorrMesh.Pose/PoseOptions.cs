using System.ComponentModel.DataAnnotations;

namespace CorrMesh.Pose;

/// <summary>Bounds of the pose service; section `CorrMesh:Pose`.</summary>
public sealed class PoseOptions
{
    public const string Section = "CorrMesh:Pose";

    /// <summary>Most bytes of one object's upload.</summary>
    [Range(1L << 16, 1L << 36)]
    public long UploadBytes { get; init; } = 256L << 20;

    /// <summary>Most objects that are being uploaded or made at once; more are refused.</summary>
    [Range(1, 64)]
    public int Uploads { get; init; } = 2;

    /// <summary>Most pixels of one object's pictures together.</summary>
    [Range(1L << 16, 1L << 36)]
    public long PicturePixels { get; init; } = 200_000_000;

    /// <summary>Most bytes of objects that are kept in memory for the next request.</summary>
    [Range(1L << 20, 1L << 40)]
    public long LoadedBytes { get; init; } = 512L << 20;

    /// <summary>Descriptors of one place that are at least so similar (cosine) are kept once; above 1 all are kept. What it costs in accuracy: decision 0017.</summary>
    [Range(0.5, 1.01)]
    public double SameSimilarity { get; init; } = 0.9;
}
