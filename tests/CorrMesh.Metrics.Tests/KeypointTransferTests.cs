using CorrMesh.Metrics;
using Xunit;

namespace CorrMesh.Metrics.Tests;

public class KeypointTransferTests
{
    [Fact]
    public void Share_ErrorOnTheThreshold_DoesNotCount()
    {
        Assert.Equal(0.5, KeypointTransfer.Share([9.999, 10], 0.05, 200));
        Assert.Equal(0, KeypointTransfer.Share([10], 0.05, 200));
    }

    [Fact]
    public void Share_NoKeypoint_IsNoNumber() => Assert.Null(KeypointTransfer.Share([], 0.05, 200));

    [Fact]
    public void Share_LargerFraction_IsNeverSmaller()
    {
        var random = new Random(31);
        double[] errors = [.. Enumerable.Range(0, 50).Select(_ => random.NextDouble() * 40)];
        double?[] shares = [.. KeypointTransfer.Fractions.Select(fraction => KeypointTransfer.Share(errors, fraction, 200))];
        Assert.True(shares[0] <= shares[1] && shares[1] <= shares[2]);
    }

    [Fact]
    public void Weighted_EqualShares_IsThatShare() => Assert.Equal(0.3, KeypointTransfer.Weighted([.. Enumerable.Repeat(0.3, 20)]), 1e-12);

    [Fact]
    public void Weighted_TwoCategories_UsesTheirWeights() => Assert.Equal((15 * 0.2 + 30 * 0.8) / 45, KeypointTransfer.Weighted([0.2, 0.8]), 1e-12);

    [Fact]
    public void Weighted_NoCategoryOrTooMany_IsRefused()
    {
        Assert.Throws<ArgumentException>(() => KeypointTransfer.Weighted([]));
        Assert.Throws<ArgumentException>(() => KeypointTransfer.Weighted(new double[21]));
    }
}
