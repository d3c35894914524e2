using CorrMesh.Geometry;
using CorrMesh.Pose.Linting;

namespace CorrMesh.Pose.Tests.Linting;

/// <summary>Posed views of an object: what a linter is given when nothing is wrong, and what tests break.</summary>
/// <param name="Input">As a careful user gives it.</param>
/// <param name="NoisePixels">Of the right observations of tracks, each axis.</param>
/// <param name="CleanTracks">The right ones without noise.</param>
internal sealed record RegistrationScene(RegistrationInput Input, double NoisePixels, TrackedPoint[] CleanTracks)
{
    private static readonly (int Width, int Height)[] Sizes = [(640, 480), (1280, 720), (1920, 1080), (1024, 1024), (480, 640)];

    /// <summary>5 to 20 views from about the object, held by hand: any height, turned by up to 25 degrees, not quite at the middle. Tracks with noise of 0.5 to 2.5 pixels, up to 30 % wrong.</summary>
    /// <param name="known">What is known of the object: its points; its diameter and tracks; or tracks alone. Null for as it comes.</param>
    public static RegistrationScene Random(SeededRandom random, bool stretched = false, Known? known = null, bool withDepth = false, bool turntable = false)
    {
        known ??= (Known)random.Below(4);
        PinholeCamera camera = RandomCamera(random, stretched || random.Chance(0.2f));
        double diameter = Math.Exp(random.Range(MathF.Log(0.03f), MathF.Log(2))), noise = random.Range(0.5f, 2.5f), wrong = random.Range(0, 0.3f);
        // Frames of objects start in them or a little aside.
        (double X, double Y, double Z) middle = (diameter * random.Range(-0.3f, 0.3f), diameter * random.Range(-0.3f, 0.3f), diameter * random.Range(-0.3f, 0.3f));
        int count = random.Below(16) + 5, pointCount = random.Below(161) + 40;
        double[] points = new double[3 * pointCount];
        (double Width, double Height, double Depth) half = (random.Range(0.3f, 1), random.Range(0.3f, 1), random.Range(0.1f, 1));
        double size = diameter / 2 / Math.Sqrt(half.Width * half.Width + half.Height * half.Height + half.Depth * half.Depth);
        for (int i = 0; i < pointCount; i++)
        {
            (points[3 * i], points[3 * i + 1], points[3 * i + 2]) =
                (middle.X + size * half.Width * random.Range(-1, 1), middle.Y + size * half.Height * random.Range(-1, 1), middle.Z + size * half.Depth * random.Range(-1, 1));
        }
        double shown = random.Range(0.3f, 0.8f) * Math.Min(camera.Width, camera.Height), distance = Math.Max(diameter, diameter * Math.Sqrt(camera.FocalX * camera.FocalY) / shown);
        var views = new List<PosedPhoto>();
        var tracks = new List<TrackedPoint>();
        var clean = new List<TrackedPoint>();
        withDepth |= random.Chance(0.4f);
        for (int v = 0; v < count; v++)
        {
            double around = random.Range(0, MathF.Tau), above = random.Range(-0.2f, 1.2f), r = distance * random.Range(0.8f, 1.25f), aside = 0.15 * diameter, roll = random.Range(-0.45f, 0.45f);
            if (turntable) (above, r, aside, roll) = (0.5, distance, 0, 0);
            (double X, double Y, double Z) eye = (middle.X + r * Math.Cos(around) * Math.Cos(above), middle.Y + r * Math.Sin(around) * Math.Cos(above), middle.Z + r * Math.Sin(above));
            RigidPose look = RigidPose.LookAt(eye, (middle.X + aside * random.Normal(), middle.Y + aside * random.Normal(), middle.Z + aside * random.Normal()), (0, 0, 1));
            RigidPose pose = RigidPose.FromQuaternion(0, 0, Math.Sin(roll / 2), Math.Cos(roll / 2)) * look;
            var depth = new List<double>();
            for (int i = 0; i < pointCount; i++)
            {
                var at = pose.Apply((points[3 * i], points[3 * i + 1], points[3 * i + 2]));
                (double x, double y) = camera.Project(at);
                if (at.Z <= 0 || !camera.Contains(x, y)) continue;
                if (withDepth && random.Chance(0.2f)) depth.AddRange([Math.Round(x), Math.Round(y), at.Z * (1 + 0.01 * random.Normal())]);
                if (known == Known.Points || random.Chance(0.6f)) continue;
                bool right = !random.Chance((float)wrong);
                tracks.Add(right ? new TrackedPoint(i, v, x + noise * random.Normal(), y + noise * random.Normal()) : new TrackedPoint(i, v, x + 60 * random.Normal(), y + 60 * random.Normal()));
                if (right) clean.Add(new TrackedPoint(i, v, x, y));
            }
            views.Add(new PosedPhoto { ObjectToCamera = pose, Camera = camera, DepthSamples = [.. depth] });
        }
        var input = new RegistrationInput
        {
            Views = views,
            ObjectPoints = known is Known.Points or Known.PointsAndTracks ? points : [],
            DiameterMetres = known == Known.Tracks ? 0 : diameter,
            Tracks = tracks,
        };
        return new RegistrationScene(input, noise, [.. clean]);
    }

