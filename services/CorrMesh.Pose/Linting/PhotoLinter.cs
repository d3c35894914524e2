using CorrMesh.Geometry;
using CorrMesh.Geometry.Pnp;

namespace CorrMesh.Pose.Linting;

/// <summary>What a pose in a photo was estimated from, as it was given.</summary>
internal sealed record PhotoInput
{
    /// <summary>With the picture's size, pixels. Its other numbers need not be possible ones.</summary>
    public required PinholeCamera Camera { get; init; }

    /// <summary>Null for a pinhole.</summary>
    public LensDistortion? Lens { get; init; }

    /// <summary>Of the object, metres as registered; 0 where unknown.</summary>
    public double DiameterMetres { get; init; }

    /// <summary>[3 N], the object's frame and unit.</summary>
    public double[] ObjectPoints { get; init; } = [];

    /// <summary>[2 N], pixels as the lens shows them.</summary>
    public double[] ImagePoints { get; init; } = [];

    /// <summary>[N], or empty.</summary>
    public double[] Scores { get; init; } = [];

    /// <summary>The solver's answer with the given camera; null where it was not asked.</summary>
    public PnpResult? Result { get; init; }

    /// <summary>[N] along the optical axis at the matches, metres as given; 0 or NaN where there is none. Empty for none at all.</summary>
    public double[] DepthMetres { get; init; } = [];

    /// <summary>[3 N] R, G, B of the picture at the matches, as given, or empty.</summary>
    public byte[] PictureColours { get; init; } = [];

    /// <summary>[3 N] R, G, B of the object there, as registered, or empty.</summary>
    public byte[] ObjectColours { get; init; } = [];

    /// <summary>Matches farther from their projections never count, pixels.</summary>
    public double MaxErrorPixels { get; init; } = new PnpOptions().MaxErrorPixels;
}

/// <summary>Names the likely mistake in what a pose was estimated from.</summary>
/// <remarks>
/// <para>What can be told, and what cannot. A distance scales with the focal length, and where the object shows little perspective the picture is the same: a focal length that is wrong is named only when another one fits
/// better by <see cref="FocalEvidence"/>, and is otherwise left alone although the distance is then wrong. Focal lengths of a ratio below <see cref="LeastAspect"/> are not called swapped; exchanging them moves no match
/// by more than 4 % of its distance from the object's centre. On flat objects without perspective a swap is a turn of the object, and not named. A camera of another resolution is told by its principal point.</para>
/// <para>The object's own axes cannot be wrong here: with OpenGL's, the pose is of that frame. OpenGL axes are named where depths or focal lengths are negative.</para>
/// </remarks>
internal static class PhotoLinter
{
    public const double SwapEvidence = 6, FocalEvidence = 8, LeastAspect = 1.08, LeastFocalFactor = 1.25;

    // A free focal length takes up errors that neighbours share and those of the model's shape, too; so it has to make the noise smaller by some percent, not just surely.
    private const double EvidenceEach = 0.15;

    // Cameras that no one measured are a guess more often.
    private const double NominalEvidence = 3;

    private const double ColourEvidence = 5;

    // A scaled camera may fit this much less, natural logarithm: its scale is read from a principal point that is not quite in the middle.
    private const double Contradiction = 4;

    // Matches that are compared with, and samples that a rival camera's pose is searched with.
    private const int MostMatches = 160, FewestMatches = 8, SearchSamples = 250;

    // Starts of the search for a focal length, in longer sides of the picture: 90, 37 and 14 degrees.
    private static readonly double[] FocalStarts = [0.5, 1.5, 4];

    // Objects beyond 20 m are not held before cameras; of 20 mm and more they are, so as millimetres.
    private const double LargestDiameter = 20, FarthestDepth = 100, PlainEvidence = 8, DepthEvidence = 12;

    private const int FewestDepths = 5;

