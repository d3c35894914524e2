using System.Globalization;
using CorrMesh.Geometry;
using Xunit;

namespace CorrMesh.Evaluation.Pairs.Tests;

public class RealPairsFixtureTests
{
    // Goal: the readers give true correspondences, in the right direction and pixel convention. Method: the picture's colours at a point
    // and at its truth agree better than at the truths of other points; the truth is recovered from three distances.
    // Tolerance: the median difference is under half of the shuffled one (measured: 0.12 to 0.43).
    [Theory]
    [InlineData("graf1-graf3", 400)]
    [InlineData("box-box_in_scene", 500)]
    [InlineData("aloeL-aloeR", 400)]
    [InlineData("box video", 300)]
    public void All_RowWithKnownPositions_ColoursAgreeAtTheTruth(string row, int leastPoints)
    {
        TestKit.SharedData.Require("data");
        List<double> there = [], shuffled = [];
        foreach (PairCase pair in RealPairs.All().Single(entry => entry.Row == row).Pairs)
            for (int i = 0; i < pair.Points.Length; i++)
            {
                there.Add(Difference(pair, i, Truth(pair, i)));
                shuffled.Add(Difference(pair, i, Truth(pair, (i * 37 + 11) % pair.Points.Length)));
            }
        Assert.True(there.Count >= leastPoints, $"{there.Count} points");
        Assert.True(Median(there) < 0.5 * Median(shuffled), $"{Median(there):F1} at the truth, {Median(shuffled):F1} elsewhere");
    }

    // Goal: board corners are matched in the same order. Method: a homography through four of them brings the others near theirs.
    // Tolerance: 12 px; the lenses bend lines by some pixels, while one wrong row or column is 30 px off.
    [Fact]
    public void All_Chessboard_CornersFollowOneHomography()
    {
        TestKit.SharedData.Require("data");
        foreach (PairCase pair in RealPairs.All().Single(entry => entry.Row == "chessboard").Pairs)
        {
            Assert.Equal(54, pair.Points.Length);
            int[] outer = [0, 8, 53, 45];
            Homography map = Homography.FromFourPoints(
                [.. outer.Select(i => ((double)pair.Points[i].X, (double)pair.Points[i].Y))],
                [.. outer.Select(i => Truth(pair, i))]);
            for (int i = 0; i < 54; i++)
            {
                (double x, double y) = map.Apply(pair.Points[i].X, pair.Points[i].Y);
                Assert.InRange(pair.DistancePx(i, (float)x, (float)y), 0, 12);
            }
        }
    }

    // Goal: epipolar lines belong to the right cameras in the right order. Method: all lines meet in the picture of the source camera's
    // centre, computed here from the source's own 3 x 4 projection files. Tolerance: 0.01 px of coordinates of some thousand.
    [Fact]
    public void All_Buddha_LinesPassThroughTheEpipoleOfTheProjectionFiles()
    {
        TestKit.SharedData.Require("data");
        PairCase[] pairs = [.. RealPairs.All().Single(entry => entry.Row.StartsWith("buddha", StringComparison.Ordinal)).Pairs];
        (string Source, string Target)[] names = [("00010", "00006"), ("00006", "00028")];
        Assert.Equal(names.Length, pairs.Length);
        foreach ((PairCase pair, (string source, string target)) in pairs.Zip(names))
        {
            double[] centre = Centre(Projection(source)), p = Projection(target);
            double w = Row(p, 2, centre);
            (float x, float y) = ((float)(Row(p, 0, centre) / w), (float)(Row(p, 1, centre) / w));
            for (int i = 0; i < pair.Points.Length; i++) Assert.InRange(pair.DistancePx(i, x, y), 0, 0.01);
        }
    }

    private static double[] Projection(string name) =>
        [.. File.ReadAllText(TestKit.SharedData.Require($"data/buddha/{name}_P.txt")).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)
            .Where(word => double.TryParse(word, CultureInfo.InvariantCulture, out _)).Select(word => double.Parse(word, CultureInfo.InvariantCulture))];

    // The camera's centre solves M c = -p4, by Cramer's rule.
    private static double[] Centre(double[] p)
    {
        Assert.Equal(12, p.Length);
        var m = new Homography(p[0], p[1], p[2], p[4], p[5], p[6], p[8], p[9], p[10]).Inverse();
        double x = -p[3], y = -p[7], z = -p[11];
        return [m.M11 * x + m.M12 * y + m.M13 * z, m.M21 * x + m.M22 * y + m.M23 * z, m.M31 * x + m.M32 * y + m.M33 * z];
    }

    private static double Row(double[] p, int row, double[] point) =>
        p[4 * row] * point[0] + p[4 * row + 1] * point[1] + p[4 * row + 2] * point[2] + p[4 * row + 3];

    private static (double X, double Y) Truth(PairCase pair, int index)
    {
        const double step = 100;
        double origin = Square(pair.DistancePx(index, 0, 0)), right = Square(pair.DistancePx(index, (float)step, 0)), down = Square(pair.DistancePx(index, 0, (float)step));
        return ((origin - right + step * step) / (2 * step), (origin - down + step * step) / (2 * step));
    }

    private static double Difference(PairCase pair, int index, (double X, double Y) target)
    {
        int from = 3 * ((int)(pair.Points[index].Y + 0.5f) * pair.Source.Width + (int)(pair.Points[index].X + 0.5f));
        int to = 3 * ((int)(target.Y + 0.5) * pair.Target.Width + (int)(target.X + 0.5));
        return Enumerable.Range(0, 3).Sum(channel => Math.Abs(pair.Source.Pixels[from + channel] - pair.Target.Pixels[to + channel])) / 3.0;
    }

    private static double Square(double value) => value * value;

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
}
