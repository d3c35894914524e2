namespace CorrMesh.Vision.Images;

/// <summary>Why a picture was refused; stable names for logs, metrics and error details.</summary>
public enum ImageRejection
{
    /// <summary>No bytes at all.</summary>
    Empty,

    /// <summary>More encoded or raw bytes than <see cref="ImageLimits.MaxEncodedBytes"/> allows.</summary>
    TooManyBytes,

    /// <summary>More pixels than <see cref="ImageLimits.MaxPixels"/> allows.</summary>
    TooManyPixels,

    /// <summary>A format that is not accepted, or bytes that are no picture.</summary>
    UnsupportedFormat,

    /// <summary>The data ends before the picture does.</summary>
    Truncated,

    /// <summary>The data contradicts its own format.</summary>
    Corrupt,

    /// <summary>More than one frame.</summary>
    Animated,

    /// <summary>A colour layout whose RGB values are not defined by the file.</summary>
    UnsupportedColour,

    /// <summary>Raw pixels whose width, height, stride and length do not agree.</summary>
    InvalidLayout,

    /// <summary>A region of interest that is empty or leaves the picture.</summary>
    InvalidRegion,
}

/// <summary>A picture was refused: the caller must send another one. The message names the bound and the value.</summary>
public sealed class ImageRejectedException : Exception
{
    public ImageRejectedException(ImageRejection reason, string message, Exception? innerException = null)
        : base(message, innerException) => Reason = reason;

    /// <summary>The cause, machine-readable.</summary>
    public ImageRejection Reason { get; }
}