    /// <summary>Finds the mistakes, the best supported first; usually none.</summary>
    /// <exception cref="ArgumentException">Lengths do not fit together.</exception>
    public static IReadOnlyList<InputFinding> Lint(PhotoInput input)
    {
        int count = input.ObjectPoints.Length / 3;
        Require(input.ObjectPoints.Length, 3 * count, "object points");
        Require(input.ImagePoints.Length, 2 * count, "image points");
        if (input.Scores.Length > 0) Require(input.Scores.Length, count, "scores");
        if (input.DepthMetres.Length > 0) Require(input.DepthMetres.Length, count, "depths");
        if (input.PictureColours.Length > 0) Require(input.PictureColours.Length, 3 * count, "picture colours");
        if (input.ObjectColours.Length > 0) Require(input.ObjectColours.Length, 3 * count, "object colours");
        List<InputFinding> findings = [];
        int[] rows = input.Result?.Inliers ?? [];
        InputFinding? camera = Camera(input, ref rows);
        if (camera is not null) findings.Add(camera);
        // With a wrong camera the pose's distances are as wrong as its focal length: they say nothing of units.
        if (Units(camera is null ? input : input with { Result = null }) is { } unit) findings.Add(unit);
        if (Depths(input) is { } axes && !findings.Exists(finding => finding.Fault == InputFault.OpenGlAxes)) findings.Add(axes);
        if (Colours(input, rows) is { } colour) findings.Add(colour);
        findings.Sort((a, b) => b.Evidence.CompareTo(a.Evidence));
        return findings;
    }

    private static void Require(int given, int needed, string name)
    {
        if (given != needed) throw new ArgumentException($"{name}: {needed} values needed, {given} given");
    }

    private static InputFinding? Units(PhotoInput input)
    {
        // Depth seen over depth of the pose: about 1, and wrong focal lengths change it by a factor of a few.
        var ratios = new List<double>();
        if (input.Result?.Best is { } best && input.DepthMetres.Length > 0)
        {
            foreach (int row in input.Result.Inliers)
            {
                double depth = Math.Abs(input.DepthMetres[row]), z = best.ObjectToCamera.Apply((input.ObjectPoints[3 * row], input.ObjectPoints[3 * row + 1], input.ObjectPoints[3 * row + 2])).Z;
                if (depth > 0 && z > 0 && double.IsFinite(depth / z)) ratios.Add(depth / z);
            }
        }
        if (ratios.Count >= FewestDepths)
        {
            ratios.Sort();
            double ratio = ratios[ratios.Count / 2];
            if (IsNear(ratio, 1000)) return InputFinding.Of(InputFault.Millimetres, DepthEvidence, "depth", $"values are {ratio:0} times the distances of the pose (median of {ratios.Count} matches); as millimetres they would fit to {Percent(ratio / 1000):0} %");
            if (IsNear(ratio, 10_000)) return InputFinding.Of(InputFault.Millimetres, DepthEvidence, "depth", $"values are {ratio:0} times the distances of the pose (median of {ratios.Count} matches); as tenths of millimetres they would fit to {Percent(ratio / 10_000):0} %");
            if (IsNear(ratio, 0.001) && input.DiameterMetres > 1) return InputFinding.Of(InputFault.Millimetres, DepthEvidence, "object", $"registered {input.DiameterMetres:0.#} m across, and depth puts it {1 / ratio:0} times nearer than that; {input.DiameterMetres / 1000:0.####} m, the same number of millimetres, would fit to {Percent(ratio * 1000):0} %");
        }
        else if (input.DepthMetres.Length > 0)
        {
            double[] depths = [.. input.DepthMetres.Select(Math.Abs).Where(depth => depth > 0 && double.IsFinite(depth)).Order()];
            if (depths.Length >= FewestDepths && depths[depths.Length / 2] > FarthestDepth && input.DiameterMetres is > 0 and < LargestDiameter / 4)
                return InputFinding.Of(InputFault.Millimetres, PlainEvidence, "depth", $"{depths[depths.Length / 2]:0} m given (median of {depths.Length}) for an object {input.DiameterMetres:0.###} m across; as millimetres it would be {depths[depths.Length / 2] / 1000:0.###} m");
        }
        if (input.DiameterMetres > LargestDiameter && double.IsFinite(input.DiameterMetres))
            return InputFinding.Of(InputFault.Millimetres, PlainEvidence, "object", $"registered {input.DiameterMetres:0.#} m across, at most {LargestDiameter} m expected; {input.DiameterMetres / 1000:0.####} m would be the same number of millimetres");
        return null;

        static bool IsNear(double ratio, double value) => Math.Abs(Math.Log10(ratio / value)) < 0.4;
        static double Percent(double ratio) => 100 * Math.Abs(ratio - 1);
    }

    private static InputFinding? Depths(PhotoInput input)
    {
        int below = input.DepthMetres.Count(depth => depth < 0 && double.IsFinite(depth)), above = input.DepthMetres.Count(depth => depth > 0 && double.IsFinite(depth));
        if (below < FewestDepths || below < 10 * above) return null;
        return InputFinding.Of(InputFault.OpenGlAxes, DepthEvidence, "depth", $"{below} of {below + above} values are below 0, as along OpenGL's backward z; here depth grows forward");
    }

