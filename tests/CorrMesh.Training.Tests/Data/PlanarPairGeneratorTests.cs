using CorrMesh.Geometry;
using Xunit;

namespace CorrMesh.Training.Data.Tests;

public class PlanarPairGeneratorTests
{
    private const int Size = 160;
    private static readonly PlanarPairOptions Plain = new() { Photometric = false, Occluders = false };

    [Fact]
    public void Generate_SameArguments_GivesTheSameBytesFromAnyInstance()
    {
        var used = new PlanarPairGenerator(4);
        used.Generate(1, 1, 224, 4);
        PlanarViewSet first = used.Generate(17, 0.7, Size, 3), second = new PlanarPairGenerator(4).Generate(17, 0.7, Size, 3);
        Assert.Equal(3, first.Views.Length);
        for (int view = 0; view < 3; view++)
        {
            Assert.Equal(first.Views[view].Pixels, second.Views[view].Pixels);
            Assert.Equal(first.Views[view].Mask, second.Views[view].Mask);
            Assert.Equal(first.Views[view].CanvasToView, second.Views[view].CanvasToView);
        }
    }

    [Fact]
    public void Generate_OtherIndexOrSeed_GivesOtherPictures()
    {
        byte[] pixels = new PlanarPairGenerator(4).Generate(17, 0.7, Size, 2).Views[0].Pixels;
        Assert.NotEqual(pixels, new PlanarPairGenerator(4).Generate(18, 0.7, Size, 2).Views[0].Pixels);
        Assert.NotEqual(pixels, new PlanarPairGenerator(5).Generate(17, 0.7, Size, 2).Views[0].Pixels);
        Assert.NotEqual(pixels, new PlanarPairGenerator(4).Generate(17 + PlanarPairGenerator.FirstEvaluationIndex, 0.7, Size, 2).Views[0].Pixels);
    }

    // Goal: the reported correspondence is the true one. Method: without changes of light, compare the colours at both ends of every
    // eighth pixel over 24 scenes, against a control whose target is 9 pixels beside. Tolerance: the median difference is at most
    // 3 of 255 (resampling), and the control's mean at least twice as large.
    [Theory]
    [InlineData(0.0)]
    [InlineData(0.5)]
    [InlineData(1.0)]
    public void TryMap_PhotometricChangesOff_ColoursAgreeAtBothEnds(double difficulty)
    {
        var generator = new PlanarPairGenerator(1, Plain);
        List<double> there = [], beside = [];
        for (int index = 0; index < 24; index++)
        {
            PlanarViewSet set = generator.Generate(index, difficulty, Size, 2);
            for (int y = 4; y < Size; y += 8)
                for (int x = 4; x < Size; x += 8)
                {
                    if (!set.TryMap(0, 1, x + 0.5, y + 0.5, out (double X, double Y) mapped)) continue;
                    there.Add(Difference(set, x, y, (int)mapped.X, (int)mapped.Y));
                    beside.Add(Difference(set, x, y, ((int)mapped.X + 9) % Size, ((int)mapped.Y + 9) % Size));
                }
        }
        Assert.True(there.Count > 24 * 40, $"only {there.Count} points seen in both views");
        there.Sort();
        Assert.True(there[there.Count / 2] <= 3, $"median difference {there[there.Count / 2]}");
        Assert.True(beside.Average() > 2 * there.Average(), $"mean {there.Average():F1} at the match, {beside.Average():F1} beside it");
    }

    // Goal: every map can be undone, and maps between views agree with going through the canvas. Tolerance: 1e-6 px.
    [Fact]
    public void Between_AnyTwoViews_InvertsAndComposes()
    {
        var generator = new PlanarPairGenerator(2, Plain);
        for (int index = 0; index < 40; index++)
        {
            PlanarViewSet set = generator.Generate(index, 1, 64, 4);
            (double canvasX, double canvasY) = set.Views[0].CanvasToView.Inverse().Apply(30, 33);
            (double x, double y) = set.Views[3].CanvasToView.Apply(canvasX, canvasY);
            (double directX, double directY) = set.Between(0, 3).Apply(30, 33);
            Assert.Equal(x, directX, 1e-6);
            Assert.Equal(y, directY, 1e-6);
            (double backX, double backY) = set.Between(3, 0).Apply(directX, directY);
            Assert.Equal(30, backX, 1e-6);
            Assert.Equal(33, backY, 1e-6);
        }
    }

    // Goal: without occluders the mask is exactly where the view looks at the canvas. Method: map each pixel centre back by hand.
    [Fact]
    public void Generate_NoOccluders_MaskIsTheCanvas()
    {
        const int size = 96, canvasSize = 160;   // 1.6 x, a multiple of 8
        var generator = new PlanarPairGenerator(6, Plain);
        int outside = 0;
        for (int index = 0; index < 30; index++)
        {
            foreach (PlanarView view in generator.Generate(index, 1, size, 2).Views)
            {
                Homography toCanvas = view.CanvasToView.Inverse();
                for (int at = 0; at < view.Mask.Length; at += 7)
                {
                    double pixelX = at % size + 0.5, pixelY = at / size + 0.5;
                    (double x, double y) = toCanvas.Apply(pixelX, pixelY);
                    bool inside = x >= 0 && y >= 0 && x <= canvasSize && y <= canvasSize && view.CanvasToView.Depth(x, y) > 0;
                    Assert.Equal(inside ? 1 : 0, view.Mask[at]);
                    if (!inside) outside++;
                }
            }
        }
        Assert.True(outside > 500, $"only {outside} probes outside the canvas: the test would see little");
    }

