using CorrMesh.Geometry;
using CorrMesh.Rendering.Augmentation;
using CorrMesh.Rendering.Procedural;
using CorrMesh.Rendering.Raster;
using CorrMesh.Rendering.Views;
using CorrMesh.Vision.Images;
using Xunit;

namespace CorrMesh.Rendering.Tests.Augmentation;

public sealed class ViewAugmenterTests
{
    private static readonly ObjectView View = Renderer.Render(
        ProceduralObjects.Make(12, ["creature"], ["mosaic"]).Mesh, PinholeCamera.ThirtyFive(200), RigidPose.LookAt((1.2, 1.2, 0.6), (0, 0, 0), (0, 0, 1)),
        new RenderOptions { Background = new System.Numerics.Vector3(0.3f) });

    [Fact]
    public void Apply_SameSeed_GivesTheSameBytes()
    {
        var pictures = new List<RgbImage>();
        for (ulong seed = 0; seed < 20; seed++)
        {
            AugmentedView first = ViewAugmenter.Apply(View.Image, View.Mask, new SeededRandom(seed, 1)), second = ViewAugmenter.Apply(View.Image, View.Mask, new SeededRandom(seed, 1));
            Assert.Equal(first.Image.Pixels, second.Image.Pixels);
            Assert.Equal(first.Mask, second.Mask);
            Assert.Equal(first.Movement, second.Movement);
            pictures.Add(first.Image);
        }
        Assert.True(pictures.Select(picture => Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(picture.Pixels))).Distinct().Count() > 17);
        Pictures.Keep("augmented", Pictures.Sheet(pictures, 5));
    }

    // Goal: points go where their colours go. Method: movement alone; at each fourth pixel of the object the colours at both ends, against a
    // control 7 pixels beside. Tolerance: the median difference is bilinear blur, below 12 levels on this busy pattern.
    [Fact]
    public void Apply_MovementAlone_PointsFollowTheirColours()
    {
        var options = new AugmentationOptions { GeometricProbability = 1, ColourProbability = 0 };
        List<int> there = [], beside = [];
        for (ulong seed = 0; seed < 12; seed++)
        {
            AugmentedView moved = ViewAugmenter.Apply(View.Image, View.Mask, new SeededRandom(seed, 1), options);
            (double X, double Y)[] points = [.. from y in Enumerable.Range(0, 50) from x in Enumerable.Range(0, 50) where View.Mask[4 * y * 200 + 4 * x] != 0 select (4.0 * x, 4.0 * y)];
            IReadOnlyList<(int Index, double X, double Y)> kept = moved.Move(points);
            Assert.All(kept, point => Assert.True(point.X is >= 0 and < 200 && point.Y is >= 0 and < 200));
            foreach ((int index, double x, double y) in kept)
            {
                int at = 3 * ((int)points[index].Y * 200 + (int)points[index].X), to = Math.Min((int)(y + 0.5), 199) * 200 + Math.Min((int)(x + 0.5), 199);
                there.Add(Difference(at, 3 * to));
                beside.Add(Difference(at, 3 * Math.Min(to + 7, 200 * 200 - 1)));
            }

            int Difference(int from, int to) => Enumerable.Range(0, 3).Max(channel => Math.Abs(View.Image.Pixels[from + channel] - moved.Image.Pixels[to + channel]));
        }
        there.Sort();
        Assert.True(there.Count > 1000 && there[there.Count / 2] < 12, $"{there.Count} points, median {there[there.Count / 2]}");
        Assert.True(beside.Average() > 2 * there.Average(), $"{there.Average()} at the place, {beside.Average()} beside it");
    }

    [Fact]
    public void Apply_LimitsOfTheMovement_AreKept()
    {
        var options = new AugmentationOptions { GeometricProbability = 1, ColourProbability = 0 };
        double widest = 0;
        for (ulong seed = 0; seed < 500; seed++)
        {
            Homography m = ViewAugmenter.Apply(new RgbImage(8, 4, new byte[96]), new byte[32], new SeededRandom(seed, 1), options).Movement;
            double scale = Math.Sqrt(m.M11 * m.M11 + m.M21 * m.M21), degrees = Math.Atan2(m.M21, m.M11) * 180 / Math.PI;
            (double x, double y) = m.Apply(3.5, 1.5);
            Assert.InRange(scale, 0.75 - 1e-9, 1.25 + 1e-9);
            Assert.InRange(degrees, -45 - 1e-9, 45 + 1e-9);
            Assert.InRange(x - 3.5, -2 - 1e-9, 2 + 1e-9);
            Assert.InRange(y - 1.5, -1 - 1e-9, 1 + 1e-9);
            widest = Math.Max(widest, Math.Abs(degrees));
        }
        Assert.True(widest > 40);
    }

    [Fact]
    public void Apply_NothingDrawn_OnlyBlackensTheBackground()
    {
        AugmentedView same = ViewAugmenter.Apply(View.Image, View.Mask, new SeededRandom(1, 1), new AugmentationOptions { GeometricProbability = 0, ColourProbability = 0 });
        for (int i = 0; i < View.Mask.Length; i++)
            for (int channel = 0; channel < 3; channel++) Assert.Equal(View.Mask[i] != 0 ? View.Image.Pixels[3 * i + channel] : 0, same.Image.Pixels[3 * i + channel]);
        AugmentedView kept = ViewAugmenter.Apply(View.Image, View.Mask, new SeededRandom(1, 1), new AugmentationOptions { GeometricProbability = 0, ColourProbability = 0, IsBackgroundBlack = false });
        Assert.Equal(View.Image.Pixels, kept.Image.Pixels);
    }

    [Fact]
    public void GaussianNoise_OfADeviation_HasIt()
    {
        byte[] grey = Filled(128);
        ColourChanges.AddGaussianNoise(grey, 5, new SeededRandom(2, 1));
        double mean = grey.Average(level => (double)level), deviation = Math.Sqrt(grey.Average(level => Math.Pow(level - mean, 2)));
        Assert.Equal(128, mean, 0.1);
        Assert.Equal(5, deviation, 0.1);
    }

    // Goal: sensor noise turns hues and lifts lightness by the picture's own contrast. Method: a flat picture has no contrast, so its greys stay
    // and its colours turn only; a picture with contrast gets lighter by the mean of the Poisson distribution, less what is lit already.
    [Fact]
    public void IsoNoise_FollowsTheContrast()
    {
        byte[] grey = Filled(100);
        ColourChanges.AddIsoNoise(grey, 0.05f, 0.5f, new SeededRandom(2, 1));
        Assert.All(grey, level => Assert.InRange(level, 99, 101));
        byte[] red = [.. Enumerable.Range(0, 3000).Select(i => (byte)(i % 3 == 0 ? 200 : 40))];
        ColourChanges.AddIsoNoise(red, 0.05f, 0.5f, new SeededRandom(2, 1));
        Assert.True(Enumerable.Range(0, 1000).Select(i => red[3 * i + 1] - red[3 * i + 2]).Distinct().Count() > 10);
        Assert.All(Enumerable.Range(0, 1000), i => Assert.InRange(red[3 * i], 198, 202));
        byte[] halves = [.. Enumerable.Range(0, 30_000).Select(i => (byte)(i < 15_000 ? 50 : 150))];
        ColourChanges.AddIsoNoise(halves, 0.01f, 0.2f, new SeededRandom(2, 1));
        double added = 50 * 0.2;   // deviation of the lightness, in levels, times the intensity
        Assert.Equal(50 + added * (1 - 50 / 255.0), halves[..15_000].Average(level => (double)level), 0.5);
        Assert.Equal(150 + added * (1 - 150 / 255.0), halves[15_000..].Average(level => (double)level), 0.5);
    }

    // Goal: equalisation spreads a dull picture without touching its colours' kind. Method: a narrow ramp of grey stays grey and gets wider; a
    // limit of one leaves a full ramp nearly as it is.
    [Fact]
    public void Clahe_DullRamp_GetsWiderAndStaysGrey()
    {
        var ramp = new byte[3 * 128 * 128];
        for (int i = 0; i < 128 * 128; i++) ramp.AsSpan(3 * i, 3).Fill((byte)(100 + i % 16));
        byte[] changed = (byte[])ramp.Clone();
        Clahe.Apply(changed, 128, 128, 4);
        for (int i = 0; i < 128 * 128; i++) Assert.InRange(changed.AsSpan(3 * i, 3).ToArray().Max() - changed.AsSpan(3 * i, 3).ToArray().Min(), 0, 1);
        Assert.True(Spread(changed) > 1.3 * Spread(ramp), $"{Spread(changed)} from {Spread(ramp)}");
        for (int y = 1; y < 128; y++) Assert.Equal(changed[..(3 * 128)], changed[(3 * 128 * y)..(3 * 128 * (y + 1))]);   // columns are alike

        static int Spread(byte[] levels) => levels.Max() - levels.Min();
    }

    [Fact]
    public void Blur_SinglePixel_GivesTheKernel()
    {
        var dot = new byte[3 * 5 * 5];
        dot.AsSpan(3 * 12, 3).Fill(160);
        ColourChanges.Blur(dot, 5, 5);
        Assert.Equal([10, 20, 10, 20, 40, 20, 10, 20, 10], new[] { 6, 7, 8, 11, 12, 13, 16, 17, 18 }.Select(i => (int)dot[3 * i]));
    }

    [Fact]
    public void ScaleAndShift_Levels_AreClamped()
    {
        byte[] levels = [0, 100, 200, 255, 1, 2];
        ColourChanges.ScaleAndShift(levels, 1.2f, -20);
        Assert.Equal([0, 100, 220, 255, 0, 0], levels.Select(level => (int)level));
    }

    private static byte[] Filled(byte level)
    {
        var pixels = new byte[3 * 100 * 100];
        Array.Fill(pixels, level);
        return pixels;
    }
}
