using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using CorrMesh.Metrics;
using CorrMesh.Training.Measuring;

namespace CorrMesh.Evaluation.Compact;

/// <summary>One object by both models.</summary>
/// <param name="PairCount">Directed pairs of views.</param>
/// <param name="First">The first version's figures.</param>
/// <param name="Measured">The measured model's.</param>
internal sealed record CompactRow(string Name, bool IsSymmetric, int PairCount, DenseCorrespondence First, DenseCorrespondence Measured);

/// <summary>Figures that a model must reach, or is meant to.</summary>
internal sealed record CompactGoal(double Pcdp05, double Pcdp10, double Ape);

/// <summary>The table of points found on objects, as text, JSON and picture.</summary>
/// <param name="Meshes">Of the shared data.</param>
/// <param name="Made">Procedural objects of held-out seeds and families; may be empty.</param>
/// <param name="First">Name and digest of the first version.</param>
/// <param name="Measured">Name and digest of the measured model.</param>
/// <param name="Seconds">That the whole took.</param>
internal sealed record CompactReport(
    IReadOnlyList<CompactRow> Meshes, IReadOnlyList<CompactRow> Made, string First, string Measured, EvaluationSettings Settings, string Cpu, double Seconds)
{
    /// <summary>On the mean of the meshes that no rotation maps onto themselves.</summary>
    public static readonly CompactGoal Must = new(Pcdp05: 0.55, Pcdp10: 0.72, Ape: 0.075);

    /// <summary>What the paper reports for DINOv2-B, fine-tuned, on MVImgNet: a point of reference on other pictures.</summary>
    public static readonly CompactGoal Aim = new(Pcdp05: 0.62, Pcdp10: 0.78, Ape: 0.062);

    /// <summary>The musts that are missed, each with its numbers; empty when all is well.</summary>
    public IReadOnlyList<string> Misses()
    {
        if (Mean(Meshes, isSymmetric: false) is not { } mean) return ["mean of meshes: at least 1 mesh that no rotation maps onto itself needed, 0 given"];
        List<string> misses = [];
        // Written so that a NaN misses, too.
        if (!(mean.Measured.Pcdp05 >= Must.Pcdp05)) misses.Add($"mean of meshes: PCDP@0.05 of at least {Percent(Must.Pcdp05)} % needed, {Percent(mean.Measured.Pcdp05)} given");
        if (!(mean.Measured.Pcdp10 >= Must.Pcdp10)) misses.Add($"mean of meshes: PCDP@0.1 of at least {Percent(Must.Pcdp10)} % needed, {Percent(mean.Measured.Pcdp10)} given");
        if (!(mean.Measured.Ape <= Must.Ape)) misses.Add($"mean of meshes: APE of at most {Percent(Must.Ape)} % needed, {Percent(mean.Measured.Ape)} given");
        return misses;
    }

    /// <summary>The plain mean of one kind of a group's objects, or null when there is none.</summary>
    public static CompactRow? Mean(IReadOnlyList<CompactRow> rows, bool isSymmetric)
    {
        CompactRow[] kind = [.. rows.Where(row => row.IsSymmetric == isSymmetric)];
        return kind.Length == 0 ? null : new CompactRow(
            "", isSymmetric, kind.Sum(row => row.PairCount), DenseCorrespondence.Mean([.. kind.Select(row => row.First)]), DenseCorrespondence.Mean([.. kind.Select(row => row.Measured)]));
    }

    /// <summary>Markdown: a table, per cent; first version / measured model in each cell.</summary>
    public string ToMarkdown()
    {
        var text = new StringBuilder();
        text.AppendLine("Points of one view found in another, per cent: first version / measured model.").AppendLine();
        text.AppendLine($"First version: {First}. Measured: {Measured}. Processor: {Cpu}.").AppendLine();
        text.AppendLine(CultureInfo.InvariantCulture, $"{Settings.ViewCount} views an object, pairs up to {Settings.MaxAngle}° apart, up to {Settings.PointCount} points each, {Settings.Tokens} tokens, {Settings.Threads} thread(s); {Seconds:F0} s. Objects that a rotation maps onto themselves (↻) are in no mean of the others.").AppendLine();
        text.AppendLine("| object | pairs | APE | PCDP@0.05 | @0.1 | @0.2 |").AppendLine("|---|---:|---:|---:|---:|---:|");
        foreach ((string name, IReadOnlyList<CompactRow> rows) in Groups())
        {
            foreach (CompactRow row in rows) Append(row.IsSymmetric ? row.Name + " ↻" : row.Name, row);
            if (Mean(rows, isSymmetric: false) is { } mean) Append($"**mean of {rows.Count(row => !row.IsSymmetric)} {name}**", mean);
            if (Mean(rows, isSymmetric: true) is { } apart) Append($"mean of {rows.Count(row => row.IsSymmetric)} {name} ↻", apart);
        }
        Goal("must, on the mean of meshes", Must);
        Goal("aim: the paper's DINOv2-B on MVImgNet", Aim);
        return text.ToString().ReplaceLineEndings("\n");

        void Append(string name, CompactRow row) => text.AppendLine(
            $"| {name} | {row.PairCount} | {Both(row, f => f.Ape)} | {Both(row, f => f.Pcdp05)} | {Both(row, f => f.Pcdp10)} | {Both(row, f => f.Pcdp20)} |");

        static string Both(CompactRow row, Func<DenseCorrespondence, double> figure) => $"{Percent(figure(row.First))} / {Percent(figure(row.Measured))}";

        void Goal(string name, CompactGoal goal) => text.AppendLine($"| {name} | | ≤ {Percent(goal.Ape)} | ≥ {Percent(goal.Pcdp05)} | ≥ {Percent(goal.Pcdp10)} | |");
    }

    /// <summary>The same as JSON, fractions 0 to 1 to five digits.</summary>
    public string ToJson()
    {
        var root = new JsonObject { ["cpu"] = Cpu, ["first"] = First, ["measured"] = Measured, ["tokens"] = Settings.Tokens, ["seconds"] = Math.Round(Seconds, 1) };
        foreach ((string name, IReadOnlyList<CompactRow> rows) in Groups())
        {
            var group = new JsonObject { ["objects"] = new JsonArray([.. rows.Select(row => (JsonNode)Row(row))]) };
            if (Mean(rows, isSymmetric: false) is { } mean) group["mean"] = Figures(mean);
            if (Mean(rows, isSymmetric: true) is { } apart) group["mean_symmetric"] = Figures(apart);
            root[name.Replace(' ', '_')] = group;
        }
        root["misses"] = new JsonArray([.. Misses().Select(miss => (JsonNode)miss)]);
        return root.ToJsonString(new JsonSerializerOptions { WriteIndented = true }).ReplaceLineEndings("\n") + "\n";

        static JsonObject Row(CompactRow row) => new() { ["name"] = row.Name, ["is_symmetric"] = row.IsSymmetric, ["pair_count"] = row.PairCount, ["figures"] = Figures(row) };

        static JsonObject Figures(CompactRow row) => new() { ["first"] = FigureJson.Of(row.First), ["measured"] = FigureJson.Of(row.Measured) };
    }

    /// <summary>PCDP@0.1 of each object and of the means as SVG.</summary>
    public string ToSvg()
    {
        List<PlotBar> bars = [];
        foreach ((string name, IReadOnlyList<CompactRow> rows) in Groups())
        {
            foreach (CompactRow row in rows) bars.Add(Bar(row.IsSymmetric ? $"{row.Name} (symmetric)" : row.Name, row));
            if (Mean(rows, isSymmetric: false) is { } mean) bars.Add(Bar($"mean of {rows.Count(row => !row.IsSymmetric)} {name}", mean));
        }
        return ReportPlots.Bars("PCDP@0.1 on objects, per cent", "first version", "measured", bars);

        static PlotBar Bar(string label, CompactRow row) => new(label, row.First.Pcdp10, row.Measured.Pcdp10, null);
    }

    private IEnumerable<(string Name, IReadOnlyList<CompactRow> Rows)> Groups() => new[] { ("meshes", Meshes), ("made objects", Made) }.Where(group => group.Item2.Count > 0);

    private static string Percent(double share) => (100 * share).ToString("F1", CultureInfo.InvariantCulture);
}
