using System.Numerics;
using CorrMesh.Geometry;
using CorrMesh.Rendering.Augmentation;
using CorrMesh.Rendering.Raster;
using CorrMesh.Rendering.Views;
using CorrMesh.Training.Finetuning;
using CorrMesh.Training.Tests.Measuring;
using Xunit;

namespace CorrMesh.Training.Tests.Finetuning;

public class PosedViewsTests
{
    private const int Size = 96;

    // Goal: a point in the picture and its place on the object belong together, also after an augmentation has moved the picture. Method: an object whose colour is
    // the place, and augmentations that move without changing colours.
    [Theory]
    [InlineData(null)]
    [InlineData(3ul)]
    [InlineData(4ul)]
    public void Load_Points_ShowTheirPlaces(ulong? augmentation)
    {
        TrainingView view = Views(new AugmentationOptions { GeometricProbability = 1, ColourProbability = 0 }).Load(0, 1, augmentation);
        var distances = new List<float>();
        for (int i = 0; i < view.PointCount; i++)
        {
            (float x, float y) = (view.Points[2 * i], view.Points[2 * i + 1]);
            if (!(x >= 0 && y >= 0 && x < Size && y < Size)) continue;
            var linear = new Vector3(view.ObjectPoints[3 * i] + 0.5f, view.ObjectPoints[3 * i + 1] + 0.5f, view.ObjectPoints[3 * i + 2] + 0.5f);
            var place = new Vector3(Byte(linear.X), Byte(linear.Y), Byte(linear.Z));
            distances.Add(Vector3.Distance(place, Placed.At(view.Image, (int)x, (int)y)));
        }
        Assert.True(distances.Count > 300);
        Assert.True(distances.Order().ElementAt(distances.Count * 9 / 10) < 10, $"nine of ten within {distances.Order().ElementAt(distances.Count * 9 / 10)} levels");
        if (augmentation is null) Assert.True(distances.Max() < 4);

        static float Byte(float value) => CorrMesh.Rendering.Meshes.Srgb.FromLinear(value);
    }

    [Fact]
    public void Load_Seeds_DecideTheAugmentation()
    {
        PosedViews views = Views(null);
        Assert.Equal(views.Load(0, 0, 5).Image.Pixels, Views(null).Load(0, 0, 5).Image.Pixels);
        Assert.NotEqual(views.Load(0, 0, 5).Image.Pixels, views.Load(0, 0, 6).Image.Pixels);
    }

    [Fact]
    public void Load_LargerObject_GivesPlacesInFractionsOfItsSide()
    {
        float[] unit = Views(null).Load(0, 2, null).ObjectPoints, half = new PosedViews([new PosedObject("box", Source(), 2)]).Load(0, 2, null).ObjectPoints;
        Assert.Equal(unit[17], 2 * half[17], 1e-6);
    }

    // Goal: scenes stand behind the object and never on it, and the same seed gives the same one. Method: without colour changes and motion, pixels of the object are those of the
    // plain view, and hardly any other is black still.
    [Fact]
    public void Load_Backdrops_StandBehindTheObjectAlone()
    {
        ObjectView plain = Source().Load(1);
        var options = new AugmentationOptions { GeometricProbability = 0, ColourProbability = 0 };
        var views = new PosedViews([new PosedObject("box", Source())], options, backdrops: true);
        byte[] first = views.Load(0, 1, 3).Image.Pixels, again = views.Load(0, 1, 3).Image.Pixels, other = views.Load(0, 1, 4).Image.Pixels;
        Assert.Equal(first, again);
        Assert.NotEqual(first, other);
        Assert.Equal(plain.Image.Pixels, views.Load(0, 1, null).Image.Pixels);
        int behind = 0, black = 0;
        for (int at = 0; at < plain.Mask.Length; at++)
        {
            if (plain.Mask[at] != 0) Assert.Equal(plain.Image.Pixels.AsSpan(3 * at, 3), first.AsSpan(3 * at, 3));
            else (behind, black) = (behind + 1, black + (first[3 * at] + first[3 * at + 1] + first[3 * at + 2] == 0 ? 1 : 0));
        }
        Assert.True(black < behind / 4, $"{black} of {behind} pixels behind the object are black");
    }

    [Fact]
    public void AngleBetween_Views_IsThatOfTheirPoses()
    {
        RenderedMesh source = Source();
        Assert.Equal(source.Poses[0].AngleTo(source.Poses[3]), Views(null).AngleBetween(0, 0, 3));
        Assert.Equal(42, Views(null).CountViews(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => source.Load(42));
    }

    private static PosedViews Views(AugmentationOptions? options) => new([new PosedObject("box", Source())], options);

    private static RenderedMesh Source() => new(
        Placed.Box, PinholeCamera.ThirtyFive(Size), ViewSphere.Icosphere(Placed.Box.Up), new RenderOptions { Lighting = new Lighting([], Vector3.One), IsAntialiased = false });
}
