using CorrMesh.Geometry;
using CorrMesh.Rendering.Meshes;
using CorrMesh.Rendering.Views;
using Xunit;

namespace CorrMesh.Training.Data.Tests;

public class ObjectViewGeneratorTests
{
    private const int Size = 64;

    [Fact]
    public void Generate_SameArguments_GivesTheSameBytesFromAnyInstance()
    {
        var used = new ObjectViewGenerator(4);
        used.Generate(1, 1, 96, 4);
        ObjectViewSet first = used.Generate(17, 0.7, Size, 3), second = new ObjectViewGenerator(4).Generate(17, 0.7, Size, 3);
        Assert.Equal(3, first.Views.Length);
        for (int view = 0; view < 3; view++)
        {
            Assert.Equal(first.PixelsOf(view), second.PixelsOf(view));
            Assert.Equal(first.Views[view].Mask, second.Views[view].Mask);
            Assert.Equal(first.Views[view].DepthMetres, second.Views[view].DepthMetres);
            Assert.Equal((first.Views[view].Camera, first.Views[view].ObjectToCamera), (second.Views[view].Camera, second.Views[view].ObjectToCamera));
        }
    }

    [Fact]
    public void Generate_OtherIndexOrSeed_GivesOtherPictures()
    {
        byte[] pixels = new ObjectViewGenerator(4).Generate(17, 0.7, Size, 2).PixelsOf(0);
        Assert.NotEqual(pixels, new ObjectViewGenerator(4).Generate(18, 0.7, Size, 2).PixelsOf(0));
        Assert.NotEqual(pixels, new ObjectViewGenerator(5).Generate(17, 0.7, Size, 2).PixelsOf(0));
    }

    // Goal: nothing that is measured is ever trained on, and what is ambiguous neither. Method: the objects of 250 indices; each family of training comes up, too.
    [Fact]
    public void DrawObject_ManyIndices_KeepsToSeedsAndFamiliesOfTraining()
    {
        var generator = new ObjectViewGenerator(1);
        HashSet<string> shapes = [], materials = [];
        HashSet<int> seeds = [];
        for (int index = 0; index < 250; index++)
        {
            (int seed, Rendering.Procedural.ProceduralObject made) = generator.DrawObject(index);
            Assert.InRange(seed, 0, ObjectViewGenerator.FirstEvaluationSeed - 1);
            Assert.False(made.IsSymmetric);
            seeds.Add(seed);
            shapes.Add(made.Shape);
            materials.Add(made.Material);
        }
        Assert.True(seeds.Count > 240, $"{seeds.Count} objects of 250 differ");
        Assert.Equal(Rendering.Procedural.ProceduralObjects.Shapes.Except(ObjectViewGenerator.HeldOutShapes).Order(), shapes.Order());
        Assert.Equal(Rendering.Procedural.ProceduralObjects.Materials.Except(ObjectViewGenerator.HeldOutMaterials).Order(), materials.Order());
    }

