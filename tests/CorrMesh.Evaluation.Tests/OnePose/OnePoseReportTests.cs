using System.Text.Json;
using CorrMesh.Geometry;
using Xunit;

namespace CorrMesh.Evaluation.OnePose.Tests;

public class OnePoseReportTests
{
    private static readonly OnePoseRow Cup = Row("cup", 0.5, 2, 4, 9), Box = Row("box", 0.5, 0.5, 0.5, 0.5);

    [Fact]
    public void Share_BothErrorsMustBeStrictlyBelow()
    {
        Assert.True(new FrameError("", 0, true, 0.99, 0.99).IsWithin(1));
        Assert.False(new FrameError("", 0, true, 1, 0.5).IsWithin(1));
        Assert.False(new FrameError("", 0, true, 0.5, 1).IsWithin(1));
        Assert.Equal([0.25, 0.5, 0.75], OnePoseReport.Bounds.Select(Cup.Share));
    }

    [Fact]
    public void Of_NoEstimate_MeasuresTheIdentity()
    {
        var error = FrameError.Of("0", 3, null, RigidPose.Identity with { Z = 0.4 });
        Assert.Equal(new FrameError("0", 3, false, 0, 40), error);
    }

    [Fact]
    public void Mean_ObjectsOfUnequalSize_WeighTheSame() => Assert.Equal(0.625, Report([Cup, Row("box", 0.5)]).Mean(1));

    [Fact]
    public void Misses_AMeanBelowTheReference_IsNamed()
    {
        Assert.Empty(Report([Cup, Box]).Misses());
        Assert.Empty(Report([Cup, Box], new OnePoseShares("cup", 0.25, 0.5, 0.75), new OnePoseShares("box", 1, 1, 1), new OnePoseShares("other", 1, 1, 1)).Misses());
        string miss = Assert.Single(Report([Cup], new OnePoseShares("cup", 0.25, 0.52, 0.75)).Misses());
        Assert.Contains("3 cm and degrees: 50.0 %, the reference 52.0 %", miss, StringComparison.Ordinal);
        Assert.Contains("shares of box", Assert.Single(Report([Cup, Box], new OnePoseShares("cup", 0, 0, 0)).Misses()), StringComparison.Ordinal);
    }

    [Fact]
    public void ToJson_AndMarkdown_HoldTheSameShares()
    {
        OnePoseReport report = Report([Cup], new OnePoseShares("cup", 0.25, 0.5, 1));
        JsonElement root = JsonDocument.Parse(report.ToJson()).RootElement;
        Assert.Equal(0.75, root.GetProperty("mean").GetProperty("within_5").GetDouble());
        Assert.Equal(1, root.GetProperty("reference_mean").GetProperty("within_5").GetDouble());
        Assert.Equal(4, root.GetProperty("objects")[0].GetProperty("frames").GetArrayLength());
        Assert.Contains("| cup | 7 | 4 | 4 | 10 | 3.00 cm, 3.00° | 25.0 / 25.0 | 50.0 / 50.0 | 75.0 / 100.0 |", report.ToMarkdown(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("objs,threshold_1\ncup,1")]
    [InlineData("objs,threshold_1,threshold_3,threshold_5")]
    [InlineData("objs,threshold_1,threshold_3,threshold_5\ncup,0.1,0.2")]
    [InlineData("objs,threshold_1,threshold_3,threshold_5\ncup,0.1,0.2,30")]
    public void Read_OtherTable_IsRefused(string text)
    {
        string path = Path.GetTempFileName();
        try
        {
            File.WriteAllText(path, text);
            Assert.Contains(path, Assert.Throws<InvalidDataException>(() => OnePoseShares.Read(path)).Message, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static OnePoseReport Report(OnePoseRow[] rows, params OnePoseShares[] reference) => new(rows, reference.Length == 0 ? null : reference, "model", "cpu");

    private static OnePoseRow Row(string name, params double[] errors) => new(name, 7, [.. errors.Select((error, i) => new FrameError($"{i}", 10, true, error, error))]);
}
