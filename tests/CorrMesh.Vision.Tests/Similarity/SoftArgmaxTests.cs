using CorrMesh.Vision.Features;
using CorrMesh.Vision.Similarity;
using Xunit;

namespace CorrMesh.Vision.Tests.Similarity;

public sealed class SoftArgmaxTests
{
    // Goal: the tracker's formula. Method: write it out over the whole grid, softmax denominator included. Tolerance: 1e-3 px.
    [Theory]
    [InlineData(11, 8, 77, 56, 35f)]
    [InlineData(30, 20, 210, 140, 35f)]
    [InlineData(30, 20, 210, 140, 0f)]
    [InlineData(1, 1, 14, 14, 35f)]
    public void Find_NoiseMap_EqualsTheFormula(int tokensWide, int tokensHigh, int width, int height, float radius)
    {
        var map = Maps.Make("noise", tokensWide, tokensHigh, width, height, 16, 3);
        float[] descriptors = BestPositionTests.Descriptors(map, 4);
        var found = SoftArgmax.Find(TokenGram.Create(map), descriptors, radius);
        for (int i = 0; i < found.Length; i++)
        {
            var expected = Formula(map, descriptors.AsSpan(i * 16, 16), radius);
            Assert.Equal(expected.X, found[i].X, 1e-3);
            Assert.Equal(expected.Y, found[i].Y, 1e-3);
            Assert.Equal(found[i], SoftArgmax.Find(TokenGram.Create(map), descriptors.AsSpan(i * 16, 16).ToArray(), radius)[0]);
        }
    }

    // A disc of radius 5 steps holds 81 grid points: with equal weights inside the grid the mean is the peak itself.
    [Fact]
    public void Find_PeakOnFlatGround_IsThePeaksCentre()
    {
        var map = Maps.Make("constant", 21, 21, 147, 147, 8, 1);
        var background = map.Token(0, 0).ToArray();
        map.Values.AsSpan(((10 * 21) + 10) * 8, 8).Clear();
        map.Values[((10 * 21) + 10) * 8] = 1;
        float[] query = [1, 0, 0, 0, 0, 0, 0, 0];
        var found = SoftArgmax.Find(TokenGram.Create(map), query)[0];
        Assert.Equal(73.5f, found.X, 1e-3f);
        Assert.Equal(73.5f, found.Y, 1e-3f);
        Assert.Equal(1f, found.Score, 1e-6);
        Assert.NotEqual(1f, background[0]);
    }

    [Fact]
    public void Find_ZeroDescriptor_IsFiniteAtTheFirstToken()
    {
        var found = SoftArgmax.Find(TokenGram.Create(Maps.Make("noise", 9, 9, 63, 63, 8, 1)), new float[8], radiusPx: 0)[0];
        Assert.Equal(3.5f, found.X, 1e-4f);
        Assert.Equal(0f, found.Score);
    }

    private static (double X, double Y) Formula(FeatureMap map, ReadOnlySpan<float> descriptor, float radius)
    {
        var cosines = new double[map.TokenCount];
        double total = 0, d = Norm(descriptor);
        for (int token = 0; token < cosines.Length; token++)
        {
            var value = map.Values.AsSpan(token * map.Channels, map.Channels);
            double dot = 0;
            for (int c = 0; c < map.Channels; c++)
            {
                dot += (double)descriptor[c] * value[c];
            }

            cosines[token] = Math.Max(0, dot / Math.Max(d * Norm(value), 1e-8));
            total += Math.Exp(cosines[token]);
        }

        int peak = Array.IndexOf(cosines, cosines.Max());
        double sum = 0, x = 0, y = 0;
        for (int token = 0; token < cosines.Length; token++)
        {
            int dx = (token % map.X.Count) - (peak % map.X.Count), dy = (token / map.X.Count) - (peak / map.X.Count);
            double stepX = 1.0 / map.X.Scale, stepY = 1.0 / map.Y.Scale;
            if (Math.Sqrt((dx * stepX * dx * stepX) + (dy * stepY * dy * stepY)) <= radius + 1e-3)
            {
                double weight = Math.Exp(cosines[token]) / total;
                sum += weight;
                x += weight * ((token % map.X.Count) + 0.5) * stepX;
                y += weight * ((token / map.X.Count) + 0.5) * stepY;
            }
        }

        return (x / sum, y / sum);
    }

    private static double Norm(ReadOnlySpan<float> values)
    {
        double sum = 0;
        foreach (float value in values)
        {
            sum += (double)value * value;
        }

        return Math.Sqrt(sum);
    }
}