    /// <summary>The scene with something unusual that is no mistake, or that no one can help.</summary>
    public static RegistrationInput Unusual(SeededRandom random, RegistrationOddity oddity)
    {
        RegistrationInput input = Random(random, turntable: oddity == RegistrationOddity.Turntable).Input;
        switch (oddity)
        {
            case RegistrationOddity.CutViews:
                // Each to a part of its own, with its principal point moved rightly; what is outside is not seen.
                PosedPhoto[] views = [.. input.Views];
                (int X, int Y)[] corners = [.. views.Select(view => (random.Below(view.Camera.Width / 3), random.Below(view.Camera.Height / 3)))];
                for (int v = 0; v < views.Length; v++)
                {
                    PinholeCamera camera = views[v].Camera;
                    views[v] = views[v] with { Camera = camera with { Width = 2 * camera.Width / 3, Height = 2 * camera.Height / 3, CentreX = camera.CentreX - corners[v].X, CentreY = camera.CentreY - corners[v].Y }, DepthSamples = [] };
                }
                TrackedPoint[] moved = [.. input.Tracks.Select(point => point with { X = point.X - corners[point.View].X, Y = point.Y - corners[point.View].Y }).Where(point => views[point.View].Camera.Contains(point.X, point.Y))];
                return input with { Views = views, Tracks = moved };
            case RegistrationOddity.RoughPoses:
                // Of a hand or a robot: a degree and a percent.
                return input with
                {
                    Views =
                    [
                        .. input.Views.Select(view =>
                        {
                            double x = 0.009 * random.Normal(), y = 0.009 * random.Normal(), z = 0.009 * random.Normal();
                            RigidPose pose = view.ObjectToCamera, turned = RigidPose.FromQuaternion(x, y, z, Math.Sqrt(1 - x * x - y * y - z * z)) * (pose with { X = 0, Y = 0, Z = 0 });
                            return view with { ObjectToCamera = turned with { X = pose.X + 0.01 * pose.Z * random.Normal(), Y = pose.Y + 0.01 * pose.Z * random.Normal(), Z = pose.Z * (1 + 0.01 * random.Normal()) } };
                        }),
                    ],
                };
            default:
                return input;
        }
    }

    /// <summary>How much likelier the tracks are with the right cameras than with focal lengths multiplied by these, natural logarithm, were all right ones known: n log(1 + e² / 2σ²).</summary>
    public double ExpectedEvidence(double scaleX, double scaleY)
    {
        var tracks = new TrackConsistency([.. Input.Views], CleanTracks, int.MaxValue);
        var found = tracks.Evaluate([.. Input.Views.Select(view => view.ObjectToCamera)], scaleX, scaleY);
        return found.Fitting < CleanTracks.Length / 2 ? double.PositiveInfinity : CleanTracks.Length * Math.Log(1 + found.NoisePixels * found.NoisePixels / (NoisePixels * NoisePixels));
    }

    private static PinholeCamera RandomCamera(SeededRandom random, bool stretched)
    {
        (int width, int height) = Sizes[random.Below(Sizes.Length)];
        double degrees = random.Chance(0.7f) ? random.Range(60, 90) : random.Range(15, 40), fx = Math.Max(width, height) / 2.0 / Math.Tan(degrees * Math.PI / 360), fy = fx;
        if (stretched) fy *= random.Chance(0.5f) ? random.Range(1.12f, 1.8f) : 1 / random.Range(1.12f, 1.8f);
        return new PinholeCamera(width, height, fx, fy, (width - 1) / 2.0 + width * random.Range(-0.05f, 0.05f), (height - 1) / 2.0 + height * random.Range(-0.05f, 0.05f));
    }
}

/// <summary>What is known of an object that is registered, besides its posed views.</summary>
internal enum Known { Points, PointsAndTracks, DiameterAndTracks, Tracks }

/// <summary>What may be unusual without a mistake of the user's.</summary>
internal enum RegistrationOddity { CutViews, RoughPoses, Turntable }

/// <summary>Registrations with one mistake in what was given for them.</summary>
internal static class RegistrationFaults
{
    private const double Observable = 20;

    private static readonly double[] Scales = [0.25, 1 / 3.0, 0.5, 2 / 3.0, 0.75, 4 / 3.0, 1.5, 2, 3, 4];

