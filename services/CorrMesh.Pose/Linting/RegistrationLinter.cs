using CorrMesh.Geometry;

namespace CorrMesh.Pose.Linting;

/// <summary>A view that an object is registered from, as it was given.</summary>
internal sealed record PosedPhoto
{
    /// <summary>Unit of the object's points.</summary>
    public required RigidPose ObjectToCamera { get; init; }

    /// <summary>With the picture's size, pixels. Its other numbers need not be possible ones.</summary>
    public required PinholeCamera Camera { get; init; }

    /// <summary>Null for a pinhole.</summary>
    public LensDistortion? Lens { get; init; }

    /// <summary>[3 M] x, y in pixels and the depth there, metres as given; some of the depth map, or empty.</summary>
    public double[] DepthSamples { get; init; } = [];
}

/// <summary>Where a view shows a point of the object.</summary>
/// <param name="Track">The same for the same point.</param>
/// <param name="View">Index of the view.</param>
/// <param name="X">Pixels, as the lens shows it.</param>
/// <param name="Y">Pixels.</param>
internal readonly record struct TrackedPoint(int Track, int View, double X, double Y);

/// <summary>What an object is registered from, as it was given.</summary>
internal sealed record RegistrationInput
{
    public required IReadOnlyList<PosedPhoto> Views { get; init; }

    /// <summary>[3 N] of the object, such as a mesh's vertices, metres as given; empty where none are known.</summary>
    public double[] ObjectPoints { get; init; } = [];

    /// <summary>As given; 0 where unknown.</summary>
    public double DiameterMetres { get; init; }

    /// <summary>Points that two views or more show; empty where views were not matched. Some may be wrong.</summary>
    public IReadOnlyList<TrackedPoint> Tracks { get; init; } = [];
}

/// <summary>Names the likely mistake in what an object is registered from.</summary>
/// <remarks>
/// Poses are told by where they show the object (its points, or a ball of its diameter about the origin) and by whether tracks meet. Without points, a diameter and tracks nothing is said of them. Turned axes of the object's own
/// frame, the same in points and poses, are no mistake; a mesh that is turned against the poses is not looked for. Swapped or wrong focal lengths are told by tracks alone. Cameras of another resolution are named where most
/// views have them: single ones may be cut.
/// </remarks>
internal static class RegistrationLinter
{
    // Of the object's points, the share that poses show in the picture: above the first they do look at it, and of two poses the better one shows more by the second.
    private const double Seen = 0.7, SeenMore = 0.35;

    private const double VisibleEvidence = 12, TrackEvidence = 15, SwapEvidence = 8, FocalEvidence = 10, EvidenceEach = 0.15, LargestDiameter = 20, PlainEvidence = 9;

    // Pixels that an object is at least across.
    private const double SmallestShown = 4;

    // Of the observations, how many meet with the right cameras at least.
    private const double LeastFitting = 0.5;

    private const int MostPoints = 200, MostTracks = 100, MostViews = 64, MostTracked = 10_000, FewestTracks = 8, FewestDepths = 5;

    // Of a share of the picture's size, about it: objects may stand out of it.
    private const double Margin = 0.1;

    private static readonly RigidPose Flip = new(1, 0, 0, 0, 0, -1, 0, 0, 0, 0, -1, 0);

    private static readonly (InputFault Fault, string Name, Func<RigidPose, RigidPose> Right)[] Rivals =
    [
        (InputFault.OpenGlAxes, "as poses of a camera with OpenGL axes (y up, z backward)", pose => Flip * pose),
        (InputFault.InvertedPoses, "as camera_to_object", pose => pose.Inverse()),
        (InputFault.OpenGlAxes, "as camera_to_object of a camera with OpenGL axes (y up, z backward)", pose => Flip * pose.Inverse()),
    ];

    /// <summary>Finds the mistakes, the best supported first; usually none.</summary>
    /// <exception cref="ArgumentException">Lengths do not fit together.</exception>
    public static IReadOnlyList<InputFinding> Lint(RegistrationInput input)
    {
        if (input.ObjectPoints.Length % 3 != 0) throw new ArgumentException($"object points: a multiple of 3 values needed, {input.ObjectPoints.Length} given");
        for (int i = 0; i < input.Views.Count; i++)
            if (input.Views[i].DepthSamples.Length % 3 != 0) throw new ArgumentException($"views[{i}].depth: a multiple of 3 values needed, {input.Views[i].DepthSamples.Length} given");
        int each = input.Tracks.Count / MostTracked + 1;
        if (each > 1) input = input with { Tracks = [.. input.Tracks.Where(point => point.Track % each == 0)] };
        if (input.Views.Count > MostViews) input = Thin(input);
        List<InputFinding> findings = [];
        double[] points = Sampled(input.ObjectPoints);
        double extent = Extent(points), diameter = extent > 0 ? extent : input.DiameterMetres;
        InputFinding? camera = Cameras(input.Views);
        if (camera is not null) findings.Add(camera);
        InputFinding? unit = Units(input, points, diameter);
        if (unit is not null) findings.Add(unit);
        if (camera is null && unit is null && PosesOrFocals(input, points, diameter) is { } found) findings.Add(found);
        findings.Sort((a, b) => b.Evidence.CompareTo(a.Evidence));
        return findings;
    }

