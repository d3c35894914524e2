using Xunit;

namespace CorrMesh.Geometry.Tests;

public class HomographyTests
{
    private const double Tight = 1e-9;

    // Goal: a map and its inverse cancel. Method: 200 random maps near the identity with perspective, 5 points each.
    // Tolerance: 1e-9 of coordinates up to a few hundred, room for rounding in well-conditioned maps.
    [Fact]
    public void Inverse_RandomMaps_UndoesTheMap()
    {
        var random = new Random(nameof(Inverse_RandomMaps_UndoesTheMap).Length);
        for (int trial = 0; trial < 200; trial++)
        {
            Homography map = Draw(random);
            Homography inverse = map.Inverse();
            for (int i = 0; i < 5; i++)
            {
                double x = random.NextDouble() * 300, y = random.NextDouble() * 300;
                (double u, double v) = map.Apply(x, y);
                (double backX, double backY) = inverse.Apply(u, v);
                Assert.Equal(x, backX, 1e-7);
                Assert.Equal(y, backY, 1e-7);
            }
        }
    }

    [Fact]
    public void Multiply_TwoMaps_AppliesTheRightOneFirst()
    {
        var random = new Random(5);
        Homography first = Draw(random), second = Draw(random);
        (double x, double y) = first.Apply(12, 34);
        (double expectedX, double expectedY) = second.Apply(x, y);
        (double actualX, double actualY) = (second * first).Apply(12, 34);
        Assert.Equal(expectedX, actualX, Tight);
        Assert.Equal(expectedY, actualY, Tight);
    }

    // Goal: the solved map takes each point to its partner and equals the map that made the partners.
    // Method: map four random points in general position, solve, compare at a fifth. Tolerance: 1e-6 px.
    [Fact]
    public void FromFourPoints_ImagesUnderAKnownMap_GivesThatMap()
    {
        var random = new Random(7);
        for (int trial = 0; trial < 100; trial++)
        {
            Homography truth = Draw(random);
            (double X, double Y)[] source = [(3 + random.NextDouble(), 5), (290, 11 * random.NextDouble()), (280, 300), (random.NextDouble() * 40, 260)];
            (double X, double Y)[] target = [.. source.Select(p => truth.Apply(p.X, p.Y))];
            Homography solved = Homography.FromFourPoints(source, target);
            for (int i = 0; i < 4; i++)
            {
                (double x, double y) = solved.Apply(source[i].X, source[i].Y);
                Assert.Equal(target[i].X, x, 1e-6);
                Assert.Equal(target[i].Y, y, 1e-6);
            }
            (double expectedX, double expectedY) = truth.Apply(150, 120);
            (double actualX, double actualY) = solved.Apply(150, 120);
            Assert.Equal(expectedX, actualX, 1e-6);
            Assert.Equal(expectedY, actualY, 1e-6);
        }
    }

    [Fact]
    public void FromFourPoints_ThreeOnALine_NamesTheSide()
    {
        (double, double)[] square = [(0, 0), (1, 0), (1, 1), (0, 1)], line = [(0, 0), (1, 0), (2, 0), (0, 1)];
        Assert.Equal("source", Assert.Throws<ArgumentException>(() => Homography.FromFourPoints(line, square)).ParamName);
        Assert.Equal("target", Assert.Throws<ArgumentException>(() => Homography.FromFourPoints(square, line)).ParamName);
    }

    [Fact]
    public void Inverse_SingularMatrix_Throws() =>
        Assert.Throws<InvalidOperationException>(() => new Homography(1, 2, 3, 2, 4, 6, 0, 0, 1).Inverse());

    [Fact]
    public void FromRowMajor_WrongLengthOrNotFinite_Throws()
    {
        Assert.Throws<ArgumentException>(() => Homography.FromRowMajor([1, 2, 3]));
        Assert.Throws<ArgumentException>(() => Homography.FromRowMajor([1, 0, 0, 0, double.NaN, 0, 0, 0, 1]));
    }

    // Goal: both conventions describe one map of the picture: the corner-origin map moves p + 0.5 to q + 0.5.
    [Fact]
    public void ToCornerOrigin_PixelCentreMap_MovesShiftedPoints()
    {
        Homography centre = Draw(new Random(11));
        (double x, double y) = centre.Apply(40, 60);
        (double cornerX, double cornerY) = centre.ToCornerOrigin().Apply(40.5, 60.5);
        Assert.Equal(x + 0.5, cornerX, Tight);
        Assert.Equal(y + 0.5, cornerY, Tight);
        (double backX, double backY) = centre.ToCornerOrigin().ToCentreOrigin().Apply(40, 60);
        Assert.Equal(x, backX, Tight);
        Assert.Equal(y, backY, Tight);
    }

    [Fact]
    public void Normalised_AnyScale_KeepsTheMap()
    {
        var map = new Homography(2, 0, 6, 0, 4, 8, 0, 0, 2);
        Assert.Equal(new Homography(1, 0, 3, 0, 2, 4, 0, 0, 1), map.Normalised());
        Assert.Equal(map.Apply(5, 7), map.Normalised().Apply(5, 7));
    }

    private static Homography Draw(Random random)
    {
        double Near(double range) => (random.NextDouble() * 2 - 1) * range;
        return new Homography(1 + Near(0.3), Near(0.3), Near(50), Near(0.3), 1 + Near(0.3), Near(50), Near(5e-4), Near(5e-4), 1);
    }
}
