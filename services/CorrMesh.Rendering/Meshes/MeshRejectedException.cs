namespace CorrMesh.Rendering.Meshes;

/// <summary>Why a mesh was refused; stable names for logs, metrics and error details.</summary>
public enum MeshRejection
{
    /// <summary>No bytes, or no faces.</summary>
    Empty,

    /// <summary>A bound of <see cref="MeshFileLimits"/> is passed.</summary>
    TooLarge,

    /// <summary>None of the accepted formats.</summary>
    UnsupportedFormat,

    /// <summary>A part of a known format that is not read, such as a required extension.</summary>
    UnsupportedFeature,

    /// <summary>The data ends before the mesh does.</summary>
    Truncated,

    /// <summary>The data contradicts its own format.</summary>
    Corrupt,

    /// <summary>A position, normal, texture coordinate or colour is NaN or infinite.</summary>
    NotFinite,

    /// <summary>A face names a vertex that is not there.</summary>
    IndexOutOfRange,

    /// <summary>A file names another one that is not there, or lies outside the mesh's own folder.</summary>
    BadReference,

    /// <summary>All vertices at one place: no size to scale to.</summary>
    NoExtent,
}

/// <summary>A mesh was refused: the caller must send another one. The message names the bound and the value.</summary>
public sealed class MeshRejectedException : Exception
{
    public MeshRejectedException(MeshRejection reason, string message, Exception? innerException = null)
        : base(message, innerException) => Reason = reason;

    /// <summary>The cause, machine-readable.</summary>
    public MeshRejection Reason { get; }
}