    // Goal: what hides the scene is masked out. Method: draw with and without occluders; wherever the picture differs clearly and
    // the canvas is seen, the mask must say hidden. The draws before the first occluder are shared, later views' are not.
    [Fact]
    public void Generate_Occluders_AreMaskedWhereTheyHideTheScene()
    {
        var with = new PlanarPairGenerator(6, Plain with { Occluders = true });
        var without = new PlanarPairGenerator(6, Plain);
        int hidden = 0;
        for (int index = 0; index < 40; index++)
        {
            PlanarView covered = with.Generate(index, 1, 96, 2).Views[0], bare = without.Generate(index, 1, 96, 2).Views[0];
            for (int at = 0; at < bare.Mask.Length; at++)
            {
                int change = 0;
                for (int channel = 0; channel < 3; channel++)
                    change = Math.Max(change, Math.Abs(covered.Pixels[3 * at + channel] - bare.Pixels[3 * at + channel]));
                // A rim of less than a tenth of coverage may stay unmasked; a brightly lit shape can change a colour
                // by some 50 steps there.
                if (change > 64 && bare.Mask[at] == 1)
                {
                    Assert.Equal(0, covered.Mask[at]);
                    hidden++;
                }
            }
        }
        Assert.True(hidden > 1000, $"only {hidden} hidden pixels in 40 scenes");
    }

    // Goal: difficulty means what it says. Method: over 60 scenes, points move further and colours at matches differ more at 1 than at 0.
    [Fact]
    public void Generate_DifficultyOne_MovesAndChangesMoreThanZero()
    {
        (double Motion, double Change) easy = Measure(0), hard = Measure(1);
        Assert.True(hard.Motion > 1.3 * easy.Motion, $"motion {easy.Motion:F1} px and {hard.Motion:F1} px");
        Assert.True(hard.Change > 1.3 * easy.Change, $"change {easy.Change:F1} and {hard.Change:F1}");
    }

    // Goal: views overlap enough to learn from. Tolerance: the promised 15 and 35 %, less what 8 x 8 probes can miss (8 points of 100).
    [Fact]
    public void Generate_HardestViews_StillOverlap()
    {
        var generator = new PlanarPairGenerator(9, Plain);
        for (int index = 0; index < 60; index++)
        {
            PlanarViewSet set = generator.Generate(index, 1, 64, 3);
            for (int source = 0; source < 3; source++)
                for (int target = source + 1; target < 3; target++)
                {
                    double forth = Overlap(set, source, target), back = Overlap(set, target, source);
                    Assert.True(Math.Min(forth, back) > 0.07, $"scene {index}: {forth:P0} and {back:P0}");
                    Assert.True(Math.Max(forth, back) > 0.27, $"scene {index}: {forth:P0} and {back:P0}");
                }
        }
    }

    // Goal: no scene is a blank picture, and the scenes vary. Method: the spread of grey over 40 scenes' first views.
    [Fact]
    public void Generate_ManyScenes_PicturesHaveContent()
    {
        var generator = new PlanarPairGenerator(11);
        var spreads = new List<double>();
        for (int index = 0; index < 40; index++)
        {
            byte[] pixels = generator.Generate(index, 0.5, 96, 2).Views[0].Pixels;
            double mean = pixels.Average(value => (double)value);
            spreads.Add(Math.Sqrt(pixels.Average(value => (value - mean) * (value - mean))));
        }
        spreads.Sort();
        Assert.True(spreads[4] > 8, $"a tenth of the scenes spread by less than {spreads[4]:F1} of 255");
        Assert.True(spreads[20] > 25, $"half of the scenes spread by less than {spreads[20]:F1} of 255");
    }

    [Theory]
    [InlineData(-1, 0.5, 64, 2)]
    [InlineData(0, -0.1, 64, 2)]
    [InlineData(0, double.NaN, 64, 2)]
    [InlineData(0, 0.5, 31, 2)]
    [InlineData(0, 0.5, 2049, 2)]
    [InlineData(0, 0.5, 64, 1)]
    [InlineData(0, 0.5, 64, 5)]
    public void Generate_ArgumentOutsideItsRange_Throws(long index, double difficulty, int size, int viewCount) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new PlanarPairGenerator().Generate(index, difficulty, size, viewCount));

    private static double Difference(PlanarViewSet set, int x, int y, int u, int v)
    {
        double sum = 0;
        for (int channel = 0; channel < 3; channel++)
            sum += Math.Abs(set.Views[0].Pixels[3 * (y * Size + x) + channel] - set.Views[1].Pixels[3 * (v * Size + u) + channel]);
        return sum / 3;
    }

    private static (double Motion, double Change) Measure(double difficulty)
    {
        var generator = new PlanarPairGenerator(3);
        List<double> motion = [], change = [];
        for (int index = 0; index < 60; index++)
        {
            PlanarViewSet set = generator.Generate(index, difficulty, Size, 2);
            for (int y = 8; y < Size; y += 16)
                for (int x = 8; x < Size; x += 16)
                {
                    if (!set.TryMap(0, 1, x + 0.5, y + 0.5, out (double X, double Y) mapped)) continue;
                    motion.Add(Math.Sqrt(Math.Pow(mapped.X - x, 2) + Math.Pow(mapped.Y - y, 2)));
                    change.Add(Difference(set, x, y, (int)mapped.X, (int)mapped.Y));
                }
        }
        return (motion.Average(), change.Average());
    }

    private static double Overlap(PlanarViewSet set, int source, int target)
    {
        int seen = 0, all = 0;
        for (int y = 1; y < set.Size; y += 2)
            for (int x = 1; x < set.Size; x += 2, all++)
                if (set.TryMap(source, target, x + 0.5, y + 0.5, out _)) seen++;
        return seen / (double)all;
    }
}
