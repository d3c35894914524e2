using Xunit;

namespace CorrMesh.Metrics.Tests;

public class MatchTallyTests
{
    [Fact]
    public void FractionWithin_KnownDistances_CountsThoseAtOrBelow()
    {
        var tally = new MatchTally();
        foreach (double distance in (double[])[0, 2, 5, 5.01, 80, double.NaN, double.PositiveInfinity, 1.99]) tally.Add(distance, 100);
        Assert.Equal(8, tally.Count);
        Assert.Equal(3 / 8.0, tally.FractionWithin(0.02));
        Assert.Equal(4 / 8.0, tally.FractionWithin(0.05));
        Assert.Equal(6 / 8.0, tally.FractionWithin(1));
    }

    // Goal: the measure is relative. Method: twice the picture and twice the error give the same fractions.
    [Fact]
    public void FractionWithin_PictureAndErrorScaled_StaysTheSame()
    {
        MatchTally small = new(), large = new();
        var random = new Random(1);
        for (int i = 0; i < 100; i++)
        {
            double distance = random.Next(0, 64);
            small.Add(distance, 512);
            large.Add(2 * distance, 1024);
        }
        foreach (double share in (double[])[0.01, 0.02, 0.05, 0.1]) Assert.Equal(small.FractionWithin(share), large.FractionWithin(share));
    }

    [Fact]
    public void AddAll_TwoTallies_PoolsTheirPoints()
    {
        MatchTally one = new(), two = new();
        one.Add(0, 10);
        two.Add(10, 10);
        two.Add(10, 10);
        one.AddAll(two);
        Assert.Equal(1 / 3.0, one.FractionWithin(0.5));
    }

    [Fact]
    public void FractionWithin_NoPoints_IsNaN() => Assert.True(double.IsNaN(new MatchTally().FractionWithin(1)));

    [Theory]
    [InlineData(-1, 10)]
    [InlineData(1, 0)]
    [InlineData(1, double.NaN)]
    [InlineData(1, double.PositiveInfinity)]
    public void Add_ImpossibleLengths_Throws(double distance, double diagonal) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new MatchTally().Add(distance, diagonal));
}
