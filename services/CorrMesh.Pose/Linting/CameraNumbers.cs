using CorrMesh.Geometry;

namespace CorrMesh.Pose.Linting;

/// <summary>What a camera's numbers say by themselves, beside the size of its picture.</summary>
internal static class CameraNumbers
{
    /// <summary>Focal lengths of lenses, in widths of the picture: from 118 degrees to 6.</summary>
    public const double ShortestFocal = 0.3, LongestFocal = 10;

    // A principal point this far from the middle, in sizes of the picture, is not that of a lens before its sensor.
    private const double LargestOffset = 0.18;

    // Sizes that a principal point in their middle tells from the picture's: lenses are off by 5 % of it, so by a tenth of what twice their principal point says.
    private const double SmallestScale = 1.18;

    // How differently the two axes may say it, logarithm: twice that tenth; and for another shape of picture, a share of what they both say.
    private const double AxesTolerance = 0.22, ShapeShare = 0.4;

    // What pictures are mostly made smaller or larger by.
    private static readonly double[] CommonScales = [0.25, 1 / 3.0, 0.5, 2 / 3.0, 0.75, 4 / 3.0, 1.5, 2, 3, 4];

    // Evidence of plain checks, as a logarithm of odds: numbers that no calibrated camera has, and numbers that few have.
    private const double Certain = 12, Likely = 8;

    public static bool IsUsable(PinholeCamera camera) =>
        double.IsFinite(camera.FocalX + camera.FocalY + camera.CentreX + camera.CentreY) && camera.FocalX > 0 && camera.FocalY > 0;

    /// <summary>A focal length below 0: how a camera with y up or z backward is written as a matrix.</summary>
    public static InputFinding? Axes(PinholeCamera camera, string field)
    {
        if (!double.IsFinite(camera.FocalX + camera.FocalY) || (camera.FocalX >= 0 && camera.FocalY >= 0)) return null;
        return InputFinding.Of(InputFault.OpenGlAxes, Certain, field, $"fx {camera.FocalX:0.#} and fy {camera.FocalY:0.#} px given, as of OpenGL axes (y up, z backward); here x is right, y down, z forward and both are above 0");
    }

    /// <summary>The camera as it would be were it calibrated at another size; null when its principal point lies where that of the picture's own would.</summary>
    /// <remarks>Sizes within 18 % of the picture's are not told from it. Where the focal length alone is wrong, this says nothing.</remarks>
    public static PinholeCamera? AtPictureSize(PinholeCamera camera)
    {
        if (!IsUsable(camera) || camera.Width < 2 || camera.Height < 2 || !(camera.CentreX > 0 && camera.CentreY > 0)) return null;
        double calibratedWidth = 2 * camera.CentreX + 1, calibratedHeight = 2 * camera.CentreY + 1;
        double x = Math.Log(camera.Width / calibratedWidth), y = Math.Log(camera.Height / calibratedHeight), least = Math.Min(Math.Abs(x), Math.Abs(y));
        // Principal points of one pixel or so are not those of a small picture.
        if (camera.CentreX < 8 || camera.CentreY < 8) return null;
        if (x * y > 0 && least > Math.Log(SmallestScale) && Math.Abs(x - y) < Math.Max(AxesTolerance, ShapeShare * least))
        {
            double scale = Math.Exp((x + y) / 2), common = CommonScales.MinBy(value => Math.Abs(Math.Log(value / scale)));
            if (Math.Abs(x - y) < AxesTolerance && Math.Abs(Math.Log(common / scale)) < AxesTolerance / 2)
                return camera with { FocalX = camera.FocalX * common, FocalY = camera.FocalY * common, CentreX = (camera.CentreX + 0.5) * common - 0.5, CentreY = (camera.CentreY + 0.5) * common - 0.5 };
            // Towards the picture's middle where the shape differs, too: there it was cut or filled at both ends.
            return camera with { FocalX = camera.FocalX * scale, FocalY = camera.FocalY * scale, CentreX = (camera.CentreX + 0.5) * Math.Exp(x) - 0.5, CentreY = (camera.CentreY + 0.5) * Math.Exp(y) - 0.5 };
        }
        // On its side: a camera's own picture is as wide as this one is high.
        double turnedX = Math.Log(camera.Height / calibratedWidth), turnedY = Math.Log(camera.Width / calibratedHeight);
        if (x * y < 0 && least > Math.Log(SmallestScale) && Math.Abs(turnedX) < AxesTolerance / 2 && Math.Abs(turnedY) < AxesTolerance / 2)
            return camera with { FocalX = camera.FocalY, FocalY = camera.FocalX, CentreX = camera.CentreY, CentreY = camera.CentreX };
        return null;
    }

