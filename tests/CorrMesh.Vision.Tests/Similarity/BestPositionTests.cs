using CorrMesh.Vision.Features;
using CorrMesh.Vision.Similarity;
using Xunit;

namespace CorrMesh.Vision.Tests.Similarity;

public sealed class BestPositionTests
{
    public static readonly TheoryData<int, int, int, int, int> Shapes = new()
    {
        { 5, 4, 37, 29, 16 },     // tokens wide, tokens high, width, height, channels
        { 3, 2, 160, 90, 7 },     // wide cells: rows are solved, not walked; channels not a multiple of a vector
        { 12, 9, 168, 126, 24 },  // the paper's 14 px a token
        { 1, 1, 6, 5, 8 },
        { 1, 5, 9, 40, 8 },
        { 6, 1, 50, 3, 8 },
        { 20, 15, 11, 7, 12 },    // more tokens than pixels
        { 4, 4, 1, 1, 8 },
        { 2, 2, 300, 1, 5 },
    };

    // Goal: the pruned search is the brute force. Method: every kind of map over every shape, random descriptors, descriptors
    // taken from the map, and their negatives (all scores negative). Tolerance: 1e-5 in score; another position only within it.
    [Theory]
    [MemberData(nameof(Shapes))]
    public void Find_AnyMap_EqualsTheDefinition(int tokensWide, int tokensHigh, int width, int height, int channels)
    {
        foreach (string kind in Maps.Kinds)
        {
            for (int seed = 0; seed < 3; seed++)
            {
                var map = Maps.Make(kind, tokensWide, tokensHigh, width, height, channels, seed);
                float[] descriptors = Descriptors(map, seed);
                foreach (bool normalise in new[] { true, false })
                {
                    var found = BestPosition.Find(TokenGram.Create(map, normalise), descriptors);
                    for (int i = 0; i < found.Length; i++)
                    {
                        var scores = Maps.Scores(map, descriptors.AsSpan(i * channels, channels), normalise);
                        var expected = Maps.Best(scores);
                        double tolerance = normalise ? 1e-5 : 1e-5 * Math.Max(1, Math.Abs(expected.Score));
                        Assert.Equal(expected.Score, found[i].Score, tolerance);
                        Assert.True(
                            (expected.X, expected.Y) == (found[i].X, found[i].Y) || scores[found[i].Y, found[i].X] >= expected.Score - tolerance,
                            $"{kind} seed {seed} descriptor {i}: {found[i]} where {expected} is best");
                    }
                }
            }
        }
    }

    [Fact]
    public void Find_Ties_TakeTheFirstInRowMajorOrder()
    {
        // Two peaks of the same token; each is a plateau where clamping repeats the border.
        var random = new Random(4);
        var map = Maps.Make("noise", 4, 3, 40, 30, 16, 5);
        float[] peak = Maps.Normal(random, 16);
        peak.CopyTo(map.Values, (11 * 16));   // bottom right token: its plateau starts at its own centre
        peak.CopyTo(map.Values, (3 * 16));    // top right token: plateau from its centre to the right border, rows 0 to its centre
        var found = BestPosition.Find(TokenGram.Create(map), peak)[0];
        Assert.Equal(Maps.Best(Maps.Scores(map, peak)) with { Score = found.Score }, found);
        Assert.Equal(0, found.Y);
        Assert.Equal(1f, found.Score, 1e-6);
    }

    [Fact]
    public void Find_ConstantOrZeroMapOrDescriptor_IsTheFirstPixel()
    {
        float[] descriptor = Maps.Normal(new Random(3), 8);
        Assert.Equal((0, 0), Where(BestPosition.Find(TokenGram.Create(Maps.Make("constant", 7, 5, 90, 70, 8, 1)), descriptor)[0]));
        var zeroMap = TokenGram.Create(Maps.Make("allZero", 7, 5, 90, 70, 8, 1));
        Assert.Equal(new PixelMatch(0, 0, 0), BestPosition.Find(zeroMap, descriptor)[0]);
        var noise = TokenGram.Create(Maps.Make("noise", 7, 5, 90, 70, 8, 1));
        Assert.Equal(new PixelMatch(0, 0, 0), BestPosition.Find(noise, new float[8])[0]);
    }

