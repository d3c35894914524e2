using CorrMesh.Vision.Similarity;
using Xunit;

namespace CorrMesh.Vision.Tests.Similarity;

public sealed class MutualMatchesTests
{
    // Goal: both arg max lists and their agreement. Method: brute force in float64; random normal descriptors, whose margins are
    // far above rounding. Sizes straddle the blocks and are no multiples of a vector.
    [Theory]
    [InlineData(1, 1, 5)]
    [InlineData(3, 70, 16)]
    [InlineData(130, 97, 33)]
    [InlineData(67, 301, 64)]
    public void Find_RandomSets_EqualBruteForce(int n, int m, int channels)
    {
        var random = new Random(n);
        float[] sources = Maps.Normal(random, n * channels), targets = Maps.Normal(random, m * channels);
        var cosines = Cosines(sources, targets, n, m, channels);
        var expected = new List<(int, int)>();
        for (int i = 0; i < n; i++)
        {
            int target = ArgMax(m, j => cosines[i, j]);
            if (ArgMax(n, k => cosines[k, target]) == i)
            {
                expected.Add((i, target));
            }
        }

        var found = MutualMatches.Find(sources, targets, channels);
        Assert.Equal(expected, found.Select(pair => (pair.Source, pair.Target)));
        Assert.All(found, pair => Assert.Equal(cosines[pair.Source, pair.Target], pair.Score, 1e-5));
        Assert.Equal(found, MutualMatches.Find(sources, targets, channels, maxParallelism: 3));
        var nearest = MutualMatches.Nearest(sources, targets, channels);
        for (int i = 0; i < n; i++)
        {
            int target = ArgMax(m, j => cosines[i, j]);
            Assert.Equal((target, expected.Contains((i, target))), (nearest[i].Target, nearest[i].IsMutual));
            Assert.Equal(cosines[i, target], nearest[i].Score, 1e-5);
        }
    }

    [Fact]
    public void Find_PermutedCopies_AreRecovered()
    {
        const int n = 200, channels = 24;
        var random = new Random(5);
        float[] sources = Maps.Normal(random, n * channels);
        int[] order = [.. Enumerable.Range(0, n).OrderBy(_ => random.Next())];
        float[] targets = [.. order.SelectMany((source, j) => sources.AsSpan(source * channels, channels).ToArray().Select(v => v * (j + 1)))];
        var found = MutualMatches.Find(sources, targets, channels);
        Assert.Equal(n, found.Length);
        Assert.All(found, pair => Assert.Equal(pair.Source, order[pair.Target]));
        Assert.Equal(found.Select(pair => (pair.Target, pair.Source)).Order(), MutualMatches.Find(targets, sources, channels).Select(pair => (pair.Source, pair.Target)));
    }

    // Copies tie: the first source and the first target are each other's nearest, the other copies are nobody's.
    [Fact]
    public void Find_Ties_KeepTheFirst()
    {
        float[] one = [1, 2, 3, 4], other = [4, -3, 2, -1], zero = [0, 0, 0, 0];
        var found = MutualMatches.Find([.. other, .. one, .. one, .. zero], [.. one, .. other, .. one, .. other], 4, maxParallelism: 2);
        Assert.Equal([(0, 1), (1, 0)], found.Select(pair => (pair.Source, pair.Target)));
        Assert.All(found, pair => Assert.Equal(1f, pair.Score, 1e-6));
    }

    [Fact]
    public void Find_EmptySets_GiveNothing()
    {
        Assert.Empty(MutualMatches.Find([], [1, 2], 2));
        Assert.Empty(MutualMatches.Find([1, 2], [], 2));
        Assert.Empty(MutualMatches.Nearest([], [], 2));
        Assert.Throws<ArgumentException>(() => MutualMatches.Nearest([1, 2], [], 2));
    }

    [Fact]
    public void Find_BadInput_IsRefused()
    {
        Assert.Throws<ArgumentException>(() => MutualMatches.Find([1, 2, 3], [1, 2], 2));
        Assert.Throws<ArgumentException>(() => MutualMatches.Find([1, 2], [1, float.NaN], 2));
    }

    private static int ArgMax(int count, Func<int, double> value)
    {
        int best = 0;
        for (int i = 1; i < count; i++)
        {
            best = value(i) > value(best) ? i : best;
        }

        return best;
    }

    private static double[,] Cosines(float[] sources, float[] targets, int n, int m, int channels)
    {
        var cosines = new double[n, m];
        for (int i = 0; i < n; i++)
        {
            for (int j = 0; j < m; j++)
            {
                double dot = 0, a = 0, b = 0;
                for (int c = 0; c < channels; c++)
                {
                    double s = sources[(i * channels) + c], t = targets[(j * channels) + c];
                    (dot, a, b) = (dot + (s * t), a + (s * s), b + (t * t));
                }

                cosines[i, j] = dot / Math.Sqrt(a * b);
            }
        }

        return cosines;
    }
}