    private static RegistrationInput Thin(RegistrationInput input)
    {
        int[] kept = [.. Enumerable.Range(0, MostViews).Select(i => (int)((long)i * input.Views.Count / MostViews))];
        var place = kept.Select((view, i) => (view, i)).ToDictionary(pair => pair.view, pair => pair.i);
        return input with { Views = [.. kept.Select(view => input.Views[view])], Tracks = [.. input.Tracks.Where(point => place.ContainsKey(point.View)).Select(point => point with { View = place[point.View] })] };
    }

    private static double[] Sampled(double[] points)
    {
        int[] rows = [.. Enumerable.Range(0, points.Length / 3).Where(i => double.IsFinite(points[3 * i] + points[3 * i + 1] + points[3 * i + 2]))];
        if (rows.Length > MostPoints) rows = [.. Enumerable.Range(0, MostPoints).Select(i => rows[(int)((long)i * rows.Length / MostPoints)])];
        return [.. rows.SelectMany(i => points[(3 * i)..(3 * i + 3)])];
    }

    // Diagonal of the box about the points: between the diameter and √3 times it.
    private static double Extent(double[] points)
    {
        if (points.Length == 0) return 0;
        double squared = 0;
        for (int axis = 0; axis < 3; axis++)
        {
            double low = double.PositiveInfinity, high = double.NegativeInfinity;
            for (int i = axis; i < points.Length; i += 3) (low, high) = (Math.Min(low, points[i]), Math.Max(high, points[i]));
            squared += (high - low) * (high - low);
        }
        return Math.Sqrt(squared);
    }

    private static InputFinding? Cameras(IReadOnlyList<PosedPhoto> views)
    {
        for (int i = 0; i < views.Count; i++)
            if (CameraNumbers.Axes(views[i].Camera, $"views[{i}].camera") is { } axes) return axes;
        int[] scaled = [.. Enumerable.Range(0, views.Count).Where(i => CameraNumbers.AtPictureSize(views[i].Camera) is not null)];
        // Views that are cut each in their own place have other principal points each.
        if (scaled.Length > 0) scaled = [.. scaled.Select(i => scaled.Where(k => AreAlike(views[i].Camera, views[k].Camera)).ToArray()).MaxBy(alike => alike.Length)!];
        if (2 * scaled.Length > views.Count) return CameraNumbers.OtherResolution(views[scaled[0]].Camera, CameraNumbers.AtPictureSize(views[scaled[0]].Camera)!.Value, 0, Named(scaled));
        int[] guessed = [.. Enumerable.Range(0, views.Count).Where(i => CameraNumbers.Guess(views[i].Camera, views[i].Lens?.IsFisheye == true, "") is not null)];
        return guessed.Length == 0 ? null : CameraNumbers.Guess(views[guessed[0]].Camera, views[guessed[0]].Lens?.IsFisheye == true, Named(guessed));

        static bool AreAlike(PinholeCamera a, PinholeCamera b) => Math.Abs(a.CentreX - b.CentreX) < 0.05 * a.Width && Math.Abs(a.CentreY - b.CentreY) < 0.05 * a.Height;

        string Named(int[] found) => $"views[{found[0]}].camera" + (found.Length > 1 ? $" ({found.Length} of {views.Count} are alike)" : "");
    }

