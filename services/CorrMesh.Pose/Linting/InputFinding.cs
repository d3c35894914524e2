using System.Globalization;

namespace CorrMesh.Pose.Linting;

/// <summary>Mistakes that users of poses make.</summary>
internal enum InputFault
{
    /// <summary>Lengths in millimetres where metres are meant.</summary>
    Millimetres,

    /// <summary>The focal length along y given for that along x.</summary>
    SwappedFocals,

    /// <summary>A camera calibrated at another size, cut or orientation of the picture.</summary>
    OtherResolution,

    /// <summary>A camera frame with y up and z backward (OpenGL) where y down and z forward are meant.</summary>
    OpenGlAxes,

    /// <summary>Camera to object given for object to camera.</summary>
    InvertedPoses,

    /// <summary>Blue where red is meant.</summary>
    BgrForRgb,

    /// <summary>A camera that is a guess.</summary>
    Uncalibrated,
}

/// <summary>A likely mistake in an input.</summary>
/// <param name="Evidence">How much more likely the input is with the mistake than without: natural logarithm of the ratio.</param>
/// <param name="Field">What it is in.</param>
/// <param name="Message">One sentence: the field, what was given, what fits better and by how much.</param>
internal sealed record InputFinding(InputFault Fault, double Evidence, string Field, string Message)
{
    // One input in a hundred has a given mistake, before anything is known of it.
    private const double LogPriorOdds = -4.6;

    /// <summary>Probability that the mistake was made, 0 to 1.</summary>
    public double Confidence => 1 / (1 + Math.Exp(-(Evidence + LogPriorOdds)));

    /// <summary>A finding whose sentence starts with its field; numbers as in code, whatever the machine's culture.</summary>
    public static InputFinding Of(InputFault fault, double evidence, string field, FormattableString message) =>
        new(fault, evidence, field, $"{field}: {message.ToString(CultureInfo.InvariantCulture)}.");
}
