using CorrMesh.Metrics;
using Xunit;

namespace CorrMesh.Metrics.Tests;

public class PairMeanTests
{
    [Fact]
    public void Of_EqualValues_HasNoError() => Assert.Equal(new PairMean(0.25, 0), PairMean.Of(AllPairs([0.125, 0.125, 0.125, 0.125])));

    // Goal: the error is the known one where theory gives it. Method: pair values that are sums of view values: their mean is twice the views' mean, whose
    // standard error is twice s / √n exactly, while pairs taken as independent would give another number.
    [Fact]
    public void Of_SumsOfViewValues_GivesTwiceTheErrorOfTheViewMean()
    {
        double[] views = [0.3, 0.1, 0.45, 0.2, 0.6, 0.05, 0.37];
        double mean = views.Average(), deviation = Math.Sqrt(views.Sum(v => (v - mean) * (v - mean)) / (views.Length - 1));
        PairMean result = PairMean.Of(AllPairs(views));
        Assert.Equal(2 * mean, result.Mean, 1e-12);
        Assert.Equal(2 * deviation / Math.Sqrt(views.Length), result.StandardError, 1e-12);
    }

    // Goal: the error says how far the mean really strays when views are drawn anew, also where only some pairs are near enough to count. Method: many draws of
    // 12 views; pairs with an effect of each view and of their own. The stated error is between the true one and 1.4 times it: the jackknife errs to the safe side.
    [Fact]
    public void Of_ViewsDrawnAnew_StatesHowFarTheMeanStrays()
    {
        var random = new Random(11);
        double[] means = new double[2000], errors = new double[means.Length];
        for (int trial = 0; trial < means.Length; trial++)
        {
            double[] views = [.. Enumerable.Range(0, 12).Select(_ => Normal())];
            List<PairValue> pairs = [];
            for (int i = 0; i < views.Length; i++)
                for (int j = 0; j < views.Length; j++)
                    if (i != j && (Math.Abs(i - j) < 3 || random.NextDouble() < 0.1)) pairs.Add(new PairValue(i, j, views[i] + views[j] + Normal()));
            (means[trial], errors[trial]) = PairMean.Of(pairs);
        }
        double centre = means.Average(), strays = Math.Sqrt(means.Average(m => (m - centre) * (m - centre))), stated = Math.Sqrt(errors.Average(e => e * e));
        Assert.InRange(stated / strays, 0.95, 1.4);

        double Normal() => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
    }

    [Fact]
    public void Of_OrderOfPairs_ChangesNothing()
    {
        PairValue[] pairs = [.. AllPairs([0.3, 0.1, 0.4, 0.9])];
        PairMean before = PairMean.Of(pairs);
        Array.Reverse(pairs);
        PairMean after = PairMean.Of([.. pairs.Select(pair => new PairValue(pair.Second, pair.First, pair.Value))]);
        Assert.Equal(before.Mean, after.Mean, 1e-15);
        Assert.Equal(before.StandardError, after.StandardError, 1e-15);
    }

    [Fact]
    public void Of_TooFewViews_KnowsNoError()
    {
        Assert.Equal(new PairMean(0.5, double.PositiveInfinity), PairMean.Of([new PairValue(0, 1, 0.5)]));
        Assert.Equal(new PairMean(0.5, double.PositiveInfinity), PairMean.Of([new PairValue(0, 1, 0.25), new PairValue(0, 2, 0.75)]));
    }

    [Fact]
    public void Of_NoPairOrNoNumberOrOneView_IsRefused()
    {
        Assert.Throws<ArgumentException>(() => PairMean.Of([]));
        Assert.Throws<ArgumentException>(() => PairMean.Of([new PairValue(0, 1, double.NaN)]));
        Assert.Throws<ArgumentException>(() => PairMean.Of([new PairValue(2, 2, 0.5)]));
    }

    private static IReadOnlyCollection<PairValue> AllPairs(double[] views) =>
        [.. from i in Enumerable.Range(0, views.Length) from j in Enumerable.Range(0, views.Length) where i < j select new PairValue(i, j, views[i] + views[j])];
}
