using CorrMesh.Geometry;
using CorrMesh.Pose.Linting;

namespace CorrMesh.Pose.Tests.Linting;

/// <summary>Photos with one mistake in what was given for them.</summary>
internal static class PhotoFaults
{
    // Evidence below which a wrong camera cannot be told from the matches, whoever looks: 12 nats, of which a linter
    // needs 8 and chance takes its share. Focal lengths are the most of these: far away or flat, an object shows no perspective, and the picture is the same with another lens from another distance.
    private const double Observable = 12;

    // Sizes beside the picture's that a camera may have been calibrated at. Nearer ones than 3/4 look like a principal point that is off by some percent.
    private static readonly double[] Scales = [0.25, 1 / 3.0, 0.5, 2 / 3.0, 0.75, 4 / 3.0, 1.5, 2, 3, 4];

    private static readonly double[] RoundFocals = [500, 600, 800, 1000, 1500, 2000];

    /// <summary>A scene with the mistake, and how many were thrown away because their matches do not show it.</summary>
    public static (PhotoInput Input, string Variant, int Unobservable) Make(InputFault fault, SeededRandom random)
    {
        for (int thrown = 0; ; thrown++)
        {
            (PhotoInput? input, string variant) = fault switch
            {
                InputFault.Millimetres => Millimetres(random),
                InputFault.SwappedFocals => SwappedFocals(random),
                InputFault.OtherResolution => OtherResolution(random),
                InputFault.OpenGlAxes => OpenGlAxes(random),
                InputFault.BgrForRgb => BgrForRgb(random),
                InputFault.Uncalibrated => Uncalibrated(random),
                _ => throw new ArgumentOutOfRangeException(nameof(fault)),
            };
            if (input is not null) return (PhotoScene.Solved(input), variant, thrown);
        }
    }

    // Objects of 30 mm and more: as metres they are larger than anything that is held before a camera.
    private static (PhotoInput? Input, string Variant) Millimetres(SeededRandom random)
    {
        bool isDepth = random.Chance(0.5f);
        PhotoInput input = PhotoScene.Random(random, withDepth: isDepth).Input;
        if (isDepth) return (input with { DepthMetres = [.. input.DepthMetres.Select(depth => Math.Round(1000 * depth))] }, "depth");
        return (input with { DiameterMetres = 1000 * input.DiameterMetres, ObjectPoints = [.. input.ObjectPoints.Select(value => 1000 * value)] }, "object");
    }

    private static (PhotoInput? Input, string Variant) SwappedFocals(SeededRandom random)
    {
        PhotoScene scene = PhotoScene.Random(random, stretched: true);
        PinholeCamera camera = scene.Input.Camera, wrong = camera with { FocalX = camera.FocalY, FocalY = camera.FocalX };
        return (scene.ExpectedEvidence(wrong) < Observable ? null : scene.Input with { Camera = wrong }, "swapped");
    }

    private static (PhotoInput? Input, string Variant) OtherResolution(SeededRandom random)
    {
        PhotoInput input = PhotoScene.Random(random).Input;
        PinholeCamera camera = input.Camera;
        if (random.Chance(0.15f) && Math.Abs(Math.Log((double)camera.Width / camera.Height)) > 0.2)   // turned by the viewer, not by the calibration
            return (input with { Camera = camera with { FocalX = camera.FocalY, FocalY = camera.FocalX, CentreX = camera.CentreY, CentreY = camera.CentreX } }, "turned");
        double scale = Scales[random.Below(Scales.Length)];
        return (input with { Camera = camera with { FocalX = scale * camera.FocalX, FocalY = scale * camera.FocalY, CentreX = scale * (camera.CentreX + 0.5) - 0.5, CentreY = scale * (camera.CentreY + 0.5) - 0.5 } }, "scaled");
    }

    private static (PhotoInput? Input, string Variant) OpenGlAxes(SeededRandom random)
    {
        bool isDepth = random.Chance(0.5f);
        PhotoInput input = PhotoScene.Random(random, withDepth: isDepth).Input;
        PinholeCamera camera = input.Camera;
        if (isDepth) return (input with { DepthMetres = [.. input.DepthMetres.Select(depth => -depth)] }, "depth");
        return (input with { Camera = random.Chance(0.5f) ? camera with { FocalY = -camera.FocalY } : camera with { FocalX = -camera.FocalX } }, "focals");
    }

    private static (PhotoInput? Input, string Variant) BgrForRgb(SeededRandom random)
    {
        PhotoInput input = PhotoScene.Random(random, coloured: true).Input;
        byte[] colours = [.. input.PictureColours];
        for (int i = 0; i < colours.Length; i += 3) (colours[i], colours[i + 2]) = (colours[i + 2], colours[i]);
        return (input with { PictureColours = colours }, "exchanged");
    }

    private static (PhotoInput? Input, string Variant) Uncalibrated(SeededRandom random)
    {
        PhotoScene scene = PhotoScene.Random(random);
        PinholeCamera camera = scene.Input.Camera;
        double middleX = (camera.Width - 1) / 2.0, middleY = (camera.Height - 1) / 2.0, round = RoundFocals[random.Below(RoundFocals.Length)];
        switch (random.Below(8))
        {
            case 0: return (scene.Input with { Camera = camera with { FocalX = 1, FocalY = 1, CentreX = 0, CentreY = 0 } }, "identity");
            case 1: return (scene.Input with { Camera = camera with { FocalX = round, FocalY = round, CentreX = 0, CentreY = 0 } }, "corner");
            // Millimetres of a lens, as in a file's metadata.
            case 2: return (scene.Input with { Camera = camera with { FocalX = 35, FocalY = 35, CentreX = middleX, CentreY = middleY } }, "focal in millimetres");
            // Off the middle along one axis only: along both it would be that of another resolution.
            case 3: return (scene.Input with { Camera = camera with { FocalX = round, FocalY = round, CentreX = middleX + camera.Width * (random.Chance(0.5f) ? 1 : -1) * random.Range(0.22f, 0.4f), CentreY = middleY } }, "off the middle");
            default:
                var guess = camera with { FocalX = round, FocalY = round, CentreX = middleX, CentreY = middleY };
                return (Math.Abs(Math.Log(round / camera.FocalX)) < Math.Log(1.4) || scene.ExpectedEvidence(guess) < Observable ? null : scene.Input with { Camera = guess }, "round focal");
        }
    }
}
