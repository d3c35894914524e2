using CorrMesh.Geometry;
using CorrMesh.Geometry.Pnp;
using CorrMesh.Pose.Linting;
using Xunit;

namespace CorrMesh.Pose.Tests.Linting;

/// <summary>Sentences of findings, and inputs that are hardly ones.</summary>
public sealed class LintEdgeTests(ITestOutputHelper output)
{
    private static readonly PinholeCamera Camera = new(640, 480, 600, 600, 319.5, 239.5);
    private static readonly RigidPose Pose = RigidPose.LookAt((0.3, -0.4, -0.8), (0, 0, 0), (0, -1, 0));

    // Goal: a message names the field, what was given and what fits better, in numbers as code has them.
    [Fact]
    public void Lint_SwappedFocals_SaysWhatWasGivenAndHowMuchBetterItFits()
    {
        PhotoInput right = Photo(Camera with { FocalX = 700.5, FocalY = 500.5 }), wrong = PhotoScene.Solved(right with { Camera = right.Camera with { FocalX = 500.5, FocalY = 700.5 } });
        InputFinding finding = Assert.Single(PhotoLinter.Lint(wrong));
        Assert.Equal((InputFault.SwappedFocals, "camera"), (finding.Fault, finding.Field));
        Assert.Matches(@"^camera: fx 500\.5 and fy 700\.5 px given; exchanged, \d+ matches fit to \d\.\d px instead of \d+ to \d+\.\d \(log-likelihood [\d.]+ higher\)\.$", finding.Message);
        Assert.InRange(finding.Confidence, 0.99, 1);
    }

    [Fact]
    public void Lint_FocalLengthOfAnotherLens_NamesTheOneThatFits()
    {
        PhotoInput input = PhotoScene.Solved(Photo(Camera) with { Camera = Camera with { FocalX = 1500, FocalY = 1500 } });
        InputFinding finding = Assert.Single(PhotoLinter.Lint(input));
        Assert.Equal(InputFault.Uncalibrated, finding.Fault);
        double found = double.Parse(finding.Message.Split("with ")[1].Split(" px")[0], System.Globalization.CultureInfo.InvariantCulture);
        Assert.InRange(found, 540, 660);
    }

    // Focal lengths nearer than LeastAspect are not called swapped, whatever the matches say: it moves them by a few percent of the object's size at most.
    [Fact]
    public void Lint_FocalLengthsAlmostEqual_AreNotCalledSwapped()
    {
        PhotoInput right = Photo(Camera with { FocalX = 615 }, noise: 0.05);
        Assert.Empty(PhotoLinter.Lint(PhotoScene.Solved(right with { Camera = Camera with { FocalY = 615 } })));
    }

