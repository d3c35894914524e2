using System.Text.Json;
using System.Text.Json.Nodes;
using System.Xml.Linq;
using CorrMesh.Training.Measuring;
using Xunit;

namespace CorrMesh.Training.Tests.Measuring;

public class GateReportTests
{
    private static readonly GateReport Full = Changes.Report(
        Changes.Of("own", 0.5, 0.625), SetChange.Of("s-1", [Changes.Of("a", 0.5, 0.5), Changes.Of("b", 0.25, 0.125, null)]), "reference object 'b': lost") with
    {
        Recipe = JsonNode.Parse("""{"tokens":40}"""),
    };

    [Fact]
    public void ToJson_AndBack_IsTheSame() => Assert.Equal(Full.ToJson(), GateReport.FromJson(Full.ToJson()).ToJson());

    [Fact]
    public void ToJson_Fields_AreThereForAReaderWithoutOurSource()
    {
        JsonElement root = JsonDocument.Parse(Full.ToJson()).RootElement;
        Assert.Equal(1, root.GetProperty("schema_version").GetInt32());
        Assert.False(root.GetProperty("is_accepted").GetBoolean());
        Assert.Equal("reference object 'b': lost", root.GetProperty("reasons")[0].GetString());
        Assert.Equal("sha256:adapter", root.GetProperty("adapter_digest").GetString());
        Assert.Equal("sha256:backbone", root.GetProperty("backbone_digest").GetString());
        Assert.Equal(8, root.GetProperty("settings").GetProperty("seed").GetInt32());
        Assert.Equal(12, root.GetProperty("settings").GetProperty("view_count").GetInt32());
        Assert.Equal(0.02, root.GetProperty("limits").GetProperty("mean_loss").GetDouble());
        Assert.Equal(0.5, root.GetProperty("own").GetProperty("before").GetProperty("pcdp10").GetDouble());
        Assert.Equal("sha256:views", root.GetProperty("own").GetProperty("views_digest").GetString());
        Assert.Equal(0.125, root.GetProperty("own").GetProperty("pcdp10_change").GetDouble());
        Assert.Equal("s-1", root.GetProperty("others").GetProperty("set").GetString());
        Assert.Equal(JsonValueKind.Null, root.GetProperty("others").GetProperty("objects")[1].GetProperty("pcdp10_change_error").ValueKind);
        Assert.Equal(40, root.GetProperty("recipe").GetProperty("tokens").GetInt32());
        Assert.Equal(20, root.GetProperty("curve")[1].GetProperty("step").GetInt32());
    }

    // Goal: bars are as long as the figures say. Method: the two bars of the first row, a half and five eighths of the scale.
    [Fact]
    public void Bars_Figures_AreTheBarsLengths()
    {
        XElement[] boxes = [.. XDocument.Parse(ReportPlots.Bars(Full)).Descendants().Where(e => e.Name.LocalName == "rect" && (string?)e.Attribute("height") == "10")];
        Assert.Equal(["200", "250"], boxes[..2].Select(box => (string)box.Attribute("width")!));
        Assert.Equal(2 * 4 + 2, boxes.Length);   // own, two others, their mean; the legend
    }

    // Goal: a name that a user chose never becomes markup. Method: one that tries, with characters that XML does not know.
    [Fact]
    public void Bars_HostileName_StaysText()
    {
        const string name = "</text><script>alert(1)</script>\u0001\uD800&";
        XDocument plot = XDocument.Parse(ReportPlots.Bars(Full with { Own = Changes.Of(name, 0.5, 0.6) }));
        Assert.DoesNotContain(plot.Descendants(), element => element.Name.LocalName == "script");
        Assert.Contains(plot.Descendants(), element => element.Value.StartsWith("own: </text><script>", StringComparison.Ordinal));
    }

    [Fact]
    public void Curves_Points_GoFromTheFirstStepToTheLast()
    {
        XElement[] lines = [.. XDocument.Parse(ReportPlots.Curves(
            [new(0, null, 0.25), new(10, 2.0, null), new(20, 1.0, null), new(40, 1.5, 0.75)])).Descendants().Where(e => e.Name.LocalName == "polyline")];
        Assert.Equal("215,56 360,276 650,166", (string)lines[0].Attribute("points")!);
        Assert.Equal("70,276 650,56", (string)lines[1].Attribute("points")!);
    }

    [Fact]
    public void Plots_NoFigures_AreRefused()
    {
        Assert.Throws<ArgumentException>(() => ReportPlots.Bars(Changes.Report(null, null, "refused")));
        Assert.Throws<ArgumentException>(() => ReportPlots.Curves([]));
    }
}
