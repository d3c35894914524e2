using System.Text.Json;
using CorrMesh.Geometry.TwoView;
using CorrMesh.TestKit;
using Xunit;

namespace CorrMesh.Geometry.Tests.TwoView;

public class RelativePoseSolverTests
{
    // Goal: without noise the pose is exact. Tolerance: 1e-5 degrees.
    [Theory]
    [InlineData(8)]
    [InlineData(20)]
    [InlineData(300)]
    [InlineData(5000)]
    public void Solve_NoNoise_IsExact(int count)
    {
        var scene = TwoViewScene.Draw($"exact {count}", count, 0);
        RelativePoseResult result = scene.Solve();
        Assert.Equal(RelativePoseStatus.Solved, result.Status);
        (double rotation, double direction) = scene.Error(result.Best!);
        Assert.InRange(rotation, 0, 1e-5);
        Assert.InRange(direction, 0, 1e-5);
        Assert.Equal(count, result.Inliers.Length);
    }

    // Goal: outliers do not move the pose, and are told apart. Method: a pixel of noise, up to 70 % of the pairs wrong, 30 scenes each. Bounds: about twice what was measured for
    // 250 right pairs, and as the root of their number.
    [Theory]
    [InlineData(0.0)]
    [InlineData(0.5)]
    [InlineData(0.7)]
    public void Solve_Outliers_AreToldApart(double share)
    {
        var errors = new List<(double Rotation, double Direction)>();
        for (int i = 0; i < 30; i++)
        {
            var scene = TwoViewScene.Draw($"outliers {share} {i}", 500, 1, share);
            RelativePoseResult result = scene.Solve();
            Assert.Equal(RelativePoseStatus.Solved, result.Status);
            errors.Add(scene.Error(result.Best!));
            int good = scene.IsInlier.Count(isInlier => isInlier);
            Assert.InRange(result.NoisePixels, 0.8, 1.25);
            Assert.InRange(result.Inliers.Count(row => scene.IsInlier[row]), 0.96 * good, good);
            Assert.InRange(result.Inliers.Count(row => !scene.IsInlier[row]), 0, 0.05 * 500 * share);
            Assert.Equal(result.Inliers.Order(), result.Inliers);
        }
        double scale = Math.Sqrt(0.5 / (1 - share));
        double[] rotations = [.. errors.Select(e => e.Rotation).Order()], directions = [.. errors.Select(e => e.Direction).Order()];
        TestContext.Current.TestOutputHelper?.WriteLine($"rotation {rotations[15]:0.000} / {rotations[28]:0.000}, direction {directions[15]:0.000} / {directions[28]:0.000} degrees");
        Assert.InRange(rotations[15], 0, 0.08 * scale);
        Assert.InRange(rotations[28], 0, 0.3 * scale);
        Assert.InRange(directions[15], 0, 0.2 * scale);
        Assert.InRange(directions[28], 0, 0.8 * scale);
    }

    // Goal: the covariance is what errors really are. Method: the normalised squared error of 200 scenes (NEES), 5 degrees of freedom, rotation and direction alone, too. Tolerance: its mean within 0.75 to
    // 1.35 of what it should be; chance alone stays within 0.86 to 1.14 (direction 0.8 to 1.2).
    [Theory]
    [InlineData(100, 0.0)]
    [InlineData(200, 0.3)]
    [InlineData(400, 0.5)]
    public void Solve_ManyScenes_CovarianceIsCalibrated(int count, double outlierShare)
    {
        const int Scenes = 200;
        double all = 0, rotation = 0, direction = 0;
        for (int i = 0; i < Scenes; i++)
        {
            var scene = TwoViewScene.Draw($"nees {count} {outlierShare} {i}", count, 1, outlierShare);
            RelativePose pose = scene.Solve().Best!;
            RigidPose error = scene.Truth * pose.SourceToTarget.Inverse(), t = scene.Truth;
            ((double X, double Y, double Z) u, (double X, double Y, double Z) v) = pose.Tangents();
            double[] xi =
            [
                (error.R32 - error.R23) / 2, (error.R13 - error.R31) / 2, (error.R21 - error.R12) / 2,
                u.X * t.X + u.Y * t.Y + u.Z * t.Z, v.X * t.X + v.Y * t.Y + v.Z * t.Z,
            ];
            all += Quadratic(pose.Covariance, xi, 0, 5);
            rotation += Quadratic(pose.Covariance, xi, 0, 3);
            direction += Quadratic(pose.Covariance, xi, 3, 2);
        }
        TestContext.Current.TestOutputHelper?.WriteLine($"NEES {all / Scenes / 5:0.00}, rotation {rotation / Scenes / 3:0.00}, direction {direction / Scenes / 2:0.00}");
        Assert.InRange(all / Scenes / 5, 0.75, 1.35);
        Assert.InRange(rotation / Scenes / 3, 0.75, 1.35);
        Assert.InRange(direction / Scenes / 2, 0.75, 1.35);
    }

