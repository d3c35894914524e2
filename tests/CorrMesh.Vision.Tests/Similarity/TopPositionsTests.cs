using CorrMesh.Vision.Similarity;
using Xunit;

namespace CorrMesh.Vision.Tests.Similarity;

public sealed class TopPositionsTests
{
    // Goal: the greedy definition, exactly. Method: take the best pixel of the brute-force scores, strike out its disc, repeat;
    // where a score is within 1e-5 of the struck list's best, either pixel will do, and ours is followed. Tolerance: 1e-5.
    [Theory]
    [MemberData(nameof(BestPositionTests.Shapes), MemberType = typeof(BestPositionTests))]
    public void Find_AnyMap_EqualsGreedySuppression(int tokensWide, int tokensHigh, int width, int height, int channels)
    {
        foreach (string kind in Maps.Kinds)
        {
            var map = Maps.Make(kind, tokensWide, tokensHigh, width, height, channels, 5);
            float[] descriptors = BestPositionTests.Descriptors(map, 5);
            var gram = TokenGram.Create(map);
            foreach (float radius in new[] { 0f, 1f, 4.5f })
            {
                var found = TopPositions.Find(gram, descriptors, 7, radius);
                for (int i = 0; i < found.Length; i++)
                {
                    Check(Maps.Scores(map, descriptors.AsSpan(i * channels, channels)), found[i], 7, radius);
                }
            }
        }
    }

    [Fact]
    public void Find_OnePosition_IsTheBest()
    {
        var map = Maps.Make("smooth", 9, 7, 100, 80, 16, 2);
        var gram = TokenGram.Create(map);
        float[] descriptors = BestPositionTests.Descriptors(map, 3);
        Assert.Equal(BestPosition.Find(gram, descriptors), TopPositions.Find(gram, descriptors, 1, 10).Select(list => list[0]));
        Assert.Empty(TopPositions.Find(gram, [], 3, 1));
    }

    [Fact]
    public void Find_ConstantMapOrZeroDescriptor_RanksInRowMajorOrder()
    {
        var gram = TokenGram.Create(Maps.Make("constant", 4, 3, 30, 20, 8, 1));
        var descriptor = Maps.Normal(new Random(1), 8);
        foreach (float[] query in new[] { descriptor, new float[8] })
        {
            var found = TopPositions.Find(gram, query, 4, 0)[0];
            Assert.Equal([(0, 0), (1, 0), (2, 0), (3, 0)], found.Select(match => (match.X, match.Y)));
            Assert.Equal([(0, 0), (11, 0), (22, 0)], TopPositions.Find(gram, query, 3, 10)[0].Select(match => (match.X, match.Y)));
        }
    }

    [Theory]
    [InlineData(0, 1f)]
    [InlineData(65, 1f)]
    [InlineData(1, -1f)]
    [InlineData(1, float.NaN)]
    public void Find_BoundNotKept_IsRefused(int count, float radius)
    {
        var gram = TokenGram.Create(Maps.Make("noise", 4, 3, 30, 20, 8, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => TopPositions.Find(gram, new float[8], count, radius));
        Assert.Equal(64, TopPositions.Find(gram, new float[8], 64, 0)[0].Length);
    }

    private static void Check(double[,] scores, PixelMatch[] found, int count, float radius)
    {
        int height = scores.GetLength(0), width = scores.GetLength(1), taken = 0;
        for (; taken < count; taken++)
        {
            var best = Maps.Best(scores);
            if (float.IsNegativeInfinity(best.Score))
            {
                break;
            }

            var ours = found[taken];
            Assert.Equal(best.Score, ours.Score, 1e-5);
            Assert.InRange(scores[ours.Y, ours.X], best.Score - 1e-5, 2);
            for (int y = 0; y < height; y++)
            {
                for (int x = 0; x < width; x++)
                {
                    if (((x - ours.X) * (x - ours.X)) + ((y - ours.Y) * (y - ours.Y)) <= radius * radius)
                    {
                        scores[y, x] = double.NegativeInfinity;
                    }
                }
            }
        }

        Assert.Equal(taken, found.Length);
    }
}
