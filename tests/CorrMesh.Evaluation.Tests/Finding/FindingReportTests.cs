using System.Text.Json;
using System.Xml.Linq;
using Xunit;

namespace CorrMesh.Evaluation.Finding.Tests;

public sealed class FindingReportTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("corrmesh-finding-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void Rows_Nothing_IsNoTableYet()
    {
        FindingReport report = Report(0);
        Assert.Empty(report.Rows());
        Assert.Null(report.ToSvg());
        Assert.Contains("Measured so far: 0 of 29 cells", report.ToMarkdown(), StringComparison.Ordinal);
    }

    // Goal: a part is a table, and a stage that is not whole has no mean yet. Method: all of the bare backbone, and the first run's first stage but for one cell, then whole.
    [Fact]
    public void Rows_APart_AreTheWholeStages()
    {
        Assert.Equal([("banana", null), ("truck", null), ("mean of 2", null)], Report(8).Rows().Select(row => (row.Trained, row.Step)));
        Assert.Equal([("banana", null), ("banana", 0), ("truck", null), ("mean of 2", null)], Report(9).Rows().Select(row => (row.Trained, row.Step)));
    }

    // Goal: the figures are means of the right cells. Method: figures that say their cell. At step 5 others are 5 steps and 3 or 4 letters (cow, pot, horn) above bare: changes of
    // 8, 8 and 9 hundredths, of mean 25/3 and standard error 1/3; the own ones 11 (banana) and 10 (truck).
    [Fact]
    public void Rows_All_AreMeansOverTheOthers()
    {
        IReadOnlyList<FindingRow> rows = Report(29).Rows();
        Assert.Equal(3 * 4, rows.Count);
        FindingRow last = Assert.Single(rows, row => row is { Trained: "banana", Step: 5 }), mean = Assert.Single(rows, row => row is { Trained: "mean of 2", Step: 5 });
        Assert.Equal(0.25 + 0.25 / 3, last.Others.Pcdp10, 12);
        Assert.Equal(0.36, last.Own.Pcdp10, 12);
        Assert.Equal(0.25 / 3, last.Change, 12);
        Assert.Equal(0.01 / 3, last.ChangeError!.Value, 12);
        Assert.Equal(0.25 / 3, mean.Change, 12);
        Assert.Equal(0.01 / 3, mean.ChangeError!.Value, 12);
        Assert.Equal(0.355, mean.Own.Pcdp10, 12);
        Assert.Equal(0.25, Assert.Single(rows, row => row is { Trained: "truck", Step: null }).Own.Pcdp10, 12);
    }

    [Fact]
    public void ToMarkdown_Figures_AreInPerCent()
    {
        string text = Report(29).ToMarkdown();
        Assert.Contains("| banana | 5 | 66.67 | 16.67 | 33.33 | 43.33 | +8.33 ± 0.33 | 64.00 | 18.00 | 36.00 | 46.00 |\n", text, StringComparison.Ordinal);
        Assert.Contains("| banana | bare | 75.00 | 12.50 | 25.00 | 35.00 |  | 75.00 | 12.50 | 25.00 | 35.00 |\n", text, StringComparison.Ordinal);
        Assert.DoesNotContain("so far", text, StringComparison.Ordinal);
    }

    [Fact]
    public void ToJson_HoldsRowsAndCells()
    {
        JsonElement root = JsonDocument.Parse(Report(29).ToJson()).RootElement;
        Assert.Equal(12, root.GetProperty("rows").GetArrayLength());
        Assert.Equal(29, root.GetProperty("cells").GetArrayLength());
        Assert.Equal(16, root.GetProperty("recipe").GetProperty("tokens").GetInt32());
        Assert.Equal(JsonValueKind.Null, root.GetProperty("rows")[0].GetProperty("step").ValueKind);
        Assert.Equal(0.36, root.GetProperty("rows")[3].GetProperty("own").GetProperty("pcdp_10").GetDouble());
    }

    // Goal: steps stand on a logarithmic scale, bare and 0 before 1. Method: the places of a line's points: -2, -1, 0 and log10 5 from 50 to 550.
    [Fact]
    public void ToSvg_Steps_AreLogarithmic()
    {
        XElement[] lines = [.. XDocument.Parse(Report(29).ToSvg()!).Descendants().Where(e => e.Name.LocalName == "polyline")];
        double[] places = [.. ((string)lines[0].Attribute("points")!).Split(' ').Select(point => double.Parse(point.Split(',')[0], System.Globalization.CultureInfo.InvariantCulture))];
        double unit = 500 / (2 + Math.Log10(5));
        foreach ((double expected, double place) in ((double[])[50, 50 + unit, 50 + 2 * unit, 550]).Zip(places)) Assert.Equal(expected, place, 0.01);
        Assert.Equal(4, places.Length);
        Assert.Equal(2 * 2 * 3, lines.Length);   // others and own of two runs and their mean, each with its sample in the legend
    }

    private FindingReport Report(int measured)
    {
        FindingCells cells = Plans.Cells(Path.Combine(folder, $"{measured}.jsonl"));
        foreach (PlannedCell cell in Plans.Small.Cells().Take(measured)) cells.Add(cell, Plans.Figures(cell));
        return new FindingReport(Plans.Small, cells, Plans.Recipe, Plans.Settings, "m.safetensors", "cpu");
    }
}