    // Goal: the answer is the same bits for the same seed. Method: twice in a row, with and without scores.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Solve_SameSeed_SameBits(bool hasScores)
    {
        var scene = TwoViewScene.Draw(nameof(Solve_SameSeed_SameBits), 200, 2, 0.5);
        double[] scores = hasScores ? [.. scene.Depths.Select(depth => depth % 0.37)] : [];
        RelativePoseResult first = scene.Solve(new RelativePoseOptions { Seed = 5 }, scores), second = scene.Solve(new RelativePoseOptions { Seed = 5 }, scores);
        Assert.Equal(first.Best!.SourceToTarget, second.Best!.SourceToTarget);
        Assert.Equal(first.Best.Covariance, second.Best.Covariance);
        Assert.Equal(first.Inliers, second.Inliers);
        Assert.Equal(first.Samples, second.Samples);
    }

    // Goal: exchanging the pictures gives the inverse pose. Tolerance: a tenth of what noise does, for fits end when a step is small.
    [Fact]
    public void Solve_ViewsExchanged_GivesTheInverse()
    {
        var scene = TwoViewScene.Draw(nameof(Solve_ViewsExchanged_GivesTheInverse), 300, 0.5, 0.3);
        RigidPose forth = scene.Solve().Best!.SourceToTarget, back = RelativePoseSolver.Solve(scene.TargetPoints, scene.SourcePoints, scene.Target, scene.Source).Best!.SourceToTarget;
        (double rotation, double direction) = TwoViewScene.Error(back.Inverse(), forth);
        Assert.InRange(rotation, 0, 0.005);
        Assert.InRange(direction, 0, 0.01);
    }

    // Goal: scores find what is too rare for blind sampling, and wrong ones do no harm. Method: 85 % of the pairs wrong, scores that rank the right ones higher on average; then scores turned about.
    [Fact]
    public void Solve_Scores_GuideTheSampling()
    {
        var scene = TwoViewScene.Draw(nameof(Solve_Scores_GuideTheSampling), 600, 1, 0.85);
        var random = new SeededRandom(9, 0);
        double[] scores = [.. scene.IsInlier.Select(isInlier => (isInlier ? 0.4 : 0) + random.Unit())];
        RelativePoseResult result = scene.Solve(new RelativePoseOptions { MaxSamples = 2000 }, scores);
        Assert.Equal(RelativePoseStatus.Solved, result.Status);
        Assert.InRange(scene.Error(result.Best!).Rotation, 0, 0.5);
        var easy = TwoViewScene.Draw("wrong scores", 300, 1, 0.4);
        RelativePoseResult misled = easy.Solve(null, [.. easy.IsInlier.Select(isInlier => isInlier ? double.NaN : random.Unit())]);
        Assert.InRange(easy.Error(misled.Best!).Rotation, 0, 0.3);
    }

    // Goal: cameras in one place have a rotation and no direction, whatever the outliers. Method: 20 scenes each. Bound: of the rotation, two pixels of 900 or so over √n.
    [Theory]
    [InlineData(500, 0.5, 1)]
    [InlineData(500, 0.0, 1)]
    [InlineData(30, 0.0, 1)]
    [InlineData(12, 0.0, 1)]
    [InlineData(50, 0.3, 0)]
    [InlineData(50, 0.0, 0)]
    public void Solve_NoBaseline_GivesTheRotationAlone(int count, double outlierShare, double noisePixels)
    {
        for (int i = 0; i < 20; i++)
        {
            var scene = TwoViewScene.Draw($"turn {count} {outlierShare} {i}", count, noisePixels, outlierShare, baseline: 0);
            RelativePoseResult result = scene.Solve();
            Assert.Equal(RelativePoseStatus.NoBaseline, result.Status);
            Assert.InRange(result.Best!.SourceToTarget.AngleTo(scene.Truth), 0, 2 / Math.Sqrt(count));
            Assert.Equal((0, 0, 0), (result.Best.SourceToTarget.X, result.Best.SourceToTarget.Y, result.Best.SourceToTarget.Z));
            Assert.Equal(9, result.Best.Covariance.Length);
            Assert.Empty(result.Alternatives);
        }
    }