    [Fact]
    public void Find_NoDescriptors_GivesNone() =>
        Assert.Empty(BestPosition.Find(TokenGram.Create(Maps.Make("noise", 3, 3, 20, 20, 8, 1)), []));

    // Goal: what else is in a batch, and how many threads, changes no bit of an answer.
    [Fact]
    public void Find_BatchSingleAndThreads_AreBitEqual()
    {
        var map = Maps.Make("smooth", 9, 7, 100, 80, 19, 2);
        var gram = TokenGram.Create(map);
        float[] descriptors = Maps.Normal(new Random(8), 19 * 203);
        var batch = BestPosition.Find(gram, descriptors);
        Assert.Equal(batch, BestPosition.Find(gram, descriptors, maxParallelism: 3));
        for (int i = 0; i < batch.Length; i++)
        {
            Assert.Equal(batch[i], BestPosition.Find(gram, descriptors.AsSpan(i * 19, 19).ToArray())[0]);
        }
    }

    // Goal: below a norm product of 1e-12 the score fades instead of amplifying noise. Method: descriptors so short that the
    // floor holds everywhere (1e-14), or in part of the map only (1e-13). Tolerance: 1e-5, as ever.
    [Theory]
    [InlineData(1e-13f)]
    [InlineData(1e-14f)]
    public void Find_NormsAtTheFloor_EqualsTheDefinition(float scale)
    {
        foreach (string kind in new[] { "noise", "opposed", "zeros" })
        {
            foreach (int width in new[] { 70, 400 })
            {
                var map = Maps.Make(kind, 5, 4, width, 50, 12, 6);
                float[] descriptors = [.. Descriptors(map, 2).Select(value => value * scale)];
                var found = BestPosition.Find(TokenGram.Create(map), descriptors);
                for (int i = 0; i < found.Length; i++)
                {
                    var scores = Maps.Scores(map, descriptors.AsSpan(i * 12, 12));
                    var expected = Maps.Best(scores);
                    Assert.Equal(expected.Score, found[i].Score, 1e-5);
                    Assert.InRange(scores[found[i].Y, found[i].X], expected.Score - 1e-5, 1.00001);
                }
            }
        }
    }

    [Theory]
    [InlineData(1024f)]
    [InlineData(1e-6f)]
    [InlineData(1e25f)]
    public void Find_ScaledDescriptor_GivesTheSameAnswer(float scale)
    {
        var map = Maps.Make("smooth", 9, 7, 100, 80, 16, 2);
        var gram = TokenGram.Create(map);
        float[] descriptors = Maps.Normal(new Random(8), 16 * 20);
        var plain = BestPosition.Find(gram, descriptors);
        var scaled = BestPosition.Find(gram, [.. descriptors.Select(value => value * scale)]);
        for (int i = 0; i < plain.Length; i++)
        {
            Assert.Equal(plain[i].Score, scaled[i].Score, 1e-6);
            Assert.True(
                Where(plain[i]) == Where(scaled[i])
                || Maps.Score(map, descriptors.AsSpan(i * 16, 16), scaled[i].X, scaled[i].Y) > plain[i].Score - 1e-6);
        }
    }

    // Goal: no hidden direction. Method: mirror the tokens left to right; a peak inside the picture must mirror with them.
    [Fact]
    public void Find_MirroredMap_MirrorsTheAnswer()
    {
        const int wide = 8, high = 6, width = 112, height = 84, channels = 16;
        var map = Maps.Make("noise", wide, high, width, height, channels, 12);
        var mirrored = new float[map.Values.Length];
        for (int token = 0; token < wide * high; token++)
        {
            map.Token(token / wide, wide - 1 - (token % wide)).CopyTo(mirrored.AsSpan(token * channels));
        }

        float[] descriptors = Descriptors(map, 1)[..(channels * 8)];
        var plain = BestPosition.Find(TokenGram.Create(map), descriptors);
        var mirror = BestPosition.Find(TokenGram.Create(map with { Values = mirrored }), descriptors);
        int compared = 0;
        for (int i = 0; i < plain.Length; i++)
        {
            Assert.Equal(plain[i].Score, mirror[i].Score, 1e-5);
            if (plain[i].X is > 7 and < width - 8)   // the clamped border is a plateau, whose first pixel has no mirror image
            {
                Assert.Equal((width - 1 - plain[i].X, plain[i].Y), Where(mirror[i]));
                compared++;
            }
        }

        Assert.True(compared >= 3);
    }

