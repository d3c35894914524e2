using System.Text.Json;
using System.Xml.Linq;
using CorrMesh.Metrics;
using CorrMesh.Training.Measuring;
using Xunit;

namespace CorrMesh.Evaluation.Compact.Tests;

public class CompactReportTests
{
    private static readonly DenseCorrespondence Poor = new(0.25, 0.125, 0.25, 0.5), Good = new(0.0625, 0.625, 0.75, 0.875);

    [Fact]
    public void Misses_EveryMustReached_IsEmpty() =>
        Assert.Empty(Report([Row("duck", new DenseCorrespondence(CompactReport.Must.Ape, CompactReport.Must.Pcdp05, CompactReport.Must.Pcdp10, 1))]).Misses());

    // Goal: each must is looked at alone. Method: figures that miss one of them by little.
    [Theory]
    [InlineData("APE of at most 7.5 % needed, 7.6 given", 0.0756, 0.6, 0.8)]
    [InlineData("PCDP@0.05 of at least 55.0 % needed, 54.9 given", 0.07, 0.5490, 0.8)]
    [InlineData("PCDP@0.1 of at least 72.0 % needed, 71.9 given", 0.07, 0.6, 0.7190)]
    public void Misses_OneMustMissed_NamesItAlone(string expected, double ape, double pcdp05, double pcdp10) =>
        Assert.Contains(expected, Assert.Single(Report([Row("duck", new DenseCorrespondence(ape, pcdp05, pcdp10, 1))]).Misses()), StringComparison.Ordinal);

    [Fact]
    public void Misses_NotANumber_IsAMiss() => Assert.Equal(3, Report([Row("duck", new DenseCorrespondence(double.NaN, double.NaN, double.NaN, 1))]).Misses().Count);

    // Goal: what a rotation maps onto itself, and what is made, has no say in the musts.
    [Fact]
    public void Misses_PoorSymmetricAndMadeObjects_DoNotCount()
    {
        Assert.Empty(Report([Row("duck", Good), Row("box", Poor, isSymmetric: true)], [Row("horn", Poor)]).Misses());
        Assert.Contains("at least 1 mesh", Assert.Single(Report([Row("box", Good, isSymmetric: true)]).Misses()), StringComparison.Ordinal);
    }

    [Fact]
    public void ToMarkdown_Figures_AreInPerCentWithTheSymmetricApart()
    {
        string[] lines = Report([Row("duck", Good), Row("cow", Poor), Row("box", Poor, isSymmetric: true)], [Row("horn", Good)]).ToMarkdown().Split('\n');
        Assert.Contains("| duck | 20 | 25.0 / 6.2 | 12.5 / 62.5 | 25.0 / 75.0 | 50.0 / 87.5 |", lines);
        Assert.Contains("| box ↻ | 20 | 25.0 / 25.0 | 12.5 / 12.5 | 25.0 / 25.0 | 50.0 / 50.0 |", lines);
        Assert.Contains("| **mean of 2 meshes** | 40 | 25.0 / 15.6 | 12.5 / 37.5 | 25.0 / 50.0 | 50.0 / 68.8 |", lines);
        Assert.Contains("| mean of 1 meshes ↻ | 20 | 25.0 / 25.0 | 12.5 / 12.5 | 25.0 / 25.0 | 50.0 / 50.0 |", lines);
        Assert.Contains("| **mean of 1 made objects** | 20 | 25.0 / 6.2 | 12.5 / 62.5 | 25.0 / 75.0 | 50.0 / 87.5 |", lines);
        Assert.Contains("| must, on the mean of meshes | | ≤ 7.5 | ≥ 55.0 | ≥ 72.0 | |", lines);
    }

    [Fact]
    public void ToJson_Figures_AreFractionsWithTheSymmetricApart()
    {
        JsonElement root = JsonDocument.Parse(Report([Row("duck", Good), Row("box", Poor, isSymmetric: true)]).ToJson()).RootElement;
        Assert.Equal(2, root.GetProperty("meshes").GetProperty("objects").GetArrayLength());
        Assert.Equal(0.75, root.GetProperty("meshes").GetProperty("mean").GetProperty("measured").GetProperty("pcdp_10").GetDouble());
        Assert.Equal(0.25, root.GetProperty("meshes").GetProperty("mean_symmetric").GetProperty("measured").GetProperty("pcdp_10").GetDouble());
        Assert.False(root.TryGetProperty("made_objects", out _));
        Assert.Equal(0, root.GetProperty("misses").GetArrayLength());
    }

    // Goal: a bar for each object and mean. Method: count the bars, two a row and two of the legend; the first row's are as long as its figures.
    [Fact]
    public void ToSvg_Objects_AreBars()
    {
        XElement[] boxes = [.. XDocument.Parse(Report([Row("duck", Good), Row("box", Poor, isSymmetric: true)], [Row("horn", Good)]).ToSvg())
            .Descendants().Where(e => e.Name.LocalName == "rect" && (string?)e.Attribute("height") == "10")];
        Assert.Equal(2 * 5 + 2, boxes.Length);
        Assert.Equal(["100", "300"], boxes[..2].Select(box => (string)box.Attribute("width")!));
    }

    private static CompactReport Report(CompactRow[] meshes, CompactRow[]? made = null) => new(meshes, made ?? [], "first sha256:a", "measured sha256:b", new EvaluationSettings(), "cpu", 60);

    private static CompactRow Row(string name, DenseCorrespondence measured, bool isSymmetric = false) => new(name, isSymmetric, 20, Poor, measured);
}