    // Goal: a baseline that moves points by some 14 pixels gives a direction, which the few wrong pairs that lie on their lines by chance, each with far more parallax than a true one, do not turn about.
    // Method: 30 scenes with a pixel of noise. Bound: the median with outliers at most one and a half times that without.
    [Fact]
    public void Solve_SmallBaseline_IsSeenAmongOutliers()
    {
        double[] medians = [.. new[] { 0, 0.4 }.Select(share => Enumerable.Range(0, 30).Select(i =>
        {
            // As many right pairs in both.
            var scene = TwoViewScene.Draw($"small {share} {i}", share > 0 ? 500 : 300, 1, share, baseline: 0.05);
            RelativePoseResult result = scene.Solve();
            Assert.Equal(RelativePoseStatus.Solved, result.Status);
            return scene.Error(result.Best!).Direction;
        }).Order().ElementAt(15))];
        TestContext.Current.TestOutputHelper?.WriteLine($"direction {medians[0]:0.00}, with outliers {medians[1]:0.00} degrees");
        Assert.InRange(medians[1], 0, 1.5 * medians[0]);
    }

    // Goal: of a flat scene both poses are told, and the true one is one of them. Method: 40 planes, with and without outliers. Bounds: the truth within what noise allows in nearly all.
    [Theory]
    [InlineData(0.0)]
    [InlineData(0.3)]
    public void Solve_FlatScene_BothPosesAreTold(double outlierShare)
    {
        int right = 0, told = 0;
        for (int i = 0; i < 40; i++)
        {
            var scene = TwoViewScene.Draw($"flat {outlierShare} {i}", 300, 0.5, outlierShare, Relief.Flat);
            RelativePoseResult result = scene.Solve();
            Assert.Equal(RelativePoseStatus.Solved, result.Status);
            RelativePose[] poses = [result.Best!, .. result.Alternatives];
            if (poses.Length > 1) told++;
            if (poses.Any(pose => scene.Error(pose) is { Rotation: < 1, Direction: < 3 })) right++;
        }
        TestContext.Current.TestOutputHelper?.WriteLine($"right {right}, more than one {told} of 40");
        Assert.InRange(right, 39, 40);
        Assert.InRange(told, 20, 40);
    }

    // Goal: what cannot be answered says so. Method: too few pairs, repeated and not finite ones, nothing but outliers, points on one line, all pairs the same.
    [Fact]
    public void Solve_NoAnswer_SaysWhy()
    {
        var scene = TwoViewScene.Draw(nameof(Solve_NoAnswer_SaysWhy), 40, 0);
        double[] source = scene.SourcePoints, target = scene.TargetPoints;
        Assert.Equal(RelativePoseStatus.TooFewPairs, Status([], []));
        Assert.Equal(RelativePoseStatus.TooFewPairs, Status(source[..8], target[..8]));
        Assert.Equal(RelativePoseStatus.TooFewPairs, Status([.. source[..8], .. source[..8], double.NaN, 3, 4, 5], [.. target[..8], .. target[..8], 1, 2, double.PositiveInfinity, 3]));
        Assert.Equal(RelativePoseStatus.NoConsensus, Status(source[..10], target[..10]));
        for (int i = 0; i < 5; i++) Assert.Equal(RelativePoseStatus.NoConsensus, TwoViewScene.Draw($"noise {i}", 100, 0, 1).Solve(new RelativePoseOptions { MaxSamples = 3000 }).Status);
        double[] line = new double[60], moved = new double[60];
        for (int i = 0; i < 30; i++)
        {
            (double X, double Y, double Z) p = (0.05 * i - 0.7, 0.02 * i, 4 + 0.03 * i);
            (line[2 * i], line[2 * i + 1]) = scene.Source.Project(p);
            (moved[2 * i], moved[2 * i + 1]) = scene.Target.Project(scene.Truth.Apply(p));
        }
        Assert.Equal(RelativePoseStatus.Degenerate, Status(line, moved));

        RelativePoseStatus Status(double[] from, double[] to) => RelativePoseSolver.Solve(from, to, scene.Source, scene.Target).Status;
    }

