using CorrMesh.Geometry;
using CorrMesh.Geometry.Pnp;
using CorrMesh.Pose.Estimation;
using CorrMesh.Pose.Objects;
using CorrMesh.Pose.Pnp;
using CorrMesh.Vision.Images;
using WireFinding = CorrMesh.Protos.Pose.V1.InputFinding;

namespace CorrMesh.Pose.Linting;

/// <summary>Asks the linters about requests as this service has them.</summary>
internal static class InputLint
{
    // Depth of a picture is looked at on a grid of so many places a side; points of an object are thinned to so many.
    private const int DepthSide = 16, MostPoints = 400;

    /// <summary>Likely mistakes in what a pose was asked of.</summary>
    /// <param name="found">What became of the search.</param>
    /// <param name="rows">The object's descriptors that it was matched with.</param>
    /// <param name="picture">The pixels; null when they are not at hand: then colours are not compared.</param>
    public static IEnumerable<WireFinding> OfPhoto(PoseScene scene, ObjectManifest manifest, FoundPose found, DescriptorRows rows, RgbImage? picture)
    {
        PnpCall call = found.Call ?? new PnpCall([], [], [], scene.Camera, new PnpOptions());
        int count = found.Matches;
        var input = new PhotoInput
        {
            Camera = scene.Camera.Pinhole with { Width = scene.Width, Height = scene.Height },
            Lens = scene.Camera.Lens,
            DiameterMetres = manifest.DiameterMetres,
            ObjectPoints = call.ObjectPoints,
            ImagePoints = call.ImagePoints,
            Scores = call.Scores,
            Result = found.Result,
            MaxErrorPixels = call.Options.MaxErrorPixels,
        };
        if (scene.DepthMetres is { } depth) input = input with { DepthMetres = [.. Enumerable.Range(0, count).Select(i => (double)depth[PixelOf(i)])] };
        if (picture is not null)
        {
            byte[] seen = new byte[3 * count], stored = new byte[3 * count];
            for (int i = 0; i < count; i++)
            {
                picture.Pixels.AsSpan(3 * PixelOf(i), 3).CopyTo(seen.AsSpan(3 * i));
                rows.Colours.AsSpan(3 * found.Rows[i], 3).CopyTo(stored.AsSpan(3 * i));
            }
            input = input with { PictureColours = seen, ObjectColours = stored };
        }
        return PhotoLinter.Lint(input).Select(ToWire);

        int PixelOf(int match) =>
            Math.Clamp((int)Math.Round(call.ImagePoints[2 * match + 1]), 0, scene.Height - 1) * scene.Width + Math.Clamp((int)Math.Round(call.ImagePoints[2 * match]), 0, scene.Width - 1);
    }

    /// <summary>Likely mistakes in what an object is made from.</summary>
    /// <param name="box">Around the object when that is known; null otherwise.</param>
    public static IReadOnlyList<WireFinding> OfUpload(ObjectOrder order, Box? box)
    {
        double[] points = order.Mesh is { } mesh
            ? [.. Thinned(mesh.Positions.Length).SelectMany(i => new double[] { mesh.Positions[i].X, mesh.Positions[i].Y, mesh.Positions[i].Z })]
            : order.Pictures.Any(picture => picture.Points is not null)
                ? [.. order.Pictures.SelectMany(picture => picture.Points ?? []).Take(MostPoints).SelectMany(point => new[] { point.Place.X, point.Place.Y, point.Place.Z })]
                : box is null ? [] : [.. ObjectRegion.Corners(box.Least, box.Greatest).SelectMany(corner => new[] { corner.X, corner.Y, corner.Z })];
        var input = new RegistrationInput
        {
            Views = [.. order.Pictures.Select(picture => new PosedPhoto
            {
                ObjectToCamera = picture.ObjectToCamera,
                Camera = picture.Camera.Pinhole with { Width = picture.Width, Height = picture.Height },
                Lens = picture.Camera.Lens,
                DepthSamples = DepthOf(picture),
            })],
            ObjectPoints = points,
        };
        return [.. RegistrationLinter.Lint(input).Select(ToWire)];
    }

    private static IEnumerable<int> Thinned(int count) => count <= MostPoints ? Enumerable.Range(0, count) : Enumerable.Range(0, MostPoints).Select(i => (int)((long)i * count / MostPoints));

    private static double[] DepthOf(PosedPicture picture)
    {
        if (picture.DepthMetres is not { } depth) return [];
        var samples = new List<double>();
        for (int j = 0; j < DepthSide; j++)
            for (int i = 0; i < DepthSide; i++)
            {
                int x = (2 * i + 1) * picture.Width / (2 * DepthSide), y = (2 * j + 1) * picture.Height / (2 * DepthSide), at = y * picture.Width + x;
                if (depth[at] > 0 && (picture.Mask is null || picture.Mask[at] != 0)) samples.AddRange([x, y, depth[at]]);
            }
        return [.. samples];
    }

    private static WireFinding ToWire(InputFinding finding) => new()
    {
        Kind = finding.Fault switch
        {
            InputFault.Millimetres => "millimetres",
            InputFault.SwappedFocals => "swapped_focal",
            InputFault.OtherResolution => "other_resolution",
            InputFault.OpenGlAxes => "opengl_axes",
            InputFault.InvertedPoses => "inverted_poses",
            InputFault.BgrForRgb => "bgr",
            _ => "uncalibrated",
        },
        Message = finding.Message.Replace("views[", "picture[", StringComparison.Ordinal),
    };
}