    private static InputFinding? Units(RegistrationInput input, double[] points, double diameter)
    {
        if (points.Length > 0 && input.DiameterMetres > 0 && Extent(points) > 0)
        {
            double ratio = Extent(points) / input.DiameterMetres;
            if (IsNear(ratio, 1000)) return InputFinding.Of(InputFault.Millimetres, PlainEvidence, "object points", $"{Extent(points):0.#} m across, {ratio:0} times the diameter of {input.DiameterMetres:0.####} m that is given; as millimetres they would fit");
            if (IsNear(ratio, 0.001)) return InputFinding.Of(InputFault.Millimetres, PlainEvidence, "diameter", $"{input.DiameterMetres:0.#} m given for points {Extent(points):0.####} m across; {input.DiameterMetres / 1000:0.####} m, the same number of millimetres, would fit");
        }
        double[] distances = [.. input.Views.Select(view => Distance(view.ObjectToCamera, points)).Where(double.IsFinite).Order()];
        double distance = distances.Length > 0 ? distances[distances.Length / 2] : 0;
        if (diameter > LargestDiameter && double.IsFinite(diameter))
        {
            bool isAll = distance > diameter / 10;
            return InputFinding.Of(InputFault.Millimetres, PlainEvidence, "object", $"{diameter:0.#} m across, at most {LargestDiameter} m expected, and {distance:0.###} m from the cameras; {(isAll ? "object and poses seem to be in millimetres" : "in millimetres it would fit poses in metres")}");
        }
        if (diameter > 0 && distance > 0)
        {
            double[] shown = [.. input.Views.Where(view => CameraNumbers.IsUsable(view.Camera)).Select(view => view.Camera.FocalX * diameter / Distance(view.ObjectToCamera, points)).Order()];
            if (shown.Length > 0 && shown[shown.Length / 2] < SmallestShown && 1000 * shown[shown.Length / 2] > 2 * SmallestShown && distance > LargestDiameter)
                return InputFinding.Of(InputFault.Millimetres, PlainEvidence, "views.object_to_camera.translation", $"{distance:0.#} m from the object (middle of {distances.Length} views) show its {diameter:0.###} m in {shown[shown.Length / 2]:0.##} pixels; in millimetres it would be {1000 * shown[shown.Length / 2]:0}");
        }
        double[] ratios = [.. input.Views.Select(view => DepthRatio(view, points)).Where(double.IsFinite).Order()];
        if (ratios.Length > 0 && IsNear(ratios[ratios.Length / 2], 1000))
            return InputFinding.Of(InputFault.Millimetres, VisibleEvidence, "views.depth", $"values are {ratios[ratios.Length / 2]:0} times the distance of the object (middle of {ratios.Length} views); as millimetres they would fit");
        if (ratios.Length > 0 && IsNear(ratios[ratios.Length / 2], 10_000))
            return InputFinding.Of(InputFault.Millimetres, VisibleEvidence, "views.depth", $"values are {ratios[ratios.Length / 2]:0} times the distance of the object (middle of {ratios.Length} views); as tenths of millimetres they would fit");
        return null;

        static bool IsNear(double ratio, double value) => Math.Abs(Math.Log10(ratio / value)) < 0.45;
    }

    private static double Distance(in RigidPose pose, double[] points)
    {
        var at = pose.Apply(Centre(points));
        return Math.Sqrt(at.X * at.X + at.Y * at.Y + at.Z * at.Z);
    }

    private static (double X, double Y, double Z) Centre(double[] points)
    {
        double x = 0, y = 0, z = 0;
        for (int i = 0; i < points.Length; i += 3) (x, y, z) = (x + 3 * points[i] / points.Length, y + 3 * points[i + 1] / points.Length, z + 3 * points[i + 2] / points.Length);
        return (x, y, z);
    }

    private static double DepthRatio(PosedPhoto view, double[] points)
    {
        double[] depths = [.. Enumerable.Range(0, view.DepthSamples.Length / 3).Select(i => Math.Abs(view.DepthSamples[3 * i + 2])).Where(depth => depth > 0 && double.IsFinite(depth)).Order()];
        return depths.Length < FewestDepths ? double.NaN : depths[depths.Length / 2] / Distance(view.ObjectToCamera, points);
    }

    private static InputFinding? PosesOrFocals(RegistrationInput input, double[] points, double diameter)
    {
        PosedPhoto[] views = [.. input.Views.Where(view => CameraNumbers.IsUsable(view.Camera))];
        int negative = input.Views.Sum(view => view.DepthSamples.Where((depth, i) => i % 3 == 2 && depth < 0).Count()), positive = input.Views.Sum(view => view.DepthSamples.Where((depth, i) => i % 3 == 2 && depth > 0).Count());
        if (negative >= FewestDepths && negative > 10 * positive)
            return InputFinding.Of(InputFault.OpenGlAxes, VisibleEvidence, "views.depth", $"{negative} of {negative + positive} values are below 0, as along OpenGL's backward z; here depth grows forward");
        if (views.Length < input.Views.Count || views.Length == 0) return null;
        RigidPose[] given = [.. views.Select(view => view.ObjectToCamera)];
        var tracks = new TrackConsistency(views, input.Tracks, MostTracks);
        bool hasTracks = tracks.Count >= FewestTracks;
        double[] cloud = points.Length > 0 ? points : hasTracks || !(diameter > 0) ? [] : Ball(diameter / 2);
        double visible = Visible(views, given, cloud);
        var before = hasTracks ? tracks.Evaluate(given) : default;
        InputFinding? best = null;
        foreach ((InputFault fault, string name, Func<RigidPose, RigidPose> right) in Rivals)
        {
            RigidPose[] poses = [.. given.Select(right)];
            double shown = Visible(views, poses, cloud);
            var after = hasTracks ? tracks.Evaluate(poses) : default;
            double gain = after.Gain - before.Gain;
            bool isSeen = cloud.Length > 0 && shown > Seen && shown > visible + SeenMore && gain > -2;
            bool isMet = hasTracks && gain > TrackEvidence + EvidenceEach * after.Fitting && (cloud.Length == 0 || shown > visible - 0.1);
            double evidence = Math.Max(gain, 0) + (cloud.Length > 0 ? VisibleEvidence * Math.Max(0, shown - visible) : 0);
            if ((!isSeen && !isMet) || evidence <= (best?.Evidence ?? 0)) continue;
            string where = cloud.Length > 0 ? FormattableString.Invariant($", {100 * shown:0} % of the object is in the picture instead of {100 * visible:0} %") : "";
            string met = hasTracks ? FormattableString.Invariant($", {after.Fitting:0} of {tracks.Observations} points of tracks meet to {after.NoisePixels:0.0} px instead of {before.Fitting:0} to {before.NoisePixels:0.0} (log-likelihood {gain:0.#} higher)") : "";
            best = InputFinding.Of(fault, evidence, "views.object_to_camera", $"{name}{where}{met}");
        }
        return best ?? (hasTracks ? Focals(views, given, tracks, before) : null);
    }

