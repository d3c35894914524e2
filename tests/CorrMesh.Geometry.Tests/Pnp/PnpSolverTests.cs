using CorrMesh.Geometry.Pnp;
using Xunit;

namespace CorrMesh.Geometry.Tests.Pnp;

public class PnpSolverTests
{
    // Goal: without noise the pose is exact. Tolerance: 1e-4 degrees and 1e-6 m, room for angles seen edge-on.
    [Theory]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(12)]
    [InlineData(300)]
    public void Solve_NoNoise_IsExact(int count)
    {
        var scene = PoseScene.Draw($"exact {count}", count, 0);
        PnpResult result = scene.Solve();
        Assert.Equal(PnpStatus.Solved, result.Status);
        (double degrees, double distance) = PoseScene.Error(result.Best!.ObjectToCamera, scene.Truth);
        Assert.InRange(degrees, 0, 1e-4);
        Assert.InRange(distance, 0, 1e-6);
        Assert.Equal(count, result.Inliers.Length);
    }

    // Goal: outliers do not move the pose, and are told apart. Method: 60 % of the points anywhere in the picture, a pixel of noise.
    [Fact]
    public void Solve_Outliers_AreToldApart()
    {
        var scene = PoseScene.Draw(nameof(Solve_Outliers_AreToldApart), 500, 1, 0.6);
        PnpResult result = scene.Solve();
        (double degrees, double distance) = PoseScene.Error(result.Best!.ObjectToCamera, scene.Truth);
        Assert.InRange(degrees, 0, 0.3);
        Assert.InRange(distance, 0, 0.003);
        Assert.InRange(result.NoisePixels, 0.85, 1.2);
        // A point anywhere in the picture may fall on its own projection.
        Assert.InRange(result.Inliers.Count(row => !scene.IsInlier[row]), 0, 1);
        Assert.InRange(result.Inliers.Count(row => scene.IsInlier[row]), 190, 200);
        Assert.Equal(result.Inliers.Order(), result.Inliers);
    }

    // Goal: the answer is the same bits for the same seed. Method: twice in a row.
    [Fact]
    public void Solve_SameSeed_SameBits()
    {
        var scene = PoseScene.Draw(nameof(Solve_SameSeed_SameBits), 200, 2, 0.5);
        PnpResult first = scene.Solve(new PnpOptions { Seed = 5 }), second = scene.Solve(new PnpOptions { Seed = 5 });
        Assert.Equal(first.Best!.ObjectToCamera, second.Best!.ObjectToCamera);
        Assert.Equal(first.Best.Covariance, second.Best.Covariance);
        Assert.Equal(first.Inliers, second.Inliers);
    }

    // Goal: moving the object's frame moves the pose with it and changes nothing else. Method: solve, move by a rigid motion, solve, undo. Tolerance: 0.01 standard deviations'
    // worth of this scene, for fits end when a step is small.
    [Fact]
    public void Solve_ObjectFrameMoved_PoseMovesWithIt()
    {
        var scene = PoseScene.Draw(nameof(Solve_ObjectFrameMoved_PoseMovesWithIt), 200, 1, 0.3);
        RigidPose motion = PoseScene.RandomPose(new SeededRandom(8, 0)) with { X = 3, Y = -2, Z = 50 };
        double[] moved = new double[scene.ObjectPoints.Length];
        for (int i = 0; i < moved.Length; i += 3) (moved[i], moved[i + 1], moved[i + 2]) = motion.Apply((scene.ObjectPoints[i], scene.ObjectPoints[i + 1], scene.ObjectPoints[i + 2]));
        RigidPose plain = scene.Solve().Best!.ObjectToCamera, other = (scene with { ObjectPoints = moved }).Solve().Best!.ObjectToCamera * motion;
        (double degrees, double distance) = PoseScene.Error(plain, other);
        Assert.InRange(degrees, 0, 1e-3);
        Assert.InRange(distance, 0, 1e-5);
    }

    // Goal: the unit of the object is the unit of the translation and of its covariance. Method: metres and millimetres.
    [Fact]
    public void Solve_OtherUnit_ScalesTheTranslation()
    {
        var scene = PoseScene.Draw(nameof(Solve_OtherUnit_ScalesTheTranslation), 100, 1);
        PnpPose metres = scene.Solve().Best!, millimetres = (scene with { ObjectPoints = Array.ConvertAll(scene.ObjectPoints, value => 1000 * value) }).Solve().Best!;
        Assert.Equal(1000 * metres.ObjectToCamera.Z, millimetres.ObjectToCamera.Z, 0.01);
        Assert.Equal(metres.Covariance[14] * 1e6, millimetres.Covariance[14], 1e-3 * millimetres.Covariance[14]);
        Assert.Equal(metres.Covariance[35], millimetres.Covariance[35], 1e-3 * millimetres.Covariance[35]);
    }

    // Goal: the covariance is what errors really are. Method: the normalised squared error of 400 scenes (NEES), 6 degrees of freedom, translation and rotation alone, too.
    // Tolerance: its mean within 0.8 to 1.25 of what it should be; chance alone stays within 0.88 to 1.12.
    [Theory]
    [InlineData(30, 0.0, 1.0)]
    [InlineData(200, 0.4, 1.0)]
    [InlineData(200, 0.4, 0.0)]
    public void Solve_ManyScenes_CovarianceIsCalibrated(int count, double outlierShare, double depth)
    {
        const int Scenes = 400;
        double all = 0, translation = 0, rotation = 0;
        for (int i = 0; i < Scenes; i++)
        {
            var scene = PoseScene.Draw($"nees {count} {outlierShare} {depth} {i}", count, 1, outlierShare, depth);
            PnpPose pose = scene.Solve().Best!;
            // exp(ξ) = T estimated⁻¹... to first order: truth = exp(ξ) estimate, ξ = [t; r].
            RigidPose error = scene.Truth * pose.ObjectToCamera.Inverse();
            double[] xi = [error.X, error.Y, error.Z, (error.R32 - error.R23) / 2, (error.R13 - error.R31) / 2, (error.R21 - error.R12) / 2];
            all += Quadratic(pose.Covariance, xi, 0, 6);
            translation += Quadratic(pose.Covariance, xi, 0, 3);
            rotation += Quadratic(pose.Covariance, xi, 3, 3);
        }
        TestContext.Current.TestOutputHelper?.WriteLine($"NEES {all / Scenes / 6:0.00}, translation {translation / Scenes / 3:0.00}, rotation {rotation / Scenes / 3:0.00}");
        Assert.InRange(all / Scenes / 6, 0.8, 1.25);
        Assert.InRange(translation / Scenes / 3, 0.8, 1.25);
        Assert.InRange(rotation / Scenes / 3, 0.8, 1.25);
    }

    // Goal: of a flat object far away both poses are told, and the true one is one of them. Method: a flat square 3 m away, whose tilt noise hides.
    [Fact]
    public void Solve_FlatAndFar_BothPosesAreTold()
    {
        int told = 0, right = 0;
        for (int i = 0; i < 40; i++)
        {
            var scene = PoseScene.Draw($"flat {i}", 60, 1, 0, 0, 4);
            PnpResult result = scene.Solve();
            RigidPose[] poses = [result.Best!.ObjectToCamera, .. result.Alternatives.Select(pose => pose.ObjectToCamera)];
            if (poses.Length > 1) told++;
            if (poses.Any(pose => pose.AngleTo(scene.Truth) < 15)) right++;
            Assert.All(result.Alternatives, pose => Assert.True(pose.LogLikelihood <= result.Best.LogLikelihood));
        }
        Assert.InRange(told, 20, 40);
        Assert.InRange(right, 38, 40);
    }

    // Goal: points that leave the pose open are said to. Method: all on a line, seen exactly and with noise; all the same; all in one pixel.
    [Fact]
    public void Solve_Degenerate_GivesNoPose()
    {
        var scene = PoseScene.Draw(nameof(Solve_Degenerate_GivesNoPose), 60, 0);
        double[] line = new double[180], seen = new double[120];
        for (int i = 0; i < 60; i++)
        {
            (line[3 * i], line[3 * i + 1], line[3 * i + 2]) = (0.003 * i, 0.001 * i, -0.002 * i);
            (seen[2 * i], seen[2 * i + 1]) = scene.Camera.Project(scene.Truth.Apply((line[3 * i], line[3 * i + 1], line[3 * i + 2])));
        }
        Assert.Equal(PnpStatus.Degenerate, PnpSolver.Solve(line, seen, scene.Camera).Status);
        var random = new SeededRandom(2, 0);
        Assert.Null(PnpSolver.Solve(line, Array.ConvertAll(seen, value => value + random.Normal()), scene.Camera).Best);
        Assert.Equal(PnpStatus.Degenerate, PnpSolver.Solve(scene.ObjectPoints, [.. Enumerable.Repeat(300.0, 120)], scene.Camera).Status);
        Assert.Equal(PnpStatus.TooFewPoints, PnpSolver.Solve([.. Enumerable.Repeat(0.5, 180)], [.. Enumerable.Repeat(300.0, 120)], scene.Camera).Status);
    }

    // Goal: chance is not taken for a pose. Method: 100 scenes of outliers alone. Tolerance: 1 of them.
    [Theory]
    [InlineData(20)]
    [InlineData(200)]
    public void Solve_OutliersAlone_GiveNoPose(int count)
    {
        int found = Enumerable.Range(0, 100).Count(i => PoseScene.Draw($"chance {count} {i}", count, 1, 1).Solve().Best is not null);
        Assert.InRange(found, 0, 1);
    }

    // Goal: fewer than 4 usable rows are an answer. Method: 3 rows; 4 with one that is not finite; none.
    [Fact]
    public void Solve_TooFewRows_IsAnAnswer()
    {
        var scene = PoseScene.Draw(nameof(Solve_TooFewRows_IsAnAnswer), 4, 0);
        Assert.Equal(PnpStatus.TooFewPoints, PnpSolver.Solve(scene.ObjectPoints.AsSpan(0, 9), scene.ImagePoints.AsSpan(0, 6), scene.Camera).Status);
        Assert.Equal(PnpStatus.TooFewPoints, PnpSolver.Solve([], [], scene.Camera).Status);
        foreach (double bad in new[] { double.NaN, double.PositiveInfinity })
            Assert.Equal(PnpStatus.TooFewPoints, (scene with { ImagePoints = [bad, .. scene.ImagePoints[1..]] }).Solve().Status);
    }

    // Goal: scores save samples and change nothing of what is good. Method: 85 % outliers; scores that are worth something, nothing, and all the same.
    [Fact]
    public void Solve_Scores_SaveSamples()
    {
        var scene = PoseScene.Draw(nameof(Solve_Scores_SaveSamples), 800, 1, 0.85);
        var random = new SeededRandom(4, 0);
        double[] telling = [.. scene.IsInlier.Select(isInlier => random.Normal() + (isInlier ? 1.5 : 0))], misleading = [.. telling.Select(_ => (double)random.Normal())];
        PnpResult plain = scene.Solve();
        foreach (double[] scores in new[] { telling, misleading, new double[800], [.. Enumerable.Repeat(double.NaN, 800)] })
        {
            PnpResult guided = PnpSolver.Solve(scene.ObjectPoints, scene.ImagePoints, scene.Camera, null, scores);
            (double degrees, double distance) = PoseScene.Error(plain.Best!.ObjectToCamera, guided.Best!.ObjectToCamera);
            Assert.InRange(degrees, 0, 0.01);
            Assert.InRange(distance, 0, 1e-4);
            if (scores == telling) Assert.InRange(guided.Samples, 1, plain.Samples / 4);
        }
    }

    // Goal: a lens changes nothing once it is taken away. Method: the same scene seen through a fisheye.
    [Fact]
    public void Solve_UndistortedFisheye_FindsThePose()
    {
        var scene = PoseScene.Draw(nameof(Solve_UndistortedFisheye_FindsThePose), 100, 0);
        LensDistortion lens = LensDistortion.Fisheye([0.05, -0.01, 0.002, 0]);
        double[] seen = new double[200];
        for (int i = 0; i < 200; i += 2)
        {
            (double x, double y) = lens.Distort((scene.ImagePoints[i] - 640) / 900, (scene.ImagePoints[i + 1] - 480) / 910);
            (seen[i], seen[i + 1]) = (900 * x + 640, 910 * y + 480);
        }
        PnpResult result = PnpSolver.Solve(scene.ObjectPoints, lens.Undistort(seen, scene.Camera), scene.Camera);
        Assert.InRange(PoseScene.Error(result.Best!.ObjectToCamera, scene.Truth).Degrees, 0, 1e-3);
        // As it is seen, it is another pose.
        Assert.False(PoseScene.Error(PnpSolver.Solve(scene.ObjectPoints, seen, scene.Camera).Best?.ObjectToCamera ?? RigidPose.Identity, scene.Truth) is { Degrees: < 1e-3, Distance: < 1e-5 });
    }

    // Goal: wrong arguments are named with bound and value.
    [Fact]
    public void Solve_WrongArguments_AreNamed()
    {
        var scene = PoseScene.Draw(nameof(Solve_WrongArguments_AreNamed), 10, 0);
        Assert.Contains("20 values needed for 30 of object points, 18 given", Message(() => PnpSolver.Solve(scene.ObjectPoints, scene.ImagePoints.AsSpan(2), scene.Camera)), StringComparison.Ordinal);
        Assert.Contains("focal lengths", Message(() => PnpSolver.Solve(scene.ObjectPoints, scene.ImagePoints, scene.Camera with { FocalX = 0 })), StringComparison.Ordinal);
        Assert.Contains("max error: above 0 pixels needed, 0 given", Message(() => scene.Solve(new PnpOptions { MaxErrorPixels = 0 })), StringComparison.Ordinal);
        Assert.Contains("confidence: between 0 and 1 needed, 1 given", Message(() => scene.Solve(new PnpOptions { Confidence = 1 })), StringComparison.Ordinal);
        Assert.Contains("scores: 10 needed, one for each row, 3 given", Message(() => PnpSolver.Solve(scene.ObjectPoints, scene.ImagePoints, scene.Camera, null, new double[3])), StringComparison.Ordinal);
        Assert.Contains("max samples: at least 1 needed, 0 given", Message(() => scene.Solve(new PnpOptions { MaxSamples = 0 })), StringComparison.Ordinal);

        static string Message(Action action) => Assert.Throws<ArgumentException>(action).Message;
    }

    private static double Quadratic(double[] covariance, double[] error, int first, int count)
    {
        // Gaussian elimination of the block.
        double[,] a = new double[count, count + 1];
        for (int i = 0; i < count; i++)
        {
            for (int j = 0; j < count; j++) a[i, j] = covariance[6 * (first + i) + first + j];
            a[i, count] = error[first + i];
        }
        for (int i = 0; i < count; i++)
            for (int k = i + 1; k < count; k++)
            {
                double factor = a[k, i] / a[i, i];
                for (int j = i; j <= count; j++) a[k, j] -= factor * a[i, j];
            }
        double[] solved = new double[count];
        for (int i = count - 1; i >= 0; i--)
        {
            solved[i] = a[i, count];
            for (int j = i + 1; j < count; j++) solved[i] -= a[i, j] * solved[j];
            solved[i] /= a[i, i];
        }
        return solved.Select((value, i) => value * error[first + i]).Sum();
    }
}
