using CorrMesh.Vision.Features;
using CorrMesh.Vision.Similarity;
using Xunit;

namespace CorrMesh.Vision.Tests.Similarity;

public sealed class JointPcaTests
{
    // Goal: the leading eigenvectors. Method: tokens = mean + known orthonormal directions times known amplitudes, plus faint
    // noise. Tolerance: 1e-2 in direction (sampling), 3 % in variance.
    [Fact]
    public void Fit_PlantedDirections_FindsThem()
    {
        const int channels = 40, wide = 50, high = 40;
        var random = new Random(6);
        var maps = new[] { Planted(random, wide, high, channels), Planted(random, high, wide, channels) };
        var pca = JointPca.Fit(maps);
        for (int i = 0; i < 3; i++)
        {
            var direction = pca.Directions.Slice(i * channels, channels);
            Assert.Equal(1, Math.Abs(direction[i * 3]), 1e-2);
            Assert.True(direction[i * 3] > 0);   // the largest entry is positive
            double variance = Math.Pow(4 - i, 2);
            Assert.InRange(pca.Variances[i], variance * 0.9, variance * 1.1);
        }
    }

    // Goal: the eigen equation itself, on a matrix with close eigenvalues. Method: residual |Av - lambda v|. Tolerance: 1e-3 of the largest.
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(7)]
    [InlineData(60)]
    public void LeadingEigenvectors_RandomMatrix_SatisfyTheEquation(int size)
    {
        float[] rows = Maps.Normal(new Random(size), size * 90);
        var matrix = new float[size * size];
        for (int i = 0; i < matrix.Length; i++)
        {
            double sum = 0;
            for (int k = 0; k < 90; k++)
            {
                sum += (double)rows[(i / size * 90) + k] * rows[(i % size * 90) + k];
            }

            matrix[i] = (float)sum;
        }

        int count = Math.Min(3, size);
        var (values, vectors) = LeadingEigenvectors.Of(matrix, size, count);
        double trace = Enumerable.Range(0, size).Sum(i => (double)matrix[(i * size) + i]);
        Assert.True(values.Sum() <= trace * 1.00001 && values[0] >= trace / size * 0.99999);
        for (int v = 0; v < count; v++)
        {
            Assert.True(v == 0 || values[v] <= values[v - 1]);
            for (int i = 0; i < size; i++)
            {
                double product = 0;
                for (int j = 0; j < size; j++)
                {
                    product += (double)matrix[(i * size) + j] * vectors[(v * size) + j];
                }

                Assert.Equal(values[v] * vectors[(v * size) + i], product, values[0] * 1e-3);
            }
        }
    }

    [Fact]
    public void Render_SameMapTwice_IsDeterministicAndUsesTheRange()
    {
        var map = Maps.Make("smooth", 20, 12, 100, 60, 32, 1);
        var tokens = JointPca.Fit([map, map]).RenderTokens(map);
        Assert.Equal((20, 12), (tokens.Width, tokens.Height));
        Assert.Equal(tokens.Pixels, JointPca.Fit([map, map]).RenderTokens(map).Pixels);
        for (int c = 0; c < 3; c++)
        {
            int channel = c;
            byte[] values = [.. tokens.Pixels.Where((_, i) => i % 3 == channel)];
            Assert.Equal((0, 255), (values.Min(), values.Max()));
        }
    }

    // Projection is linear: at a token's own centre the image-sized picture shows the token's colour.
    [Fact]
    public void RenderImage_AtTokenCentres_ShowsTheTokens()
    {
        var map = Maps.Make("smooth", 8, 6, 8 * 5, 6 * 5, 16, 1);
        var pca = JointPca.Fit([map]);
        var tokens = pca.RenderTokens(map);
        var image = pca.RenderImage(map);
        Assert.Equal((40, 30), (image.Width, image.Height));
        for (int token = 0; token < 48; token++)
        {
            int x = (token % 8 * 5) + 2, y = (token / 8 * 5) + 2;
            for (int c = 0; c < 3; c++)
            {
                Assert.InRange(image.Pixels[(((y * 40) + x) * 3) + c] - tokens.Pixels[(token * 3) + c], -1, 1);
            }
        }
    }

    [Theory]
    [InlineData("constant")]
    [InlineData("allZero")]
    public void Render_MapWithoutVariance_IsMidGrey(string kind)
    {
        var map = Maps.Make(kind, 6, 4, 30, 20, 12, 1);
        Assert.All(JointPca.Fit([map]).RenderTokens(map).Pixels, value => Assert.Equal(128, value));
    }

    [Theory]
    [InlineData(1, 1, 8)]
    [InlineData(5, 4, 2)]
    [InlineData(1, 3, 1)]
    public void Fit_FewTokensOrChannels_StillRenders(int wide, int high, int channels)
    {
        var map = Maps.Make("noise", wide, high, 30, 20, channels, 1);
        Assert.Equal((30, 20), (JointPca.Fit([map]).RenderImage(map).Width, JointPca.Fit([map]).RenderImage(map).Height));
    }

    [Fact]
    public void Fit_BadInput_IsRefused()
    {
        var map = Maps.Make("noise", 3, 3, 9, 9, 8, 1);
        Assert.Throws<ArgumentException>(() => JointPca.Fit([]));
        Assert.Throws<ArgumentException>(() => JointPca.Fit([.. Enumerable.Repeat(map, 17)]));
        Assert.NotNull(JointPca.Fit([.. Enumerable.Repeat(map, 16)]));
        Assert.Throws<ArgumentException>(() => JointPca.Fit([map, Maps.Make("noise", 3, 3, 9, 9, 9, 1)]));
        Assert.Throws<ArgumentException>(() => JointPca.Fit([map]).Project(Maps.Make("noise", 3, 3, 9, 9, 9, 1)));
        Assert.Throws<ArgumentException>(() => JointPca.Fit([map with { Values = [.. map.Values.Select((v, i) => i == 5 ? float.NaN : v)] }]));
    }

    private static FeatureMap Planted(Random random, int wide, int high, int channels)
    {
        float[] values = Maps.Normal(random, wide * high * channels);
        for (int i = 0; i < values.Length; i++)
        {
            int c = i % channels;
            double scale = c is 0 or 3 or 6 ? 4 - (c / 3) : 0.05;
            values[i] = (float)((values[i] * scale) + 10);
        }

        return new FeatureMap(wide * 7, high * 7, Maps.Axis(wide, wide * 7), Maps.Axis(high, high * 7), channels, values);
    }
}
