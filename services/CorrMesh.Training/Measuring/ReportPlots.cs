using System.Globalization;
using System.Xml.Linq;

namespace CorrMesh.Training.Measuring;

/// <summary>Two bars of one row.</summary>
/// <param name="Before">0 to 1.</param>
/// <param name="After">0 to 1.</param>
/// <param name="Error">Standard error of the change; null where it is not known.</param>
public sealed record PlotBar(string Label, double Before, double After, double? Error);

/// <summary>A line of a plot.</summary>
/// <param name="Points">At least one: place, and a share of 0 to 1.</param>
/// <param name="IsDashed">To tell kinds apart.</param>
public sealed record PlotLine(string Label, IReadOnlyList<(double X, double Share)> Points, bool IsDashed);

/// <summary>Pictures of a report as SVG: text, which any browser draws.</summary>
/// <remarks>Names come from users: they become text nodes, never markup, and characters that XML does not have are replaced.</remarks>
public static class ReportPlots
{
    private const string Before = "#9aa5b1", After = "#1f6feb", Loss = "#c2410c", Ink = "#24292f", Rule = "#d0d7de";
    private static readonly string[] Palette = [After, Loss, "#15803d", "#7c3aed", "#b45309", "#0e7490"];
    private static readonly XNamespace Svg = "http://www.w3.org/2000/svg";

    /// <summary>PCDP@0.1 of each object before and after; the own object first, the reference set's mean last.</summary>
    /// <exception cref="ArgumentException">The report holds no figures.</exception>
    public static string Bars(GateReport report)
    {
        List<PlotBar> rows = [];
        if (report.Own is { } own) rows.Add(new($"own: {own.Name}", own.Before.Pcdp10, own.After.Pcdp10, own.Pcdp10ChangeError));
        if (report.Others is { } others)
        {
            rows.AddRange(others.Objects.Select(o => new PlotBar(o.Name, o.Before.Pcdp10, o.After.Pcdp10, o.Pcdp10ChangeError)));
            rows.Add(new($"mean of {others.Set}", others.Before.Pcdp10, others.After.Pcdp10, others.Pcdp10ChangeError));
        }
        if (rows.Count == 0) throw new ArgumentException("report: figures needed, it holds none", nameof(report));
        return Bars("PCDP@0.1 before and after fine-tuning, per cent", "before", "after", rows);
    }

    /// <summary>Two shares a row, 0 to 100 per cent, and their difference.</summary>
    /// <param name="title">Says what the shares are.</param>
    /// <param name="before">What the upper bars are.</param>
    /// <param name="after">What the lower bars are.</param>
    /// <exception cref="ArgumentException">There is no row.</exception>
    public static string Bars(string title, string before, string after, IReadOnlyList<PlotBar> rows)
    {
        if (rows.Count == 0) throw new ArgumentException("rows: at least 1 needed, 0 given", nameof(rows));
        const int Left = 240, Width = 400, Step = 34, Top = 44;
        int height = Top + rows.Count * Step + 30;
        XElement root = Root(Left + Width + 130, height, title);
        for (int percent = 0; percent <= 100; percent += 20)
        {
            double x = Left + Width * percent / 100.0;
            root.Add(Line(x, Top - 6, x, height - 26, Rule), Text(x, height - 10, $"{percent}", "middle"));
        }
        for (int i = 0; i < rows.Count; i++)
        {
            (string label, double first, double second, double? error) = rows[i];
            double y = Top + i * Step;
            root.Add(
                Text(Left - 8, y + 15, Short(label), "end"),
                Box(Left, y, Width * first, 10, Before), Box(Left, y + 11, Width * second, 10, After),
                Text(Left + Width + 8, y + 15, Signed(second - first) + (error is { } e ? $" ± {Percent(e)}" : ""), "start"));
        }
        root.Add(Box(Left, 24, 10, 10, Before), Text(Left + 14, 33, before, "start"), Box(Left + 110, 24, 10, 10, After), Text(Left + 124, 33, after, "start"));
        return root.ToString().ReplaceLineEndings("\n") + "\n";
    }

