using CorrMesh.Metrics;
using Xunit;

namespace CorrMesh.Metrics.Tests;

public class DenseCorrespondenceTests
{
    private const double Edge = 512;

    [Fact]
    public void OfPair_KnownErrors_GivesMeanAndShares() =>
        Assert.Equal(new DenseCorrespondence((0.04 + 0.06 + 0.15 + 0.55) / 4, 0.25, 0.5, 0.75), DenseCorrespondence.OfPair([0.04, 0.06, 0.15, 0.55]));

    [Fact]
    public void OfPair_ErrorOnAThreshold_DoesNotCount()
    {
        DenseCorrespondence on = DenseCorrespondence.OfPair([.. DenseCorrespondence.Thresholds]);
        Assert.Equal((0, 1 / 3.0, 2 / 3.0), (on.Pcdp05, on.Pcdp10, on.Pcdp20));
        DenseCorrespondence below = DenseCorrespondence.OfPair([.. DenseCorrespondence.Thresholds.Select(Math.BitDecrement)]);
        Assert.Equal((1 / 3.0, 2 / 3.0, 1), (below.Pcdp05, below.Pcdp10, below.Pcdp20));
    }

    [Fact]
    public void Error_ThreeFourFive_IsFiveOverTheEdge() => Assert.Equal(5 / Edge, DenseCorrespondence.Error(13, 24, 10, 20, Edge));

    // Goal: pictures of any resolution give the same figures. Method: the same answers and truths in units twice as fine.
    [Fact]
    public void Error_PictureScaled_StaysTheSame()
    {
        var random = new Random(5);
        for (int i = 0; i < 100; i++)
        {
            double[] at = [.. Enumerable.Range(0, 4).Select(_ => random.NextDouble() * Edge)];
            Assert.Equal(DenseCorrespondence.Error(at[0], at[1], at[2], at[3], Edge), DenseCorrespondence.Error(2 * at[0], 2 * at[1], 2 * at[2], 2 * at[3], 2 * Edge), 1e-15);
        }
    }

    // Goal: shares are those of the definition, whatever the errors. Method: counted a second way, from sorted errors; and laws of the figures.
    [Fact]
    public void OfPair_AnyErrors_AgreesWithCountingInOrder()
    {
        var random = new Random(7);
        for (int trial = 0; trial < 50; trial++)
        {
            double[] errors = [.. Enumerable.Range(0, 1 + random.Next(200)).Select(_ => Math.Sqrt(2) * Math.Pow(random.NextDouble(), 3))];
            DenseCorrespondence figures = DenseCorrespondence.OfPair(errors);
            double[] sorted = [.. errors.Order()];
            double[] shares = [.. DenseCorrespondence.Thresholds.Select(t => sorted.TakeWhile(error => error < t).Count() / (double)sorted.Length)];
            Assert.Equal((shares[0], shares[1], shares[2]), (figures.Pcdp05, figures.Pcdp10, figures.Pcdp20));
            Assert.Equal(sorted.Sum() / sorted.Length, figures.Ape, 1e-12);
            Assert.True(figures.Pcdp05 <= figures.Pcdp10 && figures.Pcdp10 <= figures.Pcdp20);
            // Markov: at most APE / t of the errors are t or more.
            Assert.True(1 - figures.Pcdp20 <= figures.Ape / 0.2 + 1e-12);
            random.Shuffle(errors);
            Assert.Equal(figures.Ape, DenseCorrespondence.OfPair(errors).Ape, 1e-12);
        }
    }

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(-0.01)]
    [InlineData(double.PositiveInfinity)]
    public void OfPair_NoDistance_IsRefused(double error) => Assert.Throws<ArgumentException>(() => DenseCorrespondence.OfPair([0.1, error]));

    [Fact]
    public void OfPairAndMean_Nothing_IsRefused()
    {
        Assert.Throws<ArgumentException>(() => DenseCorrespondence.OfPair([]));
        Assert.Throws<ArgumentException>(() => DenseCorrespondence.Mean([]));
    }

    // Goal: a pair counts once, however many points it has. Method: one pair of 1 point, one of 99.
    [Fact]
    public void Mean_PairsOfUnequalSize_WeighTheSame()
    {
        DenseCorrespondence small = DenseCorrespondence.OfPair([0.5]), large = DenseCorrespondence.OfPair([.. Enumerable.Repeat(0.01, 99)]);
        DenseCorrespondence mean = DenseCorrespondence.Mean([small, large]);
        Assert.Equal(0.255, mean.Ape, 1e-12);
        Assert.Equal((0.5, 0.5, 0.5), (mean.Pcdp05, mean.Pcdp10, mean.Pcdp20));
    }

    [Fact]
    public void MeansApart_BothKinds_AreNotMixed()
    {
        DenseCorrespondence good = new(0.02, 0.9, 0.95, 1), bad = new(0.3, 0.1, 0.2, 0.4), fair = new(0.1, 0.5, 0.6, 0.8);
        (DenseCorrespondence? distinct, DenseCorrespondence? symmetric) = DenseCorrespondence.MeansApart([(good, false), (bad, true), (fair, false)]);
        Assert.Equal(DenseCorrespondence.Mean([good, fair]), distinct);
        Assert.Equal(bad, symmetric);
        Assert.Equal((good, null), DenseCorrespondence.MeansApart([(good, false)]));
        Assert.Equal((null, null), DenseCorrespondence.MeansApart([]));
    }
}