    private static InputFinding? Focals(PosedPhoto[] views, RigidPose[] poses, TrackConsistency tracks, (double Gain, double NoisePixels, double Fitting) before)
    {
        PinholeCamera camera = views[0].Camera;
        double aspect = camera.FocalY / camera.FocalX;
        var swapped = Math.Max(aspect, 1 / aspect) > PhotoLinter.LeastAspect ? tracks.Evaluate(poses, aspect, 1 / aspect) : default;
        // Cameras of several ratios have no swap in common; the first one's is asked then, and loses.
        double bestFactor = 1;
        var focal = before;
        for (double log = -Math.Log(5); log <= Math.Log(5); log += 0.1) Try(Math.Exp(log));
        for (double step = 0.05; step > 0.004; step /= 2)
        {
            double middle = bestFactor;
            Try(middle * Math.Exp(step));
            Try(middle * Math.Exp(-step));
        }
        double swapGain = swapped.Gain - before.Gain, focalGain = focal.Gain - before.Gain;
        // Poses that are themselves rough let few tracks meet, and by chance some more with any other camera.
        double fewest = LeastFitting * tracks.Observations;
        if (swapGain > SwapEvidence + EvidenceEach * swapped.Fitting && swapped.Fitting > fewest && swapGain > focalGain - 2)
            return InputFinding.Of(InputFault.SwappedFocals, swapGain, "views.camera", $"fx {camera.FocalX:0.#} and fy {camera.FocalY:0.#} px given; exchanged, {swapped.Fitting:0} of {tracks.Observations} points of tracks meet to {swapped.NoisePixels:0.0} px instead of {before.Fitting:0} to {before.NoisePixels:0.0} (log-likelihood {swapGain:0.#} higher)");
        if (focalGain > FocalEvidence + EvidenceEach * focal.Fitting && focal.Fitting > fewest && Math.Max(bestFactor, 1 / bestFactor) > PhotoLinter.LeastFocalFactor)
            return InputFinding.Of(InputFault.Uncalibrated, focalGain, "views.camera", $"fx {camera.FocalX:0.#} px given; with {camera.FocalX * bestFactor:0.#} px {focal.Fitting:0} of {tracks.Observations} points of tracks meet to {focal.NoisePixels:0.0} px instead of {before.Fitting:0} to {before.NoisePixels:0.0} (log-likelihood {focalGain:0.#} higher)");
        return null;

        void Try(double factor)
        {
            var found = tracks.Evaluate(poses, factor, factor);
            if (found.Gain > focal.Gain) (focal, bestFactor) = (found, factor);
        }
    }

    private static double Visible(PosedPhoto[] views, RigidPose[] poses, double[] cloud)
    {
        if (cloud.Length == 0) return 0;
        int seen = 0;
        for (int v = 0; v < views.Length; v++)
        {
            PinholeCamera camera = views[v].Camera;
            (double right, double down) = (Margin * camera.Width, Margin * camera.Height);
            for (int i = 0; i < cloud.Length; i += 3)
            {
                var at = poses[v].Apply((cloud[i], cloud[i + 1], cloud[i + 2]));
                (double x, double y) = camera.Project(at);
                if (at.Z > 0 && x > -right && y > -down && x < camera.Width + right && y < camera.Height + down) seen++;
            }
        }
        return 3.0 * seen / (cloud.Length * views.Length);
    }

    private static double[] Ball(double radius) => [radius, 0, 0, -radius, 0, 0, 0, radius, 0, 0, -radius, 0, 0, 0, radius, 0, 0, -radius];
}
