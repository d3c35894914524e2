namespace CorrMesh.Hosting.Options;

/// <summary>How this process lives with others; section `CorrMesh:Process`.</summary>
public sealed class ProcessOptions
{
    public const string Section = "CorrMesh:Process";

    /// <summary>
    /// Whether a supervisor runs this process: it stops when its standard input ends, and another process of the same user may
    /// listen on its ports, which lets a replacement take over without a gap. The command `mesh` sets it for its children.
    /// </summary>
    public bool Supervised { get; init; }
}