    /// <summary>Loss and PCDP@0.1 against the step, each on its own scale.</summary>
    /// <exception cref="ArgumentException">There is no point with a figure.</exception>
    public static string Curves(IReadOnlyList<CurvePoint> curve)
    {
        (double X, double Y)[] losses = [.. curve.Where(p => p.Loss is not null).Select(p => ((double)p.Step, p.Loss!.Value))];
        (double X, double Y)[] shares = [.. curve.Where(p => p.Pcdp10 is not null).Select(p => ((double)p.Step, 100 * p.Pcdp10!.Value))];
        if (losses.Length + shares.Length == 0) throw new ArgumentException("curve: at least 1 point with a figure needed, 0 given", nameof(curve));
        double last = Math.Max(curve.Max(p => p.Step), 1);
        XElement root = Root(760, 336, "Fine-tuning: loss and PCDP@0.1 of unseen views by step");
        const int Left = 70, Top = 56, Width = 580, Height = 220;
        root.Add(Line(Left, Top + Height, Left + Width, Top + Height, Rule));
        for (int i = 0; i <= 4; i++) root.Add(Text(Left + Width * i / 4.0, Top + Height + 18, $"{last * i / 4:F0}", "middle"));
        root.Add(Text(Left + Width / 2.0, Top + Height + 40, "step", "middle"));
        Draw(losses, Loss, "loss", Left - 8, "end");
        Draw(shares, After, "PCDP@0.1, %", Left + Width + 8, "start");
        return root.ToString().ReplaceLineEndings("\n") + "\n";

        void Draw((double X, double Y)[] points, string colour, string name, double labelX, string anchor)
        {
            if (points.Length == 0) return;
            double low = points.Min(p => p.Y), high = points.Max(p => p.Y), range = Math.Max(high - low, 1e-9);
            root.Add(
                Text(labelX, Top - 14, name, anchor, colour), Text(labelX, Top + 4, $"{high:G4}", anchor, colour), Text(labelX, Top + Height + 4, $"{low:G4}", anchor, colour),
                Path(points.Select(p => (Left + Width * p.X / last, Top + Height * (high - p.Y) / range)), colour));
            foreach ((double x, double y) in points) root.Add(Dot(Left + Width * x / last, Top + Height * (high - y) / range, colour));
        }
    }

    /// <summary>Shares against places that have names, all on one scale of per cent; lines of one kind differ by colour.</summary>
    /// <param name="title">Says what the shares are.</param>
    /// <param name="across">Says what the places are.</param>
    /// <param name="ticks">Places that are marked, at least two that differ.</param>
    /// <param name="lines">At least one.</param>
    /// <exception cref="ArgumentException">Too few lines or places.</exception>
    public static string Lines(string title, string across, IReadOnlyList<(double X, string Label)> ticks, IReadOnlyList<PlotLine> lines)
    {
        if (lines.Count == 0) throw new ArgumentException("lines: at least 1 needed, 0 given", nameof(lines));
        double from = ticks.Min(tick => tick.X), to = ticks.Max(tick => tick.X);
        if (!(to > from)) throw new ArgumentException("ticks: at least 2 places needed, 1 given", nameof(ticks));
        const int Left = 50, Top = 36, Width = 500, Height = 320;
        double low = 10 * Math.Floor(10 * lines.Min(line => line.Points.Min(p => p.Share))), high = Math.Max(10 * Math.Ceiling(10 * lines.Max(line => line.Points.Max(p => p.Share))), low + 10);
        XElement root = Root(Left + Width + 260, Math.Max(Top + Height + 50, Top + 30 + 20 * lines.Count), title);
        for (double percent = low; percent <= high; percent += 10)
            root.Add(Line(Left, Y(percent), Left + Width, Y(percent), Rule), Text(Left - 8, Y(percent) + 4, $"{percent:F0}", "end"));
        foreach ((double x, string label) in ticks) root.Add(Line(X(x), Top, X(x), Top + Height, Rule), Text(X(x), Top + Height + 18, label, "middle"));
        root.Add(Text(Left + Width / 2.0, Top + Height + 38, across, "middle"));
        int solid = 0, broken = 0;
        for (int i = 0; i < lines.Count; i++)
        {
            PlotLine line = lines[i];
            string colour = Palette[(line.IsDashed ? broken++ : solid++) % Palette.Length];
            double y = Top + 10 + 20 * i;
            root.Add(
                Path(line.Points.Select(p => (X(p.X), Y(100 * p.Share))), colour, line.IsDashed),
                Path([(Left + Width + 16, y), (Left + Width + 44, y)], colour, line.IsDashed), Text(Left + Width + 50, y + 4, Short(line.Label), "start"));
            foreach ((double x, double share) in line.Points) root.Add(Dot(X(x), Y(100 * share), colour));
        }
        return root.ToString().ReplaceLineEndings("\n") + "\n";

        double X(double place) => Left + Width * (place - from) / (to - from);

        double Y(double percent) => Top + Height * (high - percent) / (high - low);
    }