    /// <summary>The finding for <see cref="AtPictureSize"/>.</summary>
    /// <param name="support">What the matches add to it.</param>
    public static InputFinding OtherResolution(PinholeCamera given, PinholeCamera right, double support, string field)
    {
        bool isTurned = given.FocalX == right.FocalY && given.CentreX == right.CentreY;
        string how = isTurned ? "on its side" : FormattableString.Invariant($"scaled by {right.FocalX / given.FocalX:0.###}");
        string matches = support > 1 ? FormattableString.Invariant($", log-likelihood {support:0.#} higher") : "";
        return InputFinding.Of(InputFault.OtherResolution, Certain + Math.Max(0, support), field,
            $"the principal point ({given.CentreX:0.#}, {given.CentreY:0.#}) is the middle of about {2 * given.CentreX + 1:0} x {2 * given.CentreY + 1:0} pixels, the picture has {given.Width} x {given.Height}; {how} it would have fx {right.FocalX:0.#}, fy {right.FocalY:0.#}, cx {right.CentreX:0.#}, cy {right.CentreY:0.#}{matches}");
    }

    /// <summary>A camera whose numbers no calibration gives.</summary>
    /// <param name="isFisheye">Fisheye lenses may have shorter focal lengths.</param>
    public static InputFinding? Guess(PinholeCamera camera, bool isFisheye, string field)
    {
        // The mean of both: pixels may be far from square.
        double longer = Math.Max(camera.Width, camera.Height), focal = Math.Sqrt(camera.FocalX * camera.FocalY);
        if (!double.IsFinite(camera.FocalX + camera.FocalY + camera.CentreX + camera.CentreY) || camera.FocalX == 0 || camera.FocalY == 0)
            return InputFinding.Of(InputFault.Uncalibrated, Certain, field, $"fx {camera.FocalX:0.#}, fy {camera.FocalY:0.#}, cx {camera.CentreX:0.#}, cy {camera.CentreY:0.#} given, which is no calibrated camera; focal lengths above 0 px and finite numbers needed");
        if (camera.Width < 2 || camera.Height < 2) return null;
        if (camera.CentreX == 0 && camera.CentreY == 0)
            return InputFinding.Of(InputFault.Uncalibrated, Certain, field, $"the principal point (0, 0) is the picture's corner; about ({(camera.Width - 1) / 2.0:0.#}, {(camera.Height - 1) / 2.0:0.#}) fits {camera.Width} x {camera.Height} pixels");
        if (focal > LongestFocal * longer || (!isFisheye && focal < ShortestFocal * Math.Min(camera.Width, camera.Height)))
            return InputFinding.Of(InputFault.Uncalibrated, Certain, field, $"fx {camera.FocalX:0.#} and fy {camera.FocalY:0.#} px given; lenses have {ShortestFocal} to {LongestFocal} times the picture's side, here {ShortestFocal * Math.Min(camera.Width, camera.Height):0} to {LongestFocal * longer:0} px");
        // Cut pictures have such principal points rightly; round focal lengths beside them are a guess.
        if (IsOffMiddle(camera) && camera.FocalX == camera.FocalY && camera.FocalX % 50 == 0)
            return InputFinding.Of(InputFault.Uncalibrated, Likely, field, $"fx and fy {camera.FocalX:0} px with the principal point ({camera.CentreX:0.#}, {camera.CentreY:0.#}) look like a guess; the middle of the picture is ({(camera.Width - 1) / 2.0:0.#}, {(camera.Height - 1) / 2.0:0.#})");
        return null;
    }

    /// <summary>Whether the numbers are those of a drawing and not of a calibration: one focal length, and the very middle of the picture. Rendered pictures have them rightly.</summary>
    public static bool IsNominal(PinholeCamera camera) =>
        camera.FocalX == camera.FocalY && Math.Abs(camera.CentreX - (camera.Width - 0.5) / 2) <= 0.5 && Math.Abs(camera.CentreY - (camera.Height - 0.5) / 2) <= 0.5;

    /// <summary>Whether the principal point is farther from the middle than a lens puts it.</summary>
    public static bool IsOffMiddle(PinholeCamera camera) =>
        Math.Abs((camera.CentreX + 0.5) / camera.Width - 0.5) > LargestOffset || Math.Abs((camera.CentreY + 0.5) / camera.Height - 0.5) > LargestOffset;
}
