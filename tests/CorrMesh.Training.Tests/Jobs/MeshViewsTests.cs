using System.Text;
using CorrMesh.Rendering.Files;
using CorrMesh.Training.Finetuning;
using CorrMesh.Training.Jobs;
using Xunit;

namespace CorrMesh.Training.Tests.Jobs;

public sealed class MeshViewsTests
{
    private static MeshViews Cube(int count, int seed = 1) => new(MeshFile.Read(Encoding.UTF8.GetBytes(JobHost.Cube)), "cube", count, seed);

    // Goal: each pixel's object point is where the pixel looks. Method: the unit box of a cube is known, so every point has one coordinate of ±0.5 and none beyond.
    [Fact]
    public void Load_Cube_PointsLieOnItsFaces()
    {
        TrainingView view = Cube(8).Load(0, 3, null);

        Assert.InRange(view.PointCount, 10_000, 200_000);
        for (int i = 0; i < view.ObjectPoints.Length; i += 3)
            Assert.Equal(0.5, Math.Max(Math.Abs(view.ObjectPoints[i]), Math.Max(Math.Abs(view.ObjectPoints[i + 1]), Math.Abs(view.ObjectPoints[i + 2]))), 1e-4);
    }

    // Goal: an augmentation moves points with their pixels. Method: without colour changes at the same place, the point's new position shows the object: the picture is black around it.
    [Fact]
    public void Load_Augmented_PointsMoveWithThePicture()
    {
        MeshViews views = Cube(8);
        bool moved = false;
        for (ulong seed = 1; seed <= 4; seed++)
        {
            TrainingView plain = views.Load(0, 0, null), changed = views.Load(0, 0, seed), again = views.Load(0, 0, seed);
            Assert.Equal(changed.Image.Pixels, again.Image.Pixels);
            Assert.Equal(plain.ObjectPoints, changed.ObjectPoints);
            moved |= !plain.Points.AsSpan().SequenceEqual(changed.Points);
            int inside = 0, onObject = 0;
            for (int i = 0; i < changed.Points.Length; i += 2)
            {
                (int x, int y) = ((int)Math.Floor(changed.Points[i]), (int)Math.Floor(changed.Points[i + 1]));
                if (x < 0 || y < 0 || x >= changed.Image.Width || y >= changed.Image.Height) continue;
                inside++;
                int at = 3 * (y * changed.Image.Width + x);
                if (changed.Image.Pixels[at] + changed.Image.Pixels[at + 1] + changed.Image.Pixels[at + 2] > 0) onObject++;
            }
            Assert.InRange(onObject, inside * 0.98, inside);
        }

        Assert.True(moved, "none of the four augmentations moved the picture");
    }

    [Fact]
    public void Views_SeedAndCount_DecideThePlaces()
    {
        MeshViews paper = Cube(MeshViews.PaperCount), drawn = Cube(8, seed: 1), other = Cube(8, seed: 2);

        Assert.Equal((42, 8), (paper.CountViews(0), drawn.CountViews(0)));
        Assert.Equal(0, drawn.AngleBetween(0, 2, 2), 1e-4);
        Assert.NotEqual(drawn.AngleBetween(0, 0, 1), other.AngleBetween(0, 0, 1), 1e-3);
        Assert.Equal(drawn.AngleBetween(0, 0, 1), Cube(8, seed: 1).AngleBetween(0, 0, 1));
        Assert.Throws<ArgumentException>(() => Cube(7));
        Assert.Throws<ArgumentException>(() => Cube(129));
    }
}