    private static XElement Path(IEnumerable<(double X, double Y)> points, string colour, bool isDashed = false) => new(
        Svg + "polyline", new XAttribute("fill", "none"), new XAttribute("stroke", colour), new XAttribute("stroke-width", "1.5"),
        isDashed ? new XAttribute("stroke-dasharray", "5 3") : null,
        new XAttribute("points", string.Join(' ', points.Select(p => $"{Number(p.X)},{Number(p.Y)}"))));

    private static XElement Dot(double x, double y, string colour) => new(
        Svg + "circle", new XAttribute("cx", Number(x)), new XAttribute("cy", Number(y)), new XAttribute("r", "2"), new XAttribute("fill", colour));

    private static XElement Root(int width, int height, string title) => new(
        Svg + "svg", new XAttribute("viewBox", $"0 0 {width} {height}"), new XAttribute("width", width), new XAttribute("height", height),
        new XAttribute("font-family", "sans-serif"), new XAttribute("font-size", "12"), new XAttribute("role", "img"),
        new XElement(Svg + "title", title), Box(0, 0, width, height, "#ffffff"), Text(8, 16, title, "start"));

    private static XElement Line(double x1, double y1, double x2, double y2, string colour) => new(
        Svg + "line", new XAttribute("x1", Number(x1)), new XAttribute("y1", Number(y1)), new XAttribute("x2", Number(x2)), new XAttribute("y2", Number(y2)), new XAttribute("stroke", colour));

    private static XElement Box(double x, double y, double width, double height, string colour) => new(
        Svg + "rect", new XAttribute("x", Number(x)), new XAttribute("y", Number(y)), new XAttribute("width", Number(width)), new XAttribute("height", Number(height)), new XAttribute("fill", colour));

    private static XElement Text(double x, double y, string text, string anchor, string colour = Ink) => new(
        Svg + "text", new XAttribute("x", Number(x)), new XAttribute("y", Number(y)), new XAttribute("text-anchor", anchor), new XAttribute("fill", colour),
        new string([.. text.Select(c => char.IsControl(c) || char.IsSurrogate(c) || c is '\uFFFE' or '\uFFFF' ? '?' : c)]));

    private static string Short(string label) => label.Length <= 36 ? label : label[..35] + "…";

    private static string Signed(double share) => (100 * share).ToString("+0.0;-0.0;0.0", CultureInfo.InvariantCulture);

    private static string Percent(double share) => (100 * share).ToString("F1", CultureInfo.InvariantCulture);

    private static string Number(double value) => value.ToString("0.##", CultureInfo.InvariantCulture);
}
