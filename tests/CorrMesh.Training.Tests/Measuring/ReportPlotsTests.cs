using System.Globalization;
using System.Xml.Linq;
using CorrMesh.Training.Measuring;
using Xunit;

namespace CorrMesh.Training.Tests.Measuring;

public class ReportPlotsTests
{
    private static readonly (double, string)[] Ticks = [(0, "1"), (1, "10"), (2, "100")];

    // Goal: higher shares stand higher, on one scale for all lines. Method: shares of 20 and 60 per cent are the scale's ends, 320 pixels apart, and 40 its middle.
    [Fact]
    public void Lines_Shares_ShareOneScale()
    {
        XElement[] lines = [.. XDocument.Parse(ReportPlots.Lines(
            "t", "step", Ticks, [new PlotLine("a", [(0, 0.2), (2, 0.6)], IsDashed: false), new PlotLine("b", [(1, 0.4)], IsDashed: true)])).Descendants().Where(e => e.Name.LocalName == "polyline")];
        Assert.Equal(4, lines.Length);   // each with its sample in the legend
        Assert.Equal([(50, 356), (550, 36)], Points(lines[0]));
        Assert.Equal([(300, 196)], Points(lines[2]));
        Assert.Null(lines[0].Attribute("stroke-dasharray"));
        Assert.NotNull(lines[2].Attribute("stroke-dasharray"));
    }

    [Fact]
    public void Lines_HostileName_StaysText() => Assert.DoesNotContain(
        XDocument.Parse(ReportPlots.Lines("t", "step", Ticks, [new PlotLine("</text><script/>", [(0, 0.2)], IsDashed: false)])).Descendants(), element => element.Name.LocalName == "script");

    [Fact]
    public void Plots_NothingToDraw_AreRefused()
    {
        Assert.Throws<ArgumentException>(() => ReportPlots.Lines("t", "step", Ticks, []));
        Assert.Throws<ArgumentException>(() => ReportPlots.Lines("t", "step", [(0, "1")], [new PlotLine("a", [(0, 0.2)], IsDashed: false)]));
        Assert.Throws<ArgumentException>(() => ReportPlots.Bars("t", "before", "after", []));
    }

    private static (double X, double Y)[] Points(XElement line) =>
        [.. ((string)line.Attribute("points")!).Split(' ').Select(point => point.Split(',')).Select(p => (double.Parse(p[0], CultureInfo.InvariantCulture), double.Parse(p[1], CultureInfo.InvariantCulture)))];
}