    private static InputFinding? Colours(PhotoInput input, int[] rows)
    {
        if (input.PictureColours.Length == 0 || input.ObjectColours.Length == 0) return null;
        double evidence = ColourOrder.SwappedEvidence(input.PictureColours, input.ObjectColours, rows);
        if (evidence < ColourEvidence) return null;
        return InputFinding.Of(InputFault.BgrForRgb, evidence, "image", $"at {rows.Length} matches its colours fit those of the object with red and blue exchanged (log-likelihood {evidence:0.#} higher), as of BGR given for RGB");
    }

    // The rows are replaced by those that fit with a better camera: with a wrong one, few do.
    private static InputFinding? Camera(PhotoInput input, ref int[] rows)
    {
        PinholeCamera given = input.Camera;
        if (CameraNumbers.Axes(given, "camera") is { } axes) return axes;
        InputFinding? guess = CameraNumbers.Guess(given, input.Lens?.IsFisheye == true, "camera");
        if (!CameraNumbers.IsUsable(given)) return guess;
        PinholeCamera? scaled = CameraNumbers.AtPictureSize(given);
        var matches = Matches.Of(input, MostMatches);
        if (matches.Count < FewestMatches) return scaled is { } right ? CameraNumbers.OtherResolution(given, right, 0, "camera") : guess;

        var comparison = new CameraComparison(matches, input, SearchSamples);
        if (scaled is { } other)
        {
            double support = comparison.Near(other, LeastFocalFactor).Gain - comparison.Given.Gain;
            if (support > -Contradiction) return CameraNumbers.OtherResolution(given, other, support, "camera");
        }
        if (guess is not null) return guess;

        double aspect = Math.Max(given.FocalX / given.FocalY, given.FocalY / given.FocalX);
        FittedCamera focal = comparison.BestFocal(given, FocalStarts);
        bool isOff = CameraNumbers.IsOffMiddle(given);
        if (isOff && comparison.BestFocal(given with { CentreX = (given.Width - 1) / 2.0, CentreY = (given.Height - 1) / 2.0 }, FocalStarts) is var middle && middle.Gain > focal.Gain) focal = middle;
        FittedCamera? swapped = aspect > LeastAspect ? comparison.Fixed(given with { FocalX = given.FocalY, FocalY = given.FocalX }) : null;
        comparison.Revisit(focal);
        if (swapped is { } rival) comparison.Revisit(rival);
        FittedCamera start = comparison.Given;
        double swapGain = (swapped?.Gain ?? double.NegativeInfinity) - start.Gain, focalGain = focal.Gain - start.Gain;
        // The swap explains by nothing what the focal length explains by a number that was looked for.
        if (swapped is { } best && swapGain > SwapEvidence && swapGain > focalGain - 2)
        {
            (rows, int[] before) = (comparison.Inliers(best), comparison.Inliers(start));
            int after = rows.Length;
            return InputFinding.Of(InputFault.SwappedFocals, swapGain, "camera",
                $"fx {given.FocalX:0.#} and fy {given.FocalY:0.#} px given; exchanged, {after} matches fit to {best.NoisePixels:0.0} px instead of {before.Length} to {start.NoisePixels:0.0} (log-likelihood {swapGain:0.#} higher)");
        }
        double factor = focal.Camera.FocalX / given.FocalX;
        double needed = FocalEvidence + EvidenceEach * comparison.Inliers(focal).Length - (CameraNumbers.IsNominal(given) ? NominalEvidence : 0);
        if (focalGain > needed && (isOff || Math.Max(factor, 1 / factor) > LeastFocalFactor))
        {
            (rows, int[] before) = (comparison.Inliers(focal), comparison.Inliers(start));
            int after = rows.Length;
            string centre = isOff ? FormattableString.Invariant($" and the principal point ({focal.Camera.CentreX:0.#}, {focal.Camera.CentreY:0.#})") : "";
            return InputFinding.Of(InputFault.Uncalibrated, focalGain, "camera",
                $"fx {given.FocalX:0.#} px given; with {focal.Camera.FocalX:0.#} px{centre} {after} matches fit to {focal.NoisePixels:0.0} px instead of {before.Length} to {start.NoisePixels:0.0} (log-likelihood {focalGain:0.#} higher)");
        }
        return null;
    }
}
