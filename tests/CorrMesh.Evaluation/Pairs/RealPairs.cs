using System.Globalization;
using System.Text.Json;
using System.Xml.Linq;
using CorrMesh.Geometry;
using CorrMesh.Vision.Images;

namespace CorrMesh.Evaluation.Pairs;

/// <summary>The real picture pairs of the shared data, read as their DATA.md describes them.</summary>
internal static class RealPairs
{
    /// <summary>Each row of the table: its name, what its truth is, and its pairs, read when asked for.</summary>
    public static IEnumerable<(string Row, string Truth, IEnumerable<PairCase> Pairs)> All()
    {
        yield return ("graf1-graf3", "homography", Graffiti());
        yield return ("box-box_in_scene", "homography", BoxInScene());
        yield return ("aloeL-aloeR", "disparity", Aloe());
        yield return ("buddha 10-6-28", "epipolar line", Posed("data/buddha", ("00010.png", "00006.png"), ("00006.png", "00028.png")));
        yield return ("herz_jesus 4-6", "epipolar line", Posed("data/herz_jesus", ("0004.jpg", "0006.jpg")));
        yield return ("chessboard", "board corners", Chessboard("01", "06", "12"));
        yield return ("box video", "mesh and poses", BoxVideo.Pairs());
    }

    /// <summary>Decodes a picture of the shared data.</summary>
    public static RgbImage Picture(string relative) => ImageDecoder.Decode(File.ReadAllBytes(SharedData.Path(relative)));

    /// <summary>A JSON file of the shared data.</summary>
    public static JsonElement Json(string relative) => JsonDocument.Parse(File.ReadAllBytes(SharedData.Path(relative))).RootElement;

    /// <summary>A JSON array of numbers.</summary>
    public static double[] Numbers(JsonElement array) => [.. array.EnumerateArray().Select(value => value.GetDouble())];

    private static IEnumerable<PairCase> Graffiti()
    {
        string text = XDocument.Load(SharedData.Path("data/opencv/H1to3p.xml")).Descendants("data").Single().Value;
        double[] values = [.. text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Select(number => double.Parse(number, CultureInfo.InvariantCulture))];
        yield return UnderHomography("data/opencv/graf1.png", "data/opencv/graf3.png", Homography.FromRowMajor(values));
    }

    private static IEnumerable<PairCase> BoxInScene()
    {
        Homography map = Homography.FromRowMajor(Numbers(Json("data/opencv/box_in_scene_H.json").GetProperty("H")));
        yield return UnderHomography("data/opencv/box.png", "data/opencv/box_in_scene.png", map);
    }

    private static PairCase UnderHomography(string source, string target, Homography map) =>
        PairCase.FromGrid(Picture(source), Picture(target), (x, y) => map.Depth(x, y) > 0 ? map.Apply(x, y) : null);

    private static IEnumerable<PairCase> Aloe()
    {
        RgbImage disparity = Picture("data/opencv/aloeGT.png");   // grey: all three channels hold pixels of disparity, 0 = unknown
        yield return PairCase.FromGrid(Picture("data/opencv/aloeL.jpg"), Picture("data/opencv/aloeR.jpg"), (x, y) =>
        {
            int column = (int)MathF.Round(x), row = (int)MathF.Round(y);
            int value = disparity.Pixels[3 * (row * disparity.Width + column)];
            return value == 0 ? null : (x - value, y);
        });
    }

    private static IEnumerable<PairCase> Posed(string folder, params (string Source, string Target)[] pairs)
    {
        var views = Json($"{folder}/cameras.json").GetProperty("frames").EnumerateArray().ToDictionary(
            frame => frame.GetProperty("file").GetString()!,
            frame => new PosedView(Numbers(frame.GetProperty("K")), Numbers(frame.GetProperty("R")), Numbers(frame.GetProperty("t"))));
        foreach ((string sourceName, string targetName) in pairs)
        {
            var geometry = EpipolarGeometry.Between(views[sourceName], views[targetName]);
            RgbImage source = Picture($"{folder}/{sourceName}"), target = Picture($"{folder}/{targetName}");
            (float X, float Y)[] points = [.. PairCase.Grid(source).Where(point => Crosses(geometry.LineInTarget(point.X, point.Y), target))];
            yield return new PairCase(source, target, points, (index, x, y) => geometry.DistanceToLine(points[index].X, points[index].Y, x, y));
        }
    }

    // A line crosses the picture when its corners lie on both sides.
    private static bool Crosses((double A, double B, double C) line, RgbImage image)
    {
        double right = image.Width - 0.5, bottom = image.Height - 0.5;
        double[] sides = [Side(-0.5, -0.5), Side(right, -0.5), Side(-0.5, bottom), Side(right, bottom)];
        return sides.Min() < 0 && sides.Max() > 0;

        double Side(double x, double y) => line.A * x + line.B * y + line.C;
    }

    private static IEnumerable<PairCase> Chessboard(params string[] numbers)
    {
        JsonElement calibration = Json("data/opencv/chessboard/calibration.json");
        Dictionary<string, double[]> corners = [];
        foreach (string side in (string[])["left", "right"])
            foreach (JsonElement view in calibration.GetProperty(side).GetProperty("views").EnumerateArray())
                corners[view.GetProperty("file").GetString()!] = Numbers(view.GetProperty("corners"));
        foreach (string number in numbers)
        {
            double[] left = corners[$"left{number}.jpg"], right = corners[$"right{number}.jpg"];
            yield return PairCase.FromPoints(
                Picture($"data/opencv/chessboard/left{number}.jpg"),
                Picture($"data/opencv/chessboard/right{number}.jpg"),
                Enumerable.Range(0, left.Length / 2).Select(i => (((float)left[2 * i], (float)left[2 * i + 1]), ((double, double)?)(right[2 * i], right[2 * i + 1]))));
        }
    }
}
