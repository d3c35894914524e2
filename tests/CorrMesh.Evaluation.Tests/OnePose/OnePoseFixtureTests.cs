using System.Text.Json;
using CorrMesh.Geometry;
using CorrMesh.Geometry.Pnp;
using CorrMesh.Rendering.Views;
using CorrMesh.TestKit;
using CorrMesh.Vision.Similarity;
using Xunit;

namespace CorrMesh.Evaluation.OnePose.Tests;

/// <summary>The miniature OnePose-LowTex tree against what the paper's script made of it.</summary>
public class OnePoseFixtureTests
{
    // A similarity this close to the best one is a tie that float32 may decide either way: the fixture's own margin.
    private const double TieMargin = 1e-4;

    // Descriptors are made once for all tests: by far the slowest part.
    private static readonly Lazy<IReadOnlyList<MeasuredObject>> Measured = new(Measure);

    // Goal: descriptors and points of the reference pictures, and every 7th of the grid, are the script's. Tolerance: the fixture's 2e-4; points are equal.
    [Fact]
    public void Describe_PaperPictures_SameDescriptors()
    {
        Fixture fixture = TestKit.SharedData.Fixture("onepose");
        double tolerance = fixture.Meta.GetProperty("tolerance").GetProperty("desc_abs").GetDouble();
        var comparison = new ArrayComparison("onepose");
        foreach (MeasuredObject one in Measured.Value)
        {
            Assert.Equal(fixture.Array($"{one.Name}/template_pts3d.npy").Doubles(), one.Templates.Points);
            comparison.Check("template descriptors", one.Name, fixture.Array($"{one.Name}/template_desc.npy").Floats(), one.Templates.Descriptors, tolerance);
            foreach (MeasuredFrame frame in one.Frames)
            {
                float[] expected = fixture.Array($"{one.Name}/frame_{frame.Name}_desc.npy").Floats();
                float[] every7th = [.. frame.Descriptors.Chunk(one.Channels).Where((_, i) => i % 7 == 0).SelectMany(descriptor => descriptor)];
                comparison.Check("frame descriptors", $"{one.Name}/{frame.Name}", expected, every7th, tolerance);
            }
        }
        comparison.Print();
    }

    // Goal: the frames of the script, and its nearest neighbours both ways. Tolerance: equal, except where ours is within 1e-4 of the script's in similarity.
    [Fact]
    public void Nearest_PaperDescriptors_SameBothWays()
    {
        Fixture fixture = TestKit.SharedData.Fixture("onepose");
        Assert.Equal(Frames(fixture).Select(frame => (frame.Object, frame.Name)).Order(), Measured.Value.SelectMany(one => one.Frames.Select(frame => (one.Name, frame.Name))).Order());
        int compared = 0, ties = 0;
        foreach (MeasuredObject one in Measured.Value)
            foreach (MeasuredFrame frame in one.Frames)
            {
                Check(frame.Descriptors, one.Templates.Descriptors, fixture.Array($"{one.Name}/frame_{frame.Name}_nbr1.npy").Longs());
                Check(one.Templates.Descriptors, frame.Descriptors, fixture.Array($"{one.Name}/frame_{frame.Name}_nbr2.npy").Longs());

                void Check(float[] sources, float[] targets, long[] expected)
                {
                    NearestMatch[] nearest = MutualMatches.Nearest(sources, targets, one.Channels);
                    Assert.Equal(expected.Length, nearest.Length);
                    for (int i = 0; i < expected.Length; i++)
                    {
                        compared++;
                        if (nearest[i].Target == expected[i]) continue;
                        ties++;
                        double gap = Product(sources, i, targets, nearest[i].Target, one.Channels) - Product(sources, i, targets, (int)expected[i], one.Channels);
                        Assert.True(gap < TieMargin, $"{one.Name}/{frame.Name}, {i}: {expected[i]} expected, {nearest[i].Target} found, which is nearer by {gap}");
                    }
                }
            }
        Write($"PARITY onepose nearest neighbours: {compared} compared, {compared - ties} equal, {ties} ties");
    }

    // Goal: the script's matches. Tolerance: the fixture's: the same set, except where the second best is within 1e-4.
    [Fact]
    public void Match_PaperDescriptors_SameMatches()
    {
        Fixture fixture = TestKit.SharedData.Fixture("onepose");
        int compared = 0, equal = 0;
        foreach (MeasuredObject one in Measured.Value)
            foreach (MeasuredFrame frame in one.Frames)
            {
                PointMatches expected = Recorded(fixture, one.Name, frame.Name);
                float[] margins = fixture.Array($"{one.Name}/frame_{frame.Name}_match_margin.npy").Floats();
                HashSet<(double, double, double, double, double)> found = [.. Rows(frame.Matches)], known = [.. Rows(expected)];
                int close = margins.Count(margin => margin < TieMargin);
                Assert.All(Rows(expected).Where((row, i) => margins[i] >= TieMargin), row => Assert.Contains(row, found));
                Assert.InRange(found.Count(row => !known.Contains(row)), 0, close);
                compared += known.Count;
                equal += known.Count(found.Contains);
                if (close == 0) Assert.Equal(Rows(expected), Rows(frame.Matches));   // the script's order, too: by grid point
            }
        Write($"PARITY onepose matches: {compared} compared, {equal} equal");
    }