    /// <summary>A scene with the mistake, and how many were thrown away because nothing shows it.</summary>
    public static (RegistrationInput Input, int Unobservable) Make(InputFault fault, SeededRandom random)
    {
        for (int thrown = 0; ; thrown++)
        {
            RegistrationInput? input = fault switch
            {
                InputFault.Millimetres => Millimetres(random),
                InputFault.SwappedFocals => SwappedFocals(random),
                InputFault.OtherResolution => OtherResolution(random),
                InputFault.OpenGlAxes => OpenGlAxes(random),
                InputFault.InvertedPoses => WithPoses(RegistrationScene.Random(random).Input, pose => pose.Inverse()),
                InputFault.Uncalibrated => Uncalibrated(random),
                _ => throw new ArgumentOutOfRangeException(nameof(fault)),
            };
            if (input is not null) return (input, thrown);
        }
    }

    private static RegistrationInput WithPoses(RegistrationInput input, Func<RigidPose, RigidPose> change) => input with { Views = [.. input.Views.Select(view => view with { ObjectToCamera = change(view.ObjectToCamera) })] };

    private static RegistrationInput WithCameras(RegistrationInput input, Func<PinholeCamera, PinholeCamera> change) => input with { Views = [.. input.Views.Select(view => view with { Camera = change(view.Camera) })] };

    // Tracks are the same in any unit: something else has to tell it.
    private static RegistrationInput Millimetres(SeededRandom random)
    {
        int kind = random.Below(4);
        RegistrationInput input = RegistrationScene.Random(random, known: (Known)random.Below(2), withDepth: kind == 2).Input;
        double[] points = [.. input.ObjectPoints.Select(value => 1000 * value)];
        return kind switch
        {
            0 => input with { ObjectPoints = points, DiameterMetres = 1000 * input.DiameterMetres },
            1 => WithPoses(input, Scaled),
            2 => input with { Views = [.. input.Views.Select(view => view with { DepthSamples = [.. view.DepthSamples.Select((value, i) => i % 3 == 2 ? 1000 * value : value)] })] },
            _ => WithPoses(input, Scaled) with { ObjectPoints = points, DiameterMetres = 1000 * input.DiameterMetres },
        };

        static RigidPose Scaled(RigidPose pose) => pose with { X = 1000 * pose.X, Y = 1000 * pose.Y, Z = 1000 * pose.Z };
    }

    private static RegistrationInput? SwappedFocals(SeededRandom random)
    {
        RegistrationScene scene = RegistrationScene.Random(random, stretched: true, known: (Known)(random.Below(3) + 1));
        PinholeCamera camera = scene.Input.Views[0].Camera;
        return scene.ExpectedEvidence(camera.FocalY / camera.FocalX, camera.FocalX / camera.FocalY) < Observable ? null : WithCameras(scene.Input, given => given with { FocalX = given.FocalY, FocalY = given.FocalX });
    }

    private static RegistrationInput OtherResolution(SeededRandom random)
    {
        double scale = Scales[random.Below(Scales.Length)];
        return WithCameras(RegistrationScene.Random(random).Input, camera => camera with { FocalX = scale * camera.FocalX, FocalY = scale * camera.FocalY, CentreX = scale * (camera.CentreX + 0.5) - 0.5, CentreY = scale * (camera.CentreY + 0.5) - 0.5 });
    }

    private static RegistrationInput OpenGlAxes(SeededRandom random)
    {
        var flip = new RigidPose(1, 0, 0, 0, 0, -1, 0, 0, 0, 0, -1, 0);
        bool isInverted = random.Chance(0.5f);   // as NeRF's transforms.json has them
        return WithPoses(RegistrationScene.Random(random).Input, pose => isInverted ? (flip * pose).Inverse() : flip * pose);
    }

    private static RegistrationInput? Uncalibrated(SeededRandom random)
    {
        double round = new double[] { 500, 600, 800, 1000, 1500, 2000 }[random.Below(6)];
        switch (random.Below(4))
        {
            case 0: return WithCameras(RegistrationScene.Random(random).Input, camera => camera with { FocalX = 1, FocalY = 1, CentreX = 0, CentreY = 0 });
            case 1: return WithCameras(RegistrationScene.Random(random).Input, camera => camera with { CentreX = 0, CentreY = 0 });
            case 2: return WithCameras(RegistrationScene.Random(random).Input, camera => camera with { FocalX = 35, FocalY = 35 });
            default:
                RegistrationScene scene = RegistrationScene.Random(random, known: (Known)(random.Below(3) + 1));
                PinholeCamera right = scene.Input.Views[0].Camera;
                if (right.FocalX != right.FocalY || Math.Abs(Math.Log(round / right.FocalX)) < Math.Log(1.4) || scene.ExpectedEvidence(round / right.FocalX, round / right.FocalY) < Observable) return null;
                return WithCameras(scene.Input, camera => camera with { FocalX = round, FocalY = round });
        }
    }
}
