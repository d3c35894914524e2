using CorrMesh.Geometry;
using CorrMesh.Training.Finetuning;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace CorrMesh.Training.Tests.Finetuning;

[Collection(TrainingRuns.Collection)]
public class DescriptorLossTests
{
    private const int Channels = 6;

    // Goal: gradients are the derivative of the loss. Method: central differences of the loss in double arithmetic (plain loops over its definition, no Torch) for every
    // coordinate of both sides. Tolerance: 2e-3 of the largest gradient, float32 descriptors against double.
    [Theory]
    [InlineData(FinetuneLoss.SmoothAp)]
    [InlineData(FinetuneLoss.Contrastive)]
    [InlineData(FinetuneLoss.Procrustes)]
    public void Evaluate_SmallViews_LossAndGradientsEqualTheDefinition(FinetuneLoss kind)
    {
        PointPairs pairs = Pairs(14, 12, shared: 8, seed: 5);
        // Smooth-AP has a slope only where cosines are within some hundredths of one another: a narrow bundle of descriptors.
        double centre = kind == FinetuneLoss.SmoothAp ? 6 : 0;
        double[] source = Unit(pairs.Source.Count, 7, centre), target = Unit(pairs.Target.Count, 8, centre);
        for (int k = 0; k < pairs.PositiveCount; k++) Approach(source, (int)pairs.SourceIndices[k], target, (int)pairs.TargetIndices[k]);
        (double loss, float[] sourceGradient, float[] targetGradient) = Evaluate(kind, source, target, pairs);
        Assert.Equal(Definition(kind, source, target, pairs), loss, 1e-5);
        CompareWithDifferences(source, sourceGradient, values => Definition(kind, values, target, pairs));
        CompareWithDifferences(target, targetGradient, values => Definition(kind, source, values, pairs));
    }

    // Goal: going backward in pieces changes nothing but roundings. Method: so many pairs and points that several pieces are needed, against the definition; a pair's terms do
    // not depend on the piece. Tolerance: 1e-5, float32 sums.
    [Fact]
    public void Evaluate_MoreThanOnePiece_EqualsTheDefinition()
    {
        // 64 places, each drawn 32 times on both sides: 65,536 pairs of 2048 candidates.
        float[] places = Points(64, 3);
        ViewPoints Repeated() => View([.. Enumerable.Range(0, 2048).SelectMany(i => places.AsSpan(i % 64 * 3, 3).ToArray())]);
        PointPairs pairs = PointPairs.Match(Repeated(), Repeated());
        Assert.Equal(65_536, pairs.PositiveCount);
        double[] distinct = Unit(64, 4), source = [.. Enumerable.Range(0, 2048).SelectMany(i => distinct.AsSpan(i % 64 * Channels, Channels).ToArray())];
        double once = Definition(FinetuneLoss.Contrastive, distinct, distinct, PointPairs.Match(View(places), View(places)), repeats: 32);
        (double loss, float[] gradient, _) = Evaluate(FinetuneLoss.Contrastive, source, source, pairs);
        Assert.Equal(once, loss, 1e-5);
        for (int i = 64; i < 2048; i++)   // copies of a place are treated alike, in whichever piece they are
            for (int c = 0; c < Channels; c++) Assert.Equal(gradient[i % 64 * Channels + c], gradient[i * Channels + c], 1e-7f);
    }

    [Theory]
    [InlineData(FinetuneLoss.SmoothAp)]
    [InlineData(FinetuneLoss.Contrastive)]
    [InlineData(FinetuneLoss.Procrustes)]
    public void Evaluate_NoPositivePair_TeachesNothing(FinetuneLoss kind)
    {
        PointPairs pairs = Pairs(5, 6, shared: 0, seed: 3);
        (double loss, float[] source, float[] target) = Evaluate(kind, Unit(5, 1), Unit(6, 2), pairs);
        Assert.Equal(0, loss);
        Assert.All(source.Concat(target), value => Assert.Equal(0, value));
    }

    // Goal: an undetermined rotation gives no NaN. Method: points on a line, and matches that all fall on one point (equal descriptors).
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Evaluate_ProcrustesWithoutARotation_TeachesNothing(bool isLine)
    {
        float[] points = isLine ? [.. Enumerable.Range(0, 6).SelectMany(i => new[] { 0.2f * i, 0.1f * i, 0 })] : Points(6, 9);
        PointPairs pairs = PointPairs.Match(View(points), View(points));
        double[] descriptors = isLine ? Unit(6, 1) : [.. Enumerable.Repeat(1 / Math.Sqrt(Channels), 6 * Channels)];
        (double loss, float[] source, float[] target) = Evaluate(FinetuneLoss.Procrustes, descriptors, descriptors, pairs);
        Assert.Equal(0, loss);
        Assert.All(source.Concat(target), value => Assert.Equal(0, value));
    }

