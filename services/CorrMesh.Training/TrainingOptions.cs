using System.ComponentModel.DataAnnotations;

namespace CorrMesh.Training;

/// <summary>How fine-tuning jobs are run and what they may ask for; section `CorrMesh:Training`.</summary>
public sealed class TrainingOptions
{
    public const string Section = "CorrMesh:Training";

    /// <summary>Jobs that are trained at once, each in a process of its own.</summary>
    [Range(1, 16)]
    public int RunningJobs { get; init; } = 1;

    /// <summary>Evaluations at once; they do not wait for jobs that are trained.</summary>
    [Range(1, 16)]
    public int RunningEvaluations { get; init; } = 1;

    /// <summary>Most jobs of a kind that wait for their turn.</summary>
    [Range(1, 10_000)]
    public int QueuedJobs { get; init; } = 100;

    /// <summary>How often a job's process may die without having got further before the job fails.</summary>
    [Range(1, 100)]
    public int Tries { get; init; } = 5;

    /// <summary>Threads of a job's process; decided when the job is made, for another number gives other last bits.</summary>
    [Range(1, 256)]
    public int Threads { get; init; } = 1;

    /// <summary>Steps between two checkpoints: what a job loses at most when its process dies.</summary>
    [Range(1, 100_000)]
    public int CheckpointSteps { get; init; } = 20;

    /// <summary>What a job with cache_trunk may keep in memory, bytes.</summary>
    [Range(0L, 1L << 40)]
    public long CacheBytes { get; init; } = 1L << 30;

    /// <summary>Largest mesh with all its files, bytes; a call's message has its own limit.</summary>
    [Range(1024L, 1L << 31)]
    public long MeshBytes { get; init; } = 48L << 20;

    /// <summary>Most bytes of uploaded views once they are unpacked.</summary>
    [Range(1024L, 1L << 34)]
    public long ViewsBytes { get; init; } = 512L << 20;

    /// <summary>Most vertices of a mesh.</summary>
    [Range(3, 100_000_000)]
    public int MeshVertices { get; init; } = 2_000_000;

    /// <summary>Most triangles of a mesh.</summary>
    [Range(1, 100_000_000)]
    public int MeshFaces { get; init; } = 4_000_000;

    /// <summary>Most pixels of a mesh's textures together.</summary>
    [Range(1L, 1_000_000_000L)]
    public long TexturePixels { get; init; } = 64_000_000;
}