    // Goal: our solver with its default options is not worse than the script's call of OpenCV, on the same matches. Method: errors against the true poses.
    // Tolerance: each frame the fixture's, the larger of 1.5 times the recorded error and 0.5 degrees / 0.5 cm more. As single frames are noise, their medians say more: rotation and the mean
    // distance of the object's points (what both errors do together; rotation and translation of one fit trade with each other) are to be below the script's, translation within a standard error.
    [Fact]
    public void Estimate_PaperMatches_NotWorseThanItsSolver()
    {
        Fixture fixture = TestKit.SharedData.Fixture("onepose");
        List<FrameError> own = [], others = [];
        List<double> ownDistances = [], otherDistances = [], deviations = [];
        foreach (MeasuredObject one in Measured.Value)
            foreach (MeasuredFrame frame in one.Frames)
            {
                JsonElement recorded = fixture.Meta.GetProperty("frames").EnumerateArray().Single(f => f.GetProperty("object").GetString() == one.Name && f.GetProperty("frame").GetString() == frame.Name);
                RigidPose truth = Pose(fixture, one.Name, frame.Name, "gt"), theirs = Pose(fixture, one.Name, frame.Name, "pred");
                PointMatches matches = Recorded(fixture, one.Name, frame.Name);
                RigidPose ours = OneShotPose.Estimate(matches, frame.Camera) ?? throw new InvalidOperationException($"{one.Name}/{frame.Name}: no pose");
                FrameError error = FrameError.Of(frame.Name, matches.Count, ours, truth), other = FrameError.Of(frame.Name, matches.Count, theirs, truth);
                Assert.Equal(recorded.GetProperty("rot_err_deg").GetDouble(), other.RotationDegrees, 1e-6);
                Assert.Equal(recorded.GetProperty("trans_err_cm").GetDouble(), other.TranslationCentimetres, 1e-6);
                Assert.InRange(error.RotationDegrees, 0, Math.Max(1.5 * other.RotationDegrees, other.RotationDegrees + 0.5));
                Assert.InRange(error.TranslationCentimetres, 0, Math.Max(1.5 * other.TranslationCentimetres, other.TranslationCentimetres + 0.5));
                own.Add(error);
                others.Add(other);
                ownDistances.Add(Distance(one.Templates.Points, ours, truth));
                otherDistances.Add(Distance(one.Templates.Points, theirs, truth));
                double[] covariance = PnpSolver.Solve(matches.ObjectPoints, matches.ImagePoints, frame.Camera).Best!.Covariance;
                deviations.Add(100 * Math.Sqrt(covariance[0] + covariance[7] + covariance[14]));
                Write($"PARITY onepose pose {one.Name}/{frame.Name}: {error.RotationDegrees:F3} deg (cv2 {other.RotationDegrees:F3}), {error.TranslationCentimetres:F3} cm ({other.TranslationCentimetres:F3}), points {100 * ownDistances[^1]:F3} cm ({100 * otherDistances[^1]:F3})");
            }
        (double rotation, double otherRotation) = (Median(own, e => e.RotationDegrees), Median(others, e => e.RotationDegrees));
        (double translation, double otherTranslation) = (Median(own, e => e.TranslationCentimetres), Median(others, e => e.TranslationCentimetres));
        (double points, double otherPoints) = (100 * OnePoseReport.Median(ownDistances), 100 * OnePoseReport.Median(otherDistances));
        double noise = OnePoseReport.Median(deviations) / Math.Sqrt(own.Count);
        Write($"PARITY onepose pose medians: {rotation:F3} deg (cv2 {otherRotation:F3}), {translation:F3} cm ({otherTranslation:F3}, standard error {noise:F3}), points {points:F3} cm ({otherPoints:F3})");
        Assert.InRange(rotation, 0, otherRotation);
        Assert.InRange(points, 0, otherPoints);
        Assert.InRange(translation, 0, otherTranslation + noise);
    }

    // Goal: the whole run gives the script's table or a better one, from one pass to the next the same. Tolerance: none; each object's shares are at least the script's.
    [Fact]
    public void Measure_PaperTree_SharesNotBelowTheScripts()
    {
        Fixture fixture = TestKit.SharedData.Fixture("onepose");
        using OneShotFeatures features = Features(fixture);
        OnePoseRow[] rows = [.. OnePoseObject.Find(fixture.PathOf("data")).Select(one => OnePoseRun.Measure(one, features, 2))];
        IReadOnlyList<OnePoseShares> script = OnePoseShares.Read(fixture.PathOf("pose_estimation.csv"));
        foreach (OnePoseRow row in rows)
        {
            JsonElement expected = fixture.Meta.GetProperty("expected").GetProperty(row.Name);
            foreach (double bound in OnePoseReport.Bounds)
            {
                Assert.Equal(expected.GetProperty($"threshold_{bound}").GetDouble(), script.Single(shares => shares.Name == row.Name).Share(bound));
                Assert.InRange(row.Share(bound), expected.GetProperty($"threshold_{bound}").GetDouble(), 1);
            }
        }
        Assert.Equal(["0700-toybox-others", "0701-teacan-box"], rows.Select(row => row.Name));
        string table = new OnePoseReport(rows, script, "model", "cpu").ToJson();
        rows = [.. OnePoseObject.Find(fixture.PathOf("data")).Select(one => OnePoseRun.Measure(one, features, 1))];
        Assert.Equal(table, new OnePoseReport(rows, script, "model", "cpu").ToJson());
    }