    // Goal: the best descriptors have no loss, scrambled ones have some. Method: one-hot descriptors of matching and of permuted points.
    [Theory]
    [InlineData(FinetuneLoss.SmoothAp, 1e-3)]
    [InlineData(FinetuneLoss.Contrastive, 1e-4)]
    [InlineData(FinetuneLoss.Procrustes, 1e-6)]
    public void Evaluate_PerfectMatches_NearlyNoLoss(FinetuneLoss kind, double most)
    {
        float[] points = Points(Channels, 11);
        PointPairs pairs = PointPairs.Match(View(points), View(points));
        double[] oneHot = [.. Enumerable.Range(0, Channels * Channels).Select(i => i / Channels == i % Channels ? 1.0 : 0)];
        double[] turned = [.. oneHot[Channels..], .. oneHot[..Channels]];
        Assert.InRange(Evaluate(kind, oneHot, oneHot, pairs).Loss, 0, most);
        Assert.True(Evaluate(kind, oneHot, turned, pairs).Loss > 0.3);
    }

    [Fact]
    public void Match_RandomPoints_EqualsTestingEveryPair()
    {
        PointPairs pairs = Pairs(300, 280, shared: 120, seed: 21);
        var expected = new List<(long, long)>();
        for (int i = 0; i < 300; i++)
            for (int j = 0; j < 280; j++)
                if (Distance(pairs, i, j) < 5e-3) expected.Add((i, j));
        Assert.True(expected.Count >= 120);
        Assert.Equal(expected, pairs.SourceIndices.Zip(pairs.TargetIndices));
    }

    private static (double Loss, float[] Source, float[] Target) Evaluate(FinetuneLoss kind, double[] source, double[] target, PointPairs pairs)
    {
        using var scope = torch.NewDisposeScope();
        var (loss, sourceGradient, targetGradient) = DescriptorLoss.Evaluate(kind, Tensor(source), Tensor(target), pairs);
        return (loss, sourceGradient.data<float>().ToArray(), targetGradient.data<float>().ToArray());

        static Tensor Tensor(double[] values) => torch.tensor(Array.ConvertAll(values, v => (float)v), values.Length / Channels, Channels);
    }

    private static void CompareWithDifferences(double[] values, float[] gradient, Func<double[], double> loss)
    {
        const double Step = 1e-5;
        double largest = gradient.Max(Math.Abs);
        Assert.True(largest > 1e-3, $"largest gradient {largest}");
        for (int i = 0; i < values.Length; i++)
        {
            double[] above = [.. values], below = [.. values];
            (above[i], below[i]) = (values[i] + Step, values[i] - Step);
            Assert.Equal((loss(above) - loss(below)) / (2 * Step), gradient[i], 2e-3 * largest);
        }
    }

    private static double Definition(FinetuneLoss kind, double[] source, double[] target, PointPairs pairs, int repeats = 1)
    {
        if (kind == FinetuneLoss.Procrustes) return Procrustes(source, target, pairs);
        double sum = 0;
        for (int p = 0; p < pairs.PositiveCount; p++)
        {
            int i = (int)pairs.SourceIndices[p], j = (int)pairs.TargetIndices[p];
            double positive = Dot(source, i, target, j);
            double[] negatives = [.. Enumerable.Range(0, pairs.Target.Count).Where(k => Distance(pairs, i, k) > 0.1).Select(k => Dot(source, i, target, k))];
            double first = Step(positive - 1) + 1, second = Step(1 - positive) + 1;
            sum += kind == FinetuneLoss.SmoothAp
                ? 1 - (first / (first + negatives.Sum(s => Step(s - 1))) + second / (second + negatives.Sum(s => Step(s - positive)))) / 2
                : -Math.Log(Math.Exp(positive / 0.07) / (Math.Exp(positive / 0.07) + repeats * negatives.Sum(s => Math.Exp(s / 0.07))));
        }
        return sum / pairs.PositiveCount;

        static double Step(double x) => 1 / (1 + Math.Exp(Math.Clamp(-x / 0.01, -50, 50)));
    }