    // Goal: a followed point is the same place of the object at both ends. Method: apart from depth maps, a ray through either end is cut with every triangle of the
    // object's mesh; the first cuts are compared. Tolerance: half are equal to 1e-3 of the unit box, where a view's depth is that of the pixel's centre and not of the point
    // in it; nine in ten to 0.02, and all but one in a hundred to 0.1: at an outline, depth within one per cent of 3.5 m counts as the same place.
    [Fact]
    public void TryMap_FollowedPoints_LieOnTheSamePlaceOfTheMesh()
    {
        var generator = new ObjectViewGenerator(3);
        List<double> distances = [];
        for (int index = 0; index < 12; index++)
        {
            TriangleMesh mesh = new ObjectViewGenerator(3).DrawObject(index).Made.Mesh;
            ObjectViewSet set = generator.Generate(index, 0.6, Size, 2);
            var random = new Random(index);
            for (int tries = 0; tries < 25; tries++)
            {
                (double x, double y) = set.DrawPoint(0, random);
                if (!set.TryMap(0, 1, x, y, out (double X, double Y) mapped)) continue;
                (double X, double Y, double Z)? from = Cut(mesh, set.Views[0], x - 0.5, y - 0.5), to = Cut(mesh, set.Views[1], mapped.X - 0.5, mapped.Y - 0.5);
                Assert.NotNull(from);   // a mask's pixel shows the object at its centre
                distances.Add(to is { } there ? Distance(from.Value, there) : double.PositiveInfinity);
            }
        }
        distances.Sort();
        Assert.True(distances.Count > 120, $"{distances.Count} points of 300 seen in both views");
        Assert.True(distances[distances.Count / 2] < 1e-3, $"median {distances[distances.Count / 2]}");
        Assert.True(distances[distances.Count * 9 / 10] < 0.02, $"nine in ten {distances[distances.Count * 9 / 10]}");
        Assert.True(distances[distances.Count * 99 / 100] < 0.1, $"99 in a hundred {distances[distances.Count * 99 / 100]}");
    }

    // Goal: what stands before the object is not followed. Method: depth is that of the bare object, so where there is depth and no mask, something stands before it: no
    // point is drawn there, and none is followed from there or to there.
    [Fact]
    public void Generate_ThingsBeforeTheObject_AreNotFollowed()
    {
        var generator = new ObjectViewGenerator(6);
        int hidden = 0, followed = 0;
        for (int index = 0; index < 40; index++)
        {
            ObjectViewSet set = generator.Generate(index, 1, Size, 2);
            for (int at = 0; at < Size * Size; at++)
            {
                bool isHidden = set.Views[0].DepthMetres![at] > 0 && set.Views[0].Mask[at] == 0;
                if (isHidden) hidden++;
                if (!set.TryMap(0, 1, at % Size + 0.5, at / Size + 0.5, out (double X, double Y) mapped)) continue;
                followed++;
                Assert.False(isHidden);
                Assert.NotEqual(0, set.Views[1].Mask[(int)mapped.Y * Size + (int)mapped.X]);
            }
            var random = new Random(index);
            for (int tries = 0; tries < 50; tries++)
            {
                (double x, double y) = set.DrawPoint(0, random);
                Assert.NotEqual(0, set.Views[0].Mask[(int)y * Size + (int)x]);
            }
        }
        Assert.True(hidden > 300, $"only {hidden} hidden pixels in 40 scenes");
        Assert.True(followed > 5000, $"only {followed} followed pixels in 40 scenes");
    }

    // Goal: the mask knows what hides the object. Method: in views that light and lens left as they were rendered - at nearly all of the mask's pixels the colour is the
    // renderer's - any clear change of a pixel of the object is something before it. Tolerance: a rim of less than a tenth of coverage may stay unmasked; it changes a colour
    // by some 50 steps at most.
    [Fact]
    public void Generate_ThingsBeforeTheObject_LeaveTheMask()
    {
        var generator = new ObjectViewGenerator(6);
        int hidden = 0, plain = 0;
        for (int index = 0; index < 150; index++)
        {
            ObjectViewSet set = generator.Generate(index, 1, 48, 3);
            for (int view = 0; view < 3; view++)
            {
                ObjectView rendered = set.Views[view];
                int[] changes = [.. Enumerable.Range(0, 48 * 48).Select(at => Enumerable.Range(3 * at, 3).Max(i => Math.Abs(set.PixelsOf(view)[i] - rendered.Image.Pixels[i])))];
                int[] own = [.. Enumerable.Range(0, 48 * 48).Where(at => rendered.Mask[at] != 0)];
                if (own.Count(at => changes[at] <= 1) < 0.9 * own.Length || own.Length == 0) continue;
                plain++;
                for (int at = 0; at < changes.Length; at++)
                {
                    if (changes[at] <= 64 || !(rendered.DepthMetres![at] > 0)) continue;
                    Assert.Equal(0, rendered.Mask[at]);
                    hidden++;
                }
            }
        }
        Assert.True(plain > 20, $"only {plain} views as rendered");
        Assert.True(hidden > 100, $"only {hidden} hidden pixels");
    }