    // Goal: more rows than may be held are thinned evenly. Method: of 660 every third. Tolerance: none; a row's descriptor does not depend on the others.
    [Fact]
    public void From_MoreRowsThanAllowed_AreSpreadEvenly()
    {
        Fixture fixture = TestKit.SharedData.Fixture("onepose");
        using OneShotFeatures features = Features(fixture);
        MeasuredObject whole = Measured.Value[0];
        var thinned = TemplatePoints.From(OnePoseObject.Find(fixture.PathOf("data"))[0].Templates(), features, whole.Templates.Count / 3);
        Assert.Equal(whole.Templates.Points.Chunk(3).Where((_, i) => i % 3 == 0).SelectMany(point => point), thinned.Points);
        Assert.Equal(whole.Templates.Descriptors.Chunk(whole.Channels).Where((_, i) => i % 3 == 0).SelectMany(descriptor => descriptor), thinned.Descriptors);
    }

    private static OneShotFeatures Features(Fixture fixture) => new(fixture.PathOf("backbone.pth"), fixture.PathOf("finetuned.ckpt"), fixture.Config("num_heads", 0));

    private static RigidPose Pose(Fixture fixture, string name, string frame, string kind) => RigidPose.FromRowMajor(fixture.Array($"{name}/frame_{frame}_pose_{kind}.npy").Doubles());

    private static double Median(IEnumerable<FrameError> errors, Func<FrameError, double> part) => OnePoseReport.Median(errors.Select(part));

    // Mean over the object's points of how far two poses put them from each other.
    private static double Distance(double[] points, RigidPose a, RigidPose b) => points.Chunk(3).Average(p =>
    {
        (double X, double Y, double Z) point = (p[0], p[1], p[2]), first = a.Apply(point), second = b.Apply(point);
        return Math.Sqrt(Math.Pow(first.X - second.X, 2) + Math.Pow(first.Y - second.Y, 2) + Math.Pow(first.Z - second.Z, 2));
    });

    private static IReadOnlyList<MeasuredObject> Measure()
    {
        Fixture fixture = TestKit.SharedData.Fixture("onepose");
        using OneShotFeatures features = Features(fixture);
        return [.. OnePoseObject.Find(fixture.PathOf("data")).Select(one =>
        {
            var templates = TemplatePoints.From(one.Templates(), features);
            return new MeasuredObject(one.Name, features.Channels, templates, [.. one.Frames().Select(frame =>
            {
                float[] grid = OneShotPose.Grid(frame.View.Image.Width, frame.View.Image.Height), descriptors = features.Describe(frame.View.Image, grid);
                return new MeasuredFrame(frame.Name, frame.View.Camera, descriptors, OneShotPose.Match(grid, descriptors, templates, 1));
            })]);
        })];
    }

    private static IEnumerable<(string Object, string Name)> Frames(Fixture fixture) =>
        fixture.Meta.GetProperty("frames").EnumerateArray().Select(frame => (frame.GetProperty("object").GetString()!, frame.GetProperty("frame").GetString()!));

    private static PointMatches Recorded(Fixture fixture, string name, string frame) =>
        new(fixture.Array($"{name}/frame_{frame}_match_src.npy").Doubles(), fixture.Array($"{name}/frame_{frame}_match_dst3d.npy").Doubles());

    private static IEnumerable<(double, double, double, double, double)> Rows(PointMatches matches) => Enumerable.Range(0, matches.Count).Select(i =>
        (matches.ImagePoints[2 * i], matches.ImagePoints[2 * i + 1], matches.ObjectPoints[3 * i], matches.ObjectPoints[3 * i + 1], matches.ObjectPoints[3 * i + 2]));

    private static double Product(float[] sources, int source, float[] targets, int target, int channels)
    {
        double sum = 0;
        for (int c = 0; c < channels; c++) sum += (double)sources[source * channels + c] * targets[target * channels + c];
        return sum;
    }

    private static void Write(FormattableString line) => TestContext.Current.TestOutputHelper?.WriteLine(FormattableString.Invariant(line));

    private sealed record MeasuredFrame(string Name, PinholeCamera Camera, float[] Descriptors, PointMatches Matches);

    private sealed record MeasuredObject(string Name, int Channels, TemplatePoints Templates, IReadOnlyList<MeasuredFrame> Frames);
}