    // The rotation by Horn's quaternion (1987), found by power iteration: another way than the SVD under test.
    private static double Procrustes(double[] source, double[] target, PointPairs pairs)
    {
        int[] used = [.. pairs.SourceIndices.Distinct().Select(i => (int)i)];
        var p = new double[used.Length][];
        var m = new double[used.Length][];
        for (int n = 0; n < used.Length; n++)
        {
            p[n] = Point(pairs.Source.ObjectPoints, used[n]);
            double[] weights = [.. Enumerable.Range(0, pairs.Target.Count).Select(j => Math.Exp(Dot(source, used[n], target, j) / 0.05))];
            m[n] = [.. Enumerable.Range(0, 3).Select(axis => weights.Select((w, j) => w * pairs.Target.ObjectPoints[3 * j + axis]).Sum() / weights.Sum())];
        }
        double[] pMean = Mean(p), mMean = Mean(m);
        var s = new double[3, 3];
        for (int n = 0; n < used.Length; n++)
            for (int a = 0; a < 3; a++)
                for (int b = 0; b < 3; b++) s[a, b] += (p[n][a] - pMean[a]) * (m[n][b] - mMean[b]);
        double[,] h =
        {
            { s[0, 0] + s[1, 1] + s[2, 2], s[1, 2] - s[2, 1], s[2, 0] - s[0, 2], s[0, 1] - s[1, 0] },
            { 0, s[0, 0] - s[1, 1] - s[2, 2], s[0, 1] + s[1, 0], s[2, 0] + s[0, 2] },
            { 0, 0, s[1, 1] - s[0, 0] - s[2, 2], s[1, 2] + s[2, 1] },
            { 0, 0, 0, s[2, 2] - s[0, 0] - s[1, 1] },
        };
        double bound = Enumerable.Range(0, 16).Sum(i => Math.Abs(h[i / 4, i % 4]));
        double[] q = [1, 0.1, 0.2, 0.3];
        for (int round = 0; round < 20_000; round++)
        {
            double[] next = [.. Enumerable.Range(0, 4).Select(a => bound * q[a] + Enumerable.Range(0, 4).Sum(b => (a <= b ? h[a, b] : h[b, a]) * q[b]))];
            double norm = Math.Sqrt(next.Sum(v => v * v));
            q = [.. next.Select(v => v / norm)];
        }
        double error = 0, spread = 0;
        for (int n = 0; n < used.Length; n++)
        {
            double[] x = [p[n][0] - pMean[0], p[n][1] - pMean[1], p[n][2] - pMean[2]];
            double[] turned =
            [
                (1 - 2 * (q[2] * q[2] + q[3] * q[3])) * x[0] + 2 * (q[1] * q[2] - q[0] * q[3]) * x[1] + 2 * (q[1] * q[3] + q[0] * q[2]) * x[2],
                2 * (q[1] * q[2] + q[0] * q[3]) * x[0] + (1 - 2 * (q[1] * q[1] + q[3] * q[3])) * x[1] + 2 * (q[2] * q[3] - q[0] * q[1]) * x[2],
                2 * (q[1] * q[3] - q[0] * q[2]) * x[0] + 2 * (q[2] * q[3] + q[0] * q[1]) * x[1] + (1 - 2 * (q[1] * q[1] + q[2] * q[2])) * x[2],
            ];
            for (int axis = 0; axis < 3; axis++)
            {
                error += Math.Pow(turned[axis] + mMean[axis] - p[n][axis], 2);
                spread += x[axis] * x[axis];
            }
        }
        return error / spread;

        static double[] Mean(double[][] points) => [.. Enumerable.Range(0, 3).Select(axis => points.Average(point => point[axis]))];
    }

    private static PointPairs Pairs(int sources, int targets, int shared, int seed)
    {
        float[] points = Points(sources + targets - shared, seed);
        return PointPairs.Match(View(points[..(3 * sources)]), View(points[(3 * (sources - shared))..]));
    }

    // Far enough apart that no two are within, or near, the positive distance, and some within neither: a jittered lattice of cells 0.08 wide.
    private static float[] Points(int count, int seed)
    {
        var random = new Random(seed);
        int[] cells = [.. Enumerable.Range(0, 1000).OrderBy(_ => random.Next()).Take(count)];
        return [.. cells.SelectMany(cell => new[] { cell % 10, cell / 10 % 10, cell / 100 }.Select(n => (float)(0.08 * n + 0.05 * random.NextDouble())))];
    }

    private static ViewPoints View(float[] objectPoints) => new(new long[objectPoints.Length / 3 * 4], new float[objectPoints.Length / 3 * 4], objectPoints);

    private static double[] Unit(int count, ulong seed, double centre = 0)
    {
        var random = new SeededRandom(seed, 0);
        var values = new double[count * Channels];
        for (int i = 0; i < count; i++)
        {
            for (int c = 0; c < Channels; c++) values[i * Channels + c] = random.Normal() + centre;
            Normalise(values, i);
        }
        return values;
    }

    private static void Approach(double[] source, int i, double[] target, int j)
    {
        for (int c = 0; c < Channels; c++) source[i * Channels + c] = target[j * Channels + c] + source[i * Channels + c];
        Normalise(source, i);
    }

    // Rounded to float32, so that Torch and the definition start from the same numbers.
    private static void Normalise(double[] values, int i)
    {
        double norm = Math.Sqrt(Enumerable.Range(0, Channels).Sum(c => values[i * Channels + c] * values[i * Channels + c]));
        for (int c = 0; c < Channels; c++) values[i * Channels + c] = (float)(values[i * Channels + c] / norm);
    }

    private static double Dot(double[] a, int i, double[] b, int j) => Enumerable.Range(0, Channels).Sum(c => a[i * Channels + c] * b[j * Channels + c]);

    private static double[] Point(float[] points, int i) => [points[3 * i], points[3 * i + 1], points[3 * i + 2]];

    private static double Distance(PointPairs pairs, int i, int j) =>
        Math.Sqrt(Point(pairs.Source.ObjectPoints, i).Zip(Point(pairs.Target.ObjectPoints, j), (x, y) => (x - y) * (x - y)).Sum());
}