    [Theory]
    [InlineData(1, 1, 0, 0, nameof(InputFault.Uncalibrated), "the principal point (0, 0)")]
    [InlineData(600, 600, 0, 0, nameof(InputFault.Uncalibrated), "about (319.5, 239.5) fits 640 x 480 pixels")]
    [InlineData(20_000, 20_000, 320, 240, nameof(InputFault.Uncalibrated), "0.3 to 10 times")]
    [InlineData(double.NaN, 600, 320, 240, nameof(InputFault.Uncalibrated), "fx NaN")]
    [InlineData(0, 0, 0, 0, nameof(InputFault.Uncalibrated), "no calibrated camera")]
    [InlineData(600, -600, 320, 240, nameof(InputFault.OpenGlAxes), "fy -600")]
    [InlineData(1200, 1200, 640, 480, nameof(InputFault.OtherResolution), "the middle of about 1281 x 961 pixels, the picture has 640 x 480; scaled by 0.5")]
    [InlineData(600, 610, 240, 320, nameof(InputFault.OtherResolution), "on its side it would have fx 610, fy 600, cx 320, cy 240")]
    public void Lint_CameraAlone_IsToldByItsNumbers(double fx, double fy, double cx, double cy, string fault, string says)
    {
        InputFinding finding = Assert.Single(PhotoLinter.Lint(new PhotoInput { Camera = new PinholeCamera(640, 480, fx, fy, cx, cy) }));
        Assert.Equal(fault, finding.Fault.ToString());
        Assert.Contains(says, finding.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Lint_ObjectInMillimetres_SaysItsSize()
    {
        InputFinding finding = Assert.Single(PhotoLinter.Lint(new PhotoInput { Camera = Camera, DiameterMetres = 189.07 }));
        Assert.Equal("object: registered 189.1 m across, at most 20 m expected; 0.1891 m would be the same number of millimetres.", finding.Message);
    }

    [Fact]
    public void Lint_NoMatchesOrNothingFinite_FindsNothing()
    {
        Assert.Empty(PhotoLinter.Lint(new PhotoInput { Camera = Camera }));
        double[] nothing = [.. Enumerable.Repeat(double.NaN, 120)];
        byte[] colours = new byte[180];
        PhotoInput input = new() { Camera = Camera with { FocalX = 500 }, DiameterMetres = double.NaN, ObjectPoints = [.. nothing, .. nothing[..60]], ImagePoints = nothing, DepthMetres = nothing[..60], PictureColours = colours, ObjectColours = colours };
        Assert.Empty(PhotoLinter.Lint(PhotoScene.Solved(input)));
        double[] same = [.. Enumerable.Repeat(1.0, 180)];
        Assert.Empty(PhotoLinter.Lint(PhotoScene.Solved(input with { ObjectPoints = same, ImagePoints = same[..120], DiameterMetres = double.PositiveInfinity })));
    }

    // Goal: without a pose of the solver's, findings of the camera are the same or none, and nothing fails.
    [Fact]
    public void Lint_NoResult_StillComparesCameras()
    {
        Assert.Empty(PhotoLinter.Lint(Photo(Camera)));
        Assert.Equal(InputFault.SwappedFocals, Assert.Single(PhotoLinter.Lint(Photo(Camera with { FocalX = 800 }) with { Camera = Camera with { FocalY = 800 } })).Fault);
    }

    // Goal: effort hardly grows with the input: 200,000 matches, and 500 views. Times are written, not judged.
    [Fact]
    public void Lint_HugeInput_FindsNothing()
    {
        PhotoInput input = Photo(Camera, count: 200_000) with { Result = PnpResultOf(Pose, 200_000) };
        long start = System.Diagnostics.Stopwatch.GetTimestamp();
        Assert.Empty(PhotoLinter.Lint(input));
        output.WriteLine($"{System.Diagnostics.Stopwatch.GetElapsedTime(start).TotalMilliseconds:0.0} ms");
    }

    [Fact]
    public void Lint_LengthsThatDoNotFit_AreNamed()
    {
        PhotoInput input = new() { Camera = Camera, ObjectPoints = new double[6], ImagePoints = new double[2] };
        Assert.Contains("image points: 4 values needed, 2 given", Assert.Throws<ArgumentException>(() => PhotoLinter.Lint(input)).Message, StringComparison.Ordinal);
        var view = new PosedPhoto { ObjectToCamera = Pose, Camera = Camera, DepthSamples = new double[2] };
        Assert.Contains("views[0].depth", Assert.Throws<ArgumentException>(() => RegistrationLinter.Lint(new RegistrationInput { Views = [view] })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Lint_RegistrationOfNothing_FindsNothing()
    {
        Assert.Empty(RegistrationLinter.Lint(new RegistrationInput { Views = [] }));
        var view = new PosedPhoto { ObjectToCamera = Pose with { X = double.NaN }, Camera = Camera };
        var input = new RegistrationInput { Views = [view, view], ObjectPoints = [double.NaN, 0, 0], DiameterMetres = double.NaN, Tracks = [new(0, 0, 1, 1), new(0, 1, double.NaN, 1), new(1, 7, 1, 1), new(2, 0, 5, 5), new(2, 1, 6, 6)] };
        Assert.Empty(RegistrationLinter.Lint(input));
    }

    [Fact]
    public void Lint_HugeRegistration_FindsNothing()
    {
        var random = new SeededRandom(9, 1);
        RegistrationInput small = RegistrationScene.Random(random, known: Known.PointsAndTracks).Input;
        int views = 500, tracks = 2000;
        PosedPhoto[] photos = [.. Enumerable.Range(0, views).Select(i => small.Views[i % small.Views.Count])];
        var input = new RegistrationInput
        {
            Views = photos,
            ObjectPoints = [.. Enumerable.Range(0, 3000).SelectMany(_ => small.ObjectPoints)],
            Tracks = [.. Enumerable.Range(0, tracks).SelectMany(i => Enumerable.Range(0, 100).Select(k => new TrackedPoint(i, 5 * k, random.Range(0, 640), random.Range(0, 480))))],
        };
        long start = System.Diagnostics.Stopwatch.GetTimestamp();
        Assert.Empty(RegistrationLinter.Lint(input));
        output.WriteLine($"{System.Diagnostics.Stopwatch.GetElapsedTime(start).TotalMilliseconds:0.0} ms");
    }

    [Fact]
    public void Lint_RegistrationWithOneView_IsToldByWhereTheObjectIs()
    {
        var view = new PosedPhoto { ObjectToCamera = Pose, Camera = Camera };
        Assert.Empty(RegistrationLinter.Lint(new RegistrationInput { Views = [view], DiameterMetres = 0.3 }));
        RigidPose flip = new(1, 0, 0, 0, 0, -1, 0, 0, 0, 0, -1, 0);
        InputFinding finding = Assert.Single(RegistrationLinter.Lint(new RegistrationInput { Views = [view with { ObjectToCamera = flip * Pose }], DiameterMetres = 0.3 }));
        Assert.Equal("views.object_to_camera: as poses of a camera with OpenGL axes (y up, z backward), 100 % of the object is in the picture instead of 0 %.", finding.Message);
    }

    private static PhotoInput Photo(PinholeCamera camera, double noise = 0.5, int count = 120)
    {
        var random = new SeededRandom(7, 1);
        double[] points = new double[3 * count], seen = new double[2 * count];
        for (int i = 0; i < count; i++)
        {
            (points[3 * i], points[3 * i + 1], points[3 * i + 2]) = (random.Range(-0.2f, 0.2f), random.Range(-0.15f, 0.15f), random.Range(-0.2f, 0.2f));
            (double x, double y) = camera.Project(Pose.Apply((points[3 * i], points[3 * i + 1], points[3 * i + 2])));
            (seen[2 * i], seen[2 * i + 1]) = (x + noise * random.Normal(), y + noise * random.Normal());
        }
        return new PhotoInput { Camera = camera, DiameterMetres = 0.64, ObjectPoints = points, ImagePoints = seen };
    }

    private static PnpResult PnpResultOf(RigidPose pose, int count) =>
        new(PnpStatus.Solved, new PnpPose(pose, new double[36], 100), [], [.. Enumerable.Range(0, count)], 1, 3, 50);
}
