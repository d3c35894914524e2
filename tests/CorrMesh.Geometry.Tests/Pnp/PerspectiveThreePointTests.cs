using CorrMesh.Geometry.Pnp;
using Xunit;

namespace CorrMesh.Geometry.Tests.Pnp;

public class PerspectiveThreePointTests
{
    // Goal: every pose that is given fits, and the true one is among them. Method: 50,000 seeded problems with depths of 0.1 to 10. Tolerance: 1e-6 of a ray; 1e-3 degrees, for triangles that are nearly lines.
    [Fact]
    public void Solve_RandomProblems_TruthIsFoundAndEveryPoseFits()
    {
        var random = new SeededRandom(21, 0);
        var bearings = new (double X, double Y, double Z)[3];
        var points = new (double X, double Y, double Z)[3];
        var poses = new RigidPose[4];
        for (int trial = 0; trial < 50_000; trial++)
        {
            RigidPose truth = PoseScene.RandomPose(random) with { X = random.Normal(), Y = random.Normal(), Z = random.Normal() }, back = truth.Inverse();
            for (int k = 0; k < 3; k++)
            {
                bearings[k] = Unit(random.Range(-1, 1), random.Range(-1, 1), 1);
                double depth = random.Range(0.1f, 10);
                points[k] = back.Apply((depth * bearings[k].X, depth * bearings[k].Y, depth * bearings[k].Z));
            }
            int count = PerspectiveThreePoint.Solve(bearings, points, poses);
            bool isFound = false;
            for (int i = 0; i < count; i++)
            {
                (double degrees, double distance) = PoseScene.Error(poses[i], truth);
                isFound |= degrees < 1e-3 && distance < 1e-6;
                for (int k = 0; k < 3; k++)
                {
                    var p = poses[i].Apply(points[k]);
                    var seen = Unit(p.X, p.Y, p.Z);
                    Assert.True(Math.Abs(seen.X - bearings[k].X) + Math.Abs(seen.Y - bearings[k].Y) + Math.Abs(seen.Z - bearings[k].Z) < 1e-6, $"trial {trial}, pose {i}: ray {k} misses its point");
                }
                Assert.Equal(1, poses[i].R11 * (poses[i].R22 * poses[i].R33 - poses[i].R23 * poses[i].R32) - poses[i].R12 * (poses[i].R21 * poses[i].R33 - poses[i].R23 * poses[i].R31)
                    + poses[i].R13 * (poses[i].R21 * poses[i].R32 - poses[i].R22 * poses[i].R31), 1e-6);
            }
            Assert.True(isFound, $"trial {trial}: the true pose is not among {count}");
        }
    }

    // Goal: what determines no pose gives none. Method: points on a line, a repeated point, a repeated ray.
    [Fact]
    public void Solve_Degenerate_GivesNoPose()
    {
        (double, double, double)[] rays = [Unit(0, 0, 1), Unit(0.1, 0, 1), Unit(0, 0.1, 1)];
        Assert.Equal(0, PerspectiveThreePoint.Solve(rays, [(0, 0, 0), (1, 2, 3), (2, 4, 6)], new RigidPose[4]));
        Assert.Equal(0, PerspectiveThreePoint.Solve(rays, [(0, 0, 0), (1, 2, 3), (1, 2, 3)], new RigidPose[4]));
        Assert.Equal(0, PerspectiveThreePoint.Solve([rays[0], rays[1], rays[1]], [(0, 0, 0), (1, 0, 0), (0, 1, 0)], new RigidPose[4]));
        Assert.Equal(0, PerspectiveThreePoint.Solve(rays, [(0, 0, 0), (double.NaN, 0, 0), (0, 1, 0)], new RigidPose[4]));
    }

    // Goal: wrong arguments are named.
    [Fact]
    public void Solve_WrongArguments_AreNamed()
    {
        (double, double, double)[] rays = [Unit(0, 0, 1), Unit(0.1, 0, 1), Unit(0, 0.1, 1)], points = [(0, 0, 0), (1, 0, 0), (0, 1, 0)];
        Assert.Contains("bearings: 3 needed, 2 given", Assert.Throws<ArgumentException>(() => PerspectiveThreePoint.Solve(rays.AsSpan(0, 2), points, new RigidPose[4])).Message, StringComparison.Ordinal);
        Assert.Contains("points: 3 needed, 1 given", Assert.Throws<ArgumentException>(() => PerspectiveThreePoint.Solve(rays, points.AsSpan(0, 1), new RigidPose[4])).Message, StringComparison.Ordinal);
        Assert.Contains("room for 4 needed, 3 given", Assert.Throws<ArgumentException>(() => PerspectiveThreePoint.Solve(rays, points, new RigidPose[3])).Message, StringComparison.Ordinal);
        Assert.Contains("unit vectors needed", Assert.Throws<ArgumentException>(() => PerspectiveThreePoint.Solve([(0, 0, 2), rays[1], rays[2]], points, new RigidPose[4])).Message, StringComparison.Ordinal);
    }

    private static (double X, double Y, double Z) Unit(double x, double y, double z)
    {
        double length = Math.Sqrt(x * x + y * y + z * z);
        return (x / length, y / length, z / length);
    }
}
