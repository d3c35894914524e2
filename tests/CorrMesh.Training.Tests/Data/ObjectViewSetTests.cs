using CorrMesh.Rendering.Views;
using CorrMesh.Training.Tests.Measuring;
using Xunit;

namespace CorrMesh.Training.Data.Tests;

public class ObjectViewSetTests
{
    // Goal: a pixel of the object is followed to where its colour is. Method: an object whose colour says the place, in views drawn over the sphere. Tolerance: 8 of 255 in
    // each channel, what a place changes over two pixels of a face that is not edge-on; one in twenty may be edge-on.
    [Fact]
    public void TryMap_ColoursThatSayThePlace_AgreeAtBothEnds()
    {
        ObjectView[] views = Placed.Views(6, seed: 2);
        ObjectViewSet set = SetOf(views);
        int followed = 0, wrong = 0;
        var random = new Random(1);
        for (int source = 0; source < views.Length; source++)
            for (int target = 0; target < views.Length; target++)
                for (int i = 0; i < 60 && target != source; i++)
                {
                    (double x, double y) = set.DrawPoint(source, random);
                    if (!set.TryMap(source, target, x, y, out (double X, double Y) mapped)) continue;
                    followed++;
                    System.Numerics.Vector3 change = System.Numerics.Vector3.Abs(
                        Placed.At(views[source].Image, (int)x, (int)y) - Placed.At(views[target].Image, Math.Min((int)mapped.X, 127), Math.Min((int)mapped.Y, 127)));
                    if (Math.Max(change.X, Math.Max(change.Y, change.Z)) > 8) wrong++;
                }
        Assert.True(followed > 300, $"only {followed} points seen in both views");
        Assert.True(wrong <= followed / 20, $"{wrong} of {followed} points are elsewhere");
    }

    [Fact]
    public void TryMap_ToTheSameView_GivesThePixelsCentre()
    {
        ObjectViewSet set = SetOf(Placed.Views(1, seed: 3));
        (double x, double y) = set.DrawPoint(0, new Random(1));
        Assert.True(set.TryMap(0, 0, x + 0.3, y - 0.3, out (double X, double Y) mapped));
        Assert.Equal(x, mapped.X, 1e-3);   // depth is a float
        Assert.Equal(y, mapped.Y, 1e-3);
    }

    [Fact]
    public void TryMap_OffTheObject_IsNotSeen()
    {
        ObjectView[] views = Placed.Views(2, seed: 2);
        Assert.Equal(0, views[0].Mask[0]);
        Assert.False(SetOf(views).TryMap(0, 1, 0.5, 0.5, out _));
    }

    [Fact]
    public void DrawPoint_ManyTimes_GivesCentresOfTheObjectsPixelsAllOver()
    {
        ObjectView view = Placed.Views(1, seed: 4, size: 32)[0];
        ObjectViewSet set = SetOf([view]);
        var random = new Random(1);
        int own = view.Mask.Count(value => value != 0);
        HashSet<(double, double)> drawn = [];
        for (int i = 0; i < 20 * own; i++)
        {
            (double x, double y) = set.DrawPoint(0, random);
            Assert.NotEqual(0, view.Mask[(int)y * 32 + (int)x]);
            Assert.Equal((0.5, 0.5), (x - (int)x, y - (int)y));
            drawn.Add((x, y));
        }
        Assert.Equal(own, drawn.Count);   // each is missed with a chance of e^-20
    }

    [Fact]
    public void DrawPoint_NothingOfTheObject_GivesSomePixel()
    {
        ObjectView view = Placed.Views(1, seed: 4, size: 32)[0];
        Array.Clear(view.Mask);
        (double x, double y) = SetOf([view]).DrawPoint(0, new Random(1));
        Assert.InRange(x, 0.5, 31.5);
        Assert.InRange(y, 0.5, 31.5);
        Assert.False(SetOf([view]).TryMap(0, 0, x, y, out _));
    }

    private static ObjectViewSet SetOf(ObjectView[] views) => new(views, [.. views.Select(view => view.Image.Pixels)]);
}
