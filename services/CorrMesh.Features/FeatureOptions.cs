using System.ComponentModel.DataAnnotations;

namespace CorrMesh.Features;

/// <summary>Settings of the features service; section `CorrMesh:Features`.</summary>
public sealed class FeatureOptions
{
    public const string Section = "CorrMesh:Features";

    /// <summary>Where tensors live: `cpu`, or `cuda:N` in a build with the CUDA backend.</summary>
    [RegularExpression(@"cpu|cuda:\d{1,2}", ErrorMessage = "cpu or cuda:N allowed")]
    public string Device { get; init; } = "cpu";

    /// <summary>Threads of the network on the CPU; 0 for one a core. More than there are cores costs a factor of ten.</summary>
    [Range(0, 1024)]
    public int Threads { get; init; }

    /// <summary>Images computed together. Larger fills the device better, and the first caller in the batch waits longer.</summary>
    [Range(1, 64)]
    public int BatchCount { get; init; } = 8;

    /// <summary>Bytes of feature maps and descriptor sets kept in memory.</summary>
    [Range(1L << 20, 1L << 40)]
    public long StoreBytes { get; init; } = 512L << 20;

    /// <summary>The model of requests that name none.</summary>
    [Required, MinLength(1)]
    public string DefaultModel { get; init; } = "compact";

    /// <summary>Networks kept loaded; the least recently used goes when another is asked for.</summary>
    [Range(1, 64)]
    public int LoadedModels { get; init; } = 4;

    /// <summary>Adapters kept loaded, of all networks together; the least recently used goes when another is asked for.</summary>
    [Range(1, 1024)]
    public int LoadedAdapters { get; init; } = 16;
}