    [Fact]
    public void FindFromProducts_ProductsOfTheDefinition_GiveTheSameAnswers()
    {
        var map = Maps.Make("smooth", 9, 7, 100, 80, 16, 2);
        var gram = TokenGram.Create(map);
        float[] descriptors = Maps.Normal(new Random(8), 16 * 30);
        var products = new float[30 * map.TokenCount];
        var norms = new float[30];
        for (int i = 0; i < 30; i++)
        {
            var descriptor = descriptors.AsSpan(i * 16, 16);
            norms[i] = (float)Math.Sqrt(Dot(descriptor, descriptor));
            for (int token = 0; token < map.TokenCount; token++)
            {
                products[(i * map.TokenCount) + token] = (float)Dot(descriptor, map.Values.AsSpan(token * 16, 16));
            }
        }

        var direct = BestPosition.Find(gram, descriptors);
        var given = BestPosition.FindFromProducts(gram, products, norms);
        for (int i = 0; i < 30; i++)
        {
            Assert.Equal(direct[i].Score, given[i].Score, 1e-5);
            Assert.InRange(Maps.Score(map, descriptors.AsSpan(i * 16, 16), given[i].X, given[i].Y), direct[i].Score - 1e-5, 1.0001);
        }
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void Find_ValueNotFinite_IsRefused(float bad)
    {
        var map = Maps.Make("noise", 3, 2, 20, 20, 8, 1);
        float[] descriptors = Maps.Normal(new Random(1), 24);
        var gram = TokenGram.Create(map);
        Assert.Contains("descriptor 2", Assert.Throws<ArgumentException>(
            () => BestPosition.Find(gram, [.. descriptors.Select((v, i) => i == 17 ? bad : v)])).Message, StringComparison.Ordinal);
        float[] products = new float[12];
        products[9] = bad;
        Assert.Throws<ArgumentException>(() => BestPosition.FindFromProducts(gram, products, [1, 1]));
        Assert.Throws<ArgumentException>(() => BestPosition.FindFromProducts(gram, new float[12], [1, bad]));
        map.Values[20] = bad;
        Assert.Contains("row 0 column 2", Assert.Throws<ArgumentException>(() => TokenGram.Create(map)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Find_SizesThatDisagree_AreRefused()
    {
        var map = Maps.Make("noise", 3, 2, 20, 20, 8, 1);
        var gram = TokenGram.Create(map);
        Assert.Throws<ArgumentException>(() => BestPosition.Find(gram, new float[9]));
        Assert.Throws<ArgumentException>(() => BestPosition.FindFromProducts(gram, new float[11], [1, 1]));
        Assert.Throws<ArgumentException>(() => TokenGram.Create(map with { Values = new float[47] }));
        Assert.Throws<ArgumentException>(() => TokenGram.Create(map with { X = new TokenAxis(3, 0, 0) }));
    }

    /// <summary>Random descriptors, descriptors of the map, and negatives of both.</summary>
    internal static float[] Descriptors(FeatureMap map, int seed)
    {
        var random = new Random(1000 + seed);
        float[] some = [.. Maps.Normal(random, map.Channels * 3), .. map.Token(map.Y.Count / 2, map.X.Count / 2), .. map.Token(0, map.X.Count - 1)];
        return [.. some, .. some.Select(value => -value)];
    }

    private static (int X, int Y) Where(PixelMatch match) => (match.X, match.Y);

    private static double Dot(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        double sum = 0;
        for (int i = 0; i < a.Length; i++)
        {
            sum += (double)a[i] * b[i];
        }

        return sum;
    }
}