    // Goal: difficulty means what it says. Method: the angle between the views of 30 objects. Tolerance: 1e-3 degrees of rounding.
    [Theory]
    [InlineData(0, 15)]
    [InlineData(1, 70)]
    public void Generate_Difficulty_BoundsTheAngleBetweenPlaces(double difficulty, double degrees)
    {
        var generator = new ObjectViewGenerator(8);
        double widest = 0;
        for (int index = 0; index < 30; index++)
        {
            ObjectViewSet set = generator.Generate(index, difficulty, 32, 2);
            (double X, double Y, double Z) first = set.Views[0].ObjectToCamera.Inverse().Apply((0, 0, 0)), second = set.Views[1].ObjectToCamera.Inverse().Apply((0, 0, 0));
            double cosine = (first.X * second.X + first.Y * second.Y + first.Z * second.Z) / (Distance(first, default) * Distance(second, default));
            widest = Math.Max(widest, Math.Acos(Math.Clamp(cosine, -1, 1)) * 180 / Math.PI);
        }
        Assert.InRange(widest, 0.5 * degrees, degrees + 1e-3);
    }

    // Where the ray through a pixel, origin in the first one's centre, first meets the mesh, object frame (Möller and Trumbore 1997).
    private static (double X, double Y, double Z)? Cut(TriangleMesh mesh, ObjectView view, double x, double y)
    {
        RigidPose toObject = view.ObjectToCamera.Inverse();
        (double X, double Y, double Z) eye = toObject.Apply((0, 0, 0)), ray = toObject.Rotate(view.Camera.Unproject(x, y, 1));
        double nearest = double.PositiveInfinity;
        for (int i = 0; i < mesh.Indices.Length; i += 3)
        {
            System.Numerics.Vector3 a = mesh.Positions[mesh.Indices[i]], b = mesh.Positions[mesh.Indices[i + 1]], c = mesh.Positions[mesh.Indices[i + 2]];
            (double X, double Y, double Z) first = (b.X - a.X, b.Y - a.Y, b.Z - a.Z), second = (c.X - a.X, c.Y - a.Y, c.Z - a.Z), across = Cross(ray, second);
            double determinant = Dot(first, across);
            if (Math.Abs(determinant) < 1e-18) continue;
            (double X, double Y, double Z) from = (eye.X - a.X, eye.Y - a.Y, eye.Z - a.Z), along = Cross(from, first);
            double u = Dot(from, across) / determinant, v = Dot(ray, along) / determinant, t = Dot(second, along) / determinant;
            if (u >= -1e-6 && v >= -1e-6 && u + v <= 1 + 1e-6 && t > 0 && t < nearest) nearest = t;
        }
        return double.IsFinite(nearest) ? (eye.X + nearest * ray.X, eye.Y + nearest * ray.Y, eye.Z + nearest * ray.Z) : null;
    }

    private static (double X, double Y, double Z) Cross((double X, double Y, double Z) a, (double X, double Y, double Z) b) =>
        (a.Y * b.Z - a.Z * b.Y, a.Z * b.X - a.X * b.Z, a.X * b.Y - a.Y * b.X);

    private static double Dot((double X, double Y, double Z) a, (double X, double Y, double Z) b) => a.X * b.X + a.Y * b.Y + a.Z * b.Z;

    private static double Distance((double X, double Y, double Z) a, (double X, double Y, double Z) b) => Math.Sqrt(Dot((a.X - b.X, a.Y - b.Y, a.Z - b.Z), (a.X - b.X, a.Y - b.Y, a.Z - b.Z)));
}
