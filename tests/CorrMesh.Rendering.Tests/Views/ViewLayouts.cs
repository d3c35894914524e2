using System.Globalization;
using CorrMesh.Rendering.Views;
using CorrMesh.Vision.Images;

namespace CorrMesh.Rendering.Tests.Views;

/// <summary>Writes views in the layouts of others, by hand.</summary>
internal static class ViewLayouts
{
    /// <summary>A OnePose sequence; depth in millimetres where there is some.</summary>
    /// <param name="numbers">Of the views' files.</param>
    /// <param name="withMasks">Whether mask/N.png is written.</param>
    public static void WriteOnePose(string folder, IReadOnlyList<ObjectView> views, IReadOnlyList<int> numbers, bool withMasks)
    {
        string[] kinds = ["color", "poses_ba", "intrin_ba", "depth", "mask"];
        foreach (string kind in kinds) Directory.CreateDirectory(Path.Combine(folder, kind));
        for (int i = 0; i < views.Count; i++)
        {
            ObjectView view = views[i];
            string Of(string kind, string ending) => Path.Combine(folder, kind, $"{numbers[i]}.{ending}");
            File.WriteAllBytes(Of("color", "png"), PngEncoder.Encode(view.Image));
            if (view.DepthMetres is { } depth) File.WriteAllBytes(Of("depth", "png"), Depth(depth, 1000, view));
            if (withMasks) File.WriteAllBytes(Of("mask", "png"), GreyPng.Encode(view.Mask, view.Image.Width, view.Image.Height));
            File.WriteAllText(Of("poses_ba", "txt"), string.Join('\n', view.ObjectToCamera.Matrix().Chunk(4).Select(row => Join(" ", row))));
            File.WriteAllText(Of("intrin_ba", "txt"), Join(" ", view.Camera.Matrix()));
        }
    }

    /// <summary>A BOP scene of object 5, image numbers in tens, depth in tenths of a millimetre; object 2 stands in every picture, too, and comes first.</summary>
    public static void WriteBop(string folder, IReadOnlyList<ObjectView> views)
    {
        foreach (string name in new[] { "rgb", "depth", "mask_visib" }) Directory.CreateDirectory(Path.Combine(folder, name));
        List<string> truth = [], cameras = [];
        for (int i = 0; i < views.Count; i++)
        {
            ObjectView view = views[i];
            double[] m = view.ObjectToCamera.Matrix();
            string own = $"{{\"cam_R_m2c\": [{Join(",", [m[0], m[1], m[2], m[4], m[5], m[6], m[8], m[9], m[10]])}], \"cam_t_m2c\": [{Join(",", [1000 * m[3], 1000 * m[7], 1000 * m[11]])}], \"obj_id\": 5}}";
            const string other = "{\"cam_R_m2c\": [1, 0, 0, 0, 1, 0, 0, 0, 1], \"cam_t_m2c\": [0, 0, 900], \"obj_id\": 2}";
            truth.Add($"\"{10 * i}\": [{other}, {own}]");
            cameras.Add($"\"{10 * i}\": {{\"cam_K\": [{Join(",", view.Camera.Matrix())}], \"depth_scale\": 0.1}}");
            File.WriteAllBytes(Path.Combine(folder, "rgb", $"{10 * i:D6}.png"), PngEncoder.Encode(view.Image));
            File.WriteAllBytes(Path.Combine(folder, "depth", $"{10 * i:D6}.png"), Depth(view.DepthMetres!, 10_000, view));
            File.WriteAllBytes(Path.Combine(folder, "mask_visib", $"{10 * i:D6}_000001.png"), GreyPng.Encode(view.Mask, view.Image.Width, view.Image.Height));
        }
        File.WriteAllText(Path.Combine(folder, "scene_gt.json"), $"{{{string.Join(",", truth)}}}");
        File.WriteAllText(Path.Combine(folder, "scene_camera.json"), $"{{{string.Join(",", cameras)}}}");
    }

    private static byte[] Depth(float[] metres, double unitsPerMetre, ObjectView view) =>
        GreyPng.Encode(Array.ConvertAll(metres, value => (ushort)Math.Round(unitsPerMetre * value)), view.Image.Width, view.Image.Height);

    private static string Join(string separator, double[] values) => string.Join(separator, values.Select(value => value.ToString("R", CultureInfo.InvariantCulture)));
}
