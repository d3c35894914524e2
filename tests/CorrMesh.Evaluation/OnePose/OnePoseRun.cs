using CorrMesh.Geometry;
using CorrMesh.Rendering.Views;

namespace CorrMesh.Evaluation.OnePose;

/// <summary>How far the pose of one frame was off.</summary>
/// <param name="Name">Of its files.</param>
/// <param name="MatchCount">Mutual matches.</param>
/// <param name="IsSolved">Whether a pose was accepted; without one the identity is measured, as the script does.</param>
/// <param name="RotationDegrees">Angle between the rotations.</param>
/// <param name="TranslationCentimetres">Distance between the translations.</param>
internal sealed record FrameError(string Name, int MatchCount, bool IsSolved, double RotationDegrees, double TranslationCentimetres)
{
    public static FrameError Of(string name, int matchCount, RigidPose? estimate, RigidPose truth)
    {
        RigidPose pose = estimate ?? RigidPose.Identity;
        double x = pose.X - truth.X, y = pose.Y - truth.Y, z = pose.Z - truth.Z;
        return new FrameError(name, matchCount, estimate is not null, pose.AngleTo(truth), 100 * Math.Sqrt(x * x + y * y + z * z));
    }

    /// <summary>Both errors strictly below a bound of as many degrees and centimetres.</summary>
    public bool IsWithin(double bound) => RotationDegrees < bound && TranslationCentimetres < bound;
}

/// <summary>One object's frames.</summary>
internal sealed record OnePoseRow(string Name, int TemplateCount, IReadOnlyList<FrameError> Frames)
{
    /// <summary>Share of frames within a bound, 0 to 1.</summary>
    public double Share(double bound) => (double)Frames.Count(frame => frame.IsWithin(bound)) / Frames.Count;
}

/// <summary>Measures an object.</summary>
internal static class OnePoseRun
{
    /// <param name="threads">Of the search; the answer does not depend on them.</param>
    /// <exception cref="InvalidDataException">A file is missing, or not what it should be; the message names it.</exception>
    public static OnePoseRow Measure(OnePoseObject one, OneShotFeatures features, int threads)
    {
        var templates = TemplatePoints.From(one.Templates(), features);
        float[]? grid = null;
        List<FrameError> frames = [];
        foreach ((string name, ObjectView view) in one.Frames())
        {
            grid ??= OneShotPose.Grid(view.Image.Width, view.Image.Height);   // of the first frame, for all
            PointMatches matches = OneShotPose.Match(grid, features.Describe(view.Image, grid), templates, threads);
            frames.Add(FrameError.Of(name, matches.Count, OneShotPose.Estimate(matches, view.Camera), view.ObjectToCamera));
        }
        return new OnePoseRow(one.Name, templates.Count, frames);
    }
}
