using System.Text.Json;
using CorrMesh.Metrics;
using Xunit;

namespace CorrMesh.Evaluation.Pairs.Tests;

public class PairsReportTests
{
    [Fact]
    public void Misses_BothLeadsLargeEnough_IsEmpty() => Assert.Empty(Report([50, 35, 20], [60, 20, 35]).Misses());

    [Fact]
    public void Misses_LeadOverTheBetterOtherTooSmall_NamesTheRow()
    {
        string miss = Assert.Single(Report([50, 20, 36], [60, 20, 35]).Misses());
        Assert.Contains("mean of real pairs", miss, StringComparison.Ordinal);
        Assert.Contains("50.0 %", miss, StringComparison.Ordinal);
        Assert.Contains("36.0 %", miss, StringComparison.Ordinal);
        Assert.Contains("generated", Assert.Single(Report([50, 20, 35], [60, 20, 36]).Misses()), StringComparison.Ordinal);
    }

    [Fact]
    public void Misses_ARowWithoutPoints_IsAMiss() =>
        Assert.Single(Report([50, 20, 35], [60, 20, 35], new PairsRow("empty", "none", 0, [new MatchTally(), new MatchTally(), new MatchTally()])).Misses());

    [Fact]
    public void RealMean_RowsOfUnequalSize_WeighsThemEqually()
    {
        PairsReport report = Report([100, 0, 0], [100, 0, 0], Row("large", [0, 0, 0], repeat: 9));
        Assert.Equal(0.5, report.RealMean(0, PairsReport.Far));
    }

    [Fact]
    public void ToJson_AndMarkdown_HoldTheSameFractions()
    {
        PairsReport report = Report([50, 35, 20], [60, 20, 35]);
        JsonElement rows = JsonDocument.Parse(report.ToJson()).RootElement.GetProperty("rows");
        Assert.Equal(2, rows.GetArrayLength());
        Assert.Equal(0.35, rows[0].GetProperty("fractions").GetProperty("second").GetProperty("within_5_percent").GetDouble());
        Assert.Contains("| real | truth | 1 | 100 | 0.0 / 50.0 | 0.0 / 35.0 | 0.0 / 20.0 |", report.ToMarkdown(), StringComparison.Ordinal);
    }

    private static PairsReport Report(int[] real, int[] generated, params PairsRow[] more) =>
        new(["first", "second", "third"], [Row("real", real), .. more], Row("generated", generated), "cpu", "model");

    // Of 100 points a method has `hits` at 4 % of the diagonal and the rest at 40 %.
    private static PairsRow Row(string name, int[] hits, int repeat = 1)
    {
        MatchTally[] tallies = [.. hits.Select(count =>
        {
            var tally = new MatchTally();
            for (int i = 0; i < 100 * repeat; i++) tally.Add(i < count * repeat ? 4 : 40, 100);
            return tally;
        })];
        return new PairsRow(name, "truth", repeat, tallies);
    }
}
