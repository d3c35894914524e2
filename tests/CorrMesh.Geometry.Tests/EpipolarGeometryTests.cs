using Xunit;

namespace CorrMesh.Geometry.Tests;

public class EpipolarGeometryTests
{
    // Goal: true matches lie on their lines, others do not. Method: project 100 seeded points into two seeded cameras; then move the
    // match across its line by a known amount. Tolerance: 1e-8 px, rounding at coordinates below 1e4.
    [Fact]
    public void DistanceToLine_ProjectionsOfOnePoint_IsZeroAndGrowsAcrossTheLine()
    {
        var random = new Random(3);
        for (int trial = 0; trial < 20; trial++)
        {
            PosedView source = Draw(random), target = Draw(random);
            var geometry = EpipolarGeometry.Between(source, target);
            for (int i = 0; i < 5; i++)
            {
                double[] point = [random.NextDouble() - 0.5, random.NextDouble() - 0.5, random.NextDouble() - 0.5];
                (double x, double y) = Project(source, point);
                (double u, double v) = Project(target, point);
                Assert.Equal(0, geometry.DistanceToLine(x, y, u, v), 1e-8);
                (double a, double b, _) = geometry.LineInTarget(x, y);
                Assert.Equal(1, a * a + b * b, 1e-12);
                Assert.Equal(3, geometry.DistanceToLine(x, y, u + 3 * a, v + 3 * b), 1e-8);
                Assert.Equal(0, geometry.DistanceToLine(x, y, u + 3 * b, v - 3 * a), 1e-8);
            }
        }
    }

    // Goal: exchanging the views transposes the matrix. Tolerance: 1e-12 of unit-norm entries, up to one common sign.
    [Fact]
    public void Between_ViewsExchanged_TransposesTheMatrix()
    {
        var random = new Random(8);
        PosedView source = Draw(random), target = Draw(random);
        double[] forth = EpipolarGeometry.Between(source, target).Fundamental.ToArray(), back = EpipolarGeometry.Between(target, source).Fundamental.ToArray();
        double sign = Math.Sign(forth[8] * back[8]);
        for (int row = 0; row < 3; row++)
            for (int column = 0; column < 3; column++)
                Assert.Equal(forth[row * 3 + column], sign * back[column * 3 + row], 1e-12);
    }

    [Fact]
    public void Between_SameCentre_Throws()
    {
        PosedView view = Draw(new Random(1));
        Assert.Throws<ArgumentException>(() => EpipolarGeometry.Between(view, view));
    }

    [Fact]
    public void Between_WrongLengthOrSingularIntrinsics_Throws()
    {
        PosedView view = Draw(new Random(1)), other = Draw(new Random(2));
        Assert.Throws<ArgumentException>(() => EpipolarGeometry.Between(view with { Rotation = [1, 0, 0] }, other));
        Assert.Throws<ArgumentException>(() => EpipolarGeometry.Between(view, other with { Intrinsics = new double[9] }));
    }

    private static PosedView Draw(Random random)
    {
        // A camera about 4 units from the origin, looking roughly at it: turn about y, then about x, then step back.
        (double sa, double ca) = Math.SinCos(random.NextDouble() * 2 - 1);
        (double sb, double cb) = Math.SinCos(random.NextDouble() - 0.5);
        double[] rotation = [ca, 0, sa, sa * sb, cb, -ca * sb, -sa * cb, sb, ca * cb];
        double focal = 500 + 200 * random.NextDouble();
        return new PosedView([focal, 0.5, 320, 0, focal * 1.01, 240, 0, 0, 1], rotation, [random.NextDouble() - 0.5, random.NextDouble() - 0.5, 4 + random.NextDouble()]);
    }

    private static (double X, double Y) Project(PosedView view, double[] point)
    {
        var camera = new double[3];
        for (int i = 0; i < 3; i++)
            camera[i] = view.Translation[i] + view.Rotation[3 * i] * point[0] + view.Rotation[3 * i + 1] * point[1] + view.Rotation[3 * i + 2] * point[2];
        double[] k = view.Intrinsics;
        return ((k[0] * camera[0] + k[1] * camera[1] + k[2] * camera[2]) / camera[2], (k[4] * camera[1] + k[5] * camera[2]) / camera[2]);
    }
}