    // Goal: rows that say nothing change nothing, and indices are those of the input. Method: rows repeated and not finite added behind.
    [Fact]
    public void Solve_RepeatedAndNotFinitePairs_CountOnceOrNot()
    {
        var scene = TwoViewScene.Draw(nameof(Solve_RepeatedAndNotFinitePairs_CountOnceOrNot), 60, 0.5, 0.2);
        RelativePoseResult plain = scene.Solve();
        RelativePoseResult more = (scene with { SourcePoints = [.. scene.SourcePoints, .. scene.SourcePoints[20..80], double.NaN, 1], TargetPoints = [.. scene.TargetPoints, .. scene.TargetPoints[20..80], 1, 1] }).Solve();
        Assert.Equal(plain.Best!.SourceToTarget, more.Best!.SourceToTarget);
        Assert.Equal(plain.Inliers, more.Inliers);
    }

    // Goal: real cameras' poses are found again. Method: points of a box before both cameras of a set, half a pixel of noise, 30 % outliers; the truth from the set's own poses.
    // Tolerance: herz_jesus gives rotations to six digits, which the trace makes 0.07 degrees.
    [Theory]
    [InlineData("herz_jesus", 0, 1)]
    [InlineData("buddha", 0, 1)]
    [InlineData("buddha", 1, 2)]
    public void Solve_RealCameras_FindsTheirPose(string set, int first, int second)
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(SharedData.Require($"data/{set}/cameras.json")));
        JsonElement size = document.RootElement.GetProperty("image_size"), frames = document.RootElement.GetProperty("frames");
        (PinholeCamera Camera, RigidPose Pose) source = View(first), target = View(second);
        RigidPose truth = target.Pose * source.Pose.Inverse();
        double baseline = Math.Sqrt(truth.X * truth.X + truth.Y * truth.Y + truth.Z * truth.Z);
        var random = new SeededRandom(12, (ulong)(first + second));
        List<double> sourcePoints = [], targetPoints = [], depths = [];
        for (int trial = 0; trial < 200_000 && depths.Count < 400; trial++)
        {
            double u = random.Range(0, source.Camera.Width), v = random.Range(0, source.Camera.Height), depth = baseline * random.Range(0.5f, 4);
            (double X, double Y, double Z) p = truth.Apply(source.Camera.Unproject(u, v, depth));
            (double x, double y) = target.Camera.Project(p);
            if (!(p.Z > 0) || !target.Camera.Contains(x, y)) continue;
            bool isOutlier = depths.Count % 10 < 3;
            sourcePoints.AddRange([u + 0.5 * random.Normal(), v + 0.5 * random.Normal()]);
            targetPoints.AddRange(isOutlier ? [random.Range(0, target.Camera.Width), random.Range(0, target.Camera.Height)] : [x + 0.5 * random.Normal(), y + 0.5 * random.Normal()]);
            depths.Add(depth);
        }
        Assert.Equal(400, depths.Count);
        double[] from = [.. sourcePoints], to = [.. targetPoints];
        RelativePoseResult result = RelativePoseSolver.Solve(from, to, source.Camera, target.Camera);
        Assert.Equal(RelativePoseStatus.Solved, result.Status);
        (double rotation, double direction) = TwoViewScene.Error(result.Best!.SourceToTarget, truth);
        TestContext.Current.TestOutputHelper?.WriteLine($"{set}: rotation {rotation:0.0000}, direction {direction:0.0000} degrees");
        Assert.InRange(rotation, 0, 0.1);
        Assert.InRange(direction, 0, 0.2);
        TranslationLength length = RelativePoseSolver.Length(from, [.. depths], to, source.Camera, target.Camera, result.Best.SourceToTarget);
        Assert.InRange(length.Length, 0.99 * baseline, 1.01 * baseline);

        (PinholeCamera Camera, RigidPose Pose) View(int frame)
        {
            double[] k = Values("K"), r = Values("R"), t = Values("t");
            return (PinholeCamera.FromMatrix(k, size[0].GetInt32(), size[1].GetInt32()), RigidPose.FromRowMajor([r[0], r[1], r[2], t[0], r[3], r[4], r[5], t[1], r[6], r[7], r[8], t[2]]));

            double[] Values(string name) => [.. frames[frame].GetProperty(name).EnumerateArray().Select(value => value.GetDouble())];
        }
    }

    // Goal: depths tell the length of the translation, in their unit. Method: a scene with noise, a fifth of outliers, some depths absent; the standard deviation holds the error.
    [Fact]
    public void Length_DepthsKnown_IsThatOfTheTruth()
    {
        var scene = TwoViewScene.Draw(nameof(Length_DepthsKnown_IsThatOfTheTruth), 300, 0.5, 0.2, baseline: 0.8);
        double[] depths = [.. scene.Depths];
        (depths[3], depths[4], depths[5]) = (double.NaN, 0, -2);
        TranslationLength length = RelativePoseSolver.Length(scene.SourcePoints, depths, scene.TargetPoints, scene.Source, scene.Target, scene.Solve().Best!.SourceToTarget);
        Assert.Equal(297, length.Count);
        Assert.InRange(length.Length, 0.79, 0.81);
        Assert.InRange(Math.Abs(length.Length - 0.8), 0, 5 * length.StandardDeviation + 0.002);
        Assert.True(double.IsNaN(RelativePoseSolver.Length([], [], [], scene.Source, scene.Target, scene.Truth with { X = 1, Y = 0, Z = 0 }).Length));
        Assert.Contains("length 1 needed", Assert.Throws<ArgumentException>(() => RelativePoseSolver.Length([], [], [], scene.Source, scene.Target, scene.Truth)).Message, StringComparison.Ordinal);
    }

    // Goal: wrong arguments are named with bound and value.
    [Fact]
    public void Solve_WrongArguments_AreNamed()
    {
        var scene = TwoViewScene.Draw(nameof(Solve_WrongArguments_AreNamed), 10, 0);
        Assert.Contains("20 values needed for 20 of source points, 18 given", Message(() => RelativePoseSolver.Solve(scene.SourcePoints, scene.TargetPoints.AsSpan(2), scene.Source, scene.Target)), StringComparison.Ordinal);
        Assert.Contains("focal lengths", Message(() => (scene with { Target = scene.Target with { FocalY = 0 } }).Solve()), StringComparison.Ordinal);
        Assert.Contains("max error: above 0 pixels needed, 0 given", Message(() => scene.Solve(new RelativePoseOptions { MaxErrorPixels = 0 })), StringComparison.Ordinal);
        Assert.Contains("confidence: between 0 and 1 needed, 1 given", Message(() => scene.Solve(new RelativePoseOptions { Confidence = 1 })), StringComparison.Ordinal);
        Assert.Contains("max samples: at least 1 needed, 0 given", Message(() => scene.Solve(new RelativePoseOptions { MaxSamples = 0 })), StringComparison.Ordinal);
        Assert.Contains("scores: 10 needed, one for each pair, 3 given", Message(() => scene.Solve(null, new double[3])), StringComparison.Ordinal);

        static string Message(Action action) => Assert.Throws<ArgumentException>(action).Message;
    }

    private static double Quadratic(double[] covariance, double[] error, int first, int count)
    {
        // Gaussian elimination of the block: eᵀ C⁻¹ e is the sum of what each pivot leaves.
        double[,] a = new double[count, count + 1];
        for (int i = 0; i < count; i++)
        {
            for (int j = 0; j < count; j++) a[i, j] = covariance[5 * (first + i) + first + j];
            a[i, count] = error[first + i];
        }
        double sum = 0;
        for (int i = 0; i < count; i++)
        {
            sum += a[i, count] * a[i, count] / a[i, i];
            for (int k = i + 1; k < count; k++)
            {
                double factor = a[k, i] / a[i, i];
                for (int j = i; j <= count; j++) a[k, j] -= factor * a[i, j];
            }
        }
        return sum;
    }
}
