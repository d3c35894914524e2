using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using CorrMesh.Metrics;

namespace CorrMesh.Evaluation.Pairs;

/// <summary>The fractions of one row, method by method.</summary>
/// <param name="Name">Which pictures.</param>
/// <param name="Truth">What answers are measured against.</param>
/// <param name="PairCount">Pairs pooled in the row.</param>
/// <param name="Tallies">One for each method, in the columns' order.</param>
internal sealed record PairsRow(string Name, string Truth, int PairCount, MatchTally[] Tallies);

/// <summary>The table of matched points, as text and as JSON.</summary>
/// <param name="Methods">Column names; the first is the one that must be better than the others.</param>
/// <param name="Real">Rows of real pictures; each weighs the same in their mean.</param>
/// <param name="Generated">The row of generated pictures, or null when none were asked for.</param>
/// <param name="Cpu">The processor that computed it.</param>
/// <param name="Model">The model and its digest, for the heading.</param>
internal sealed record PairsReport(string[] Methods, IReadOnlyList<PairsRow> Real, PairsRow? Generated, string Cpu, string Model)
{
    public const double Near = 0.02, Far = 0.05;

    /// <summary>How far the first method must lead the better of the others at 5 %, in points of a hundred.</summary>
    public const double RealLead = 15, GeneratedLead = 25;

    /// <summary>Mean of the real rows' fractions.</summary>
    public double RealMean(int method, double share) => Real.Average(row => row.Tallies[method].FractionWithin(share));

    /// <summary>The rows that miss their "must", each with its numbers; empty when all is well.</summary>
    public IReadOnlyList<string> Misses()
    {
        List<string> misses = [];
        Require("mean of real pairs", RealLead, method => RealMean(method, Far));
        if (Generated is not null) Require(Generated.Name, GeneratedLead, method => Generated.Tallies[method].FractionWithin(Far));
        return misses;

        void Require(string row, double lead, Func<int, double> fraction)
        {
            double own = 100 * fraction(0), other = 100 * Enumerable.Range(1, Methods.Length - 1).Max(fraction);
            // Written so that a NaN misses, too.
            if (!(own - other >= lead))
                misses.Add(string.Create(CultureInfo.InvariantCulture, $"{row}: {Methods[0]} {own:F1} %, the better of the others {other:F1} %, a lead of {lead} points needed"));
        }
    }

    /// <summary>A Markdown table: per cent of points within 2 % / 5 % of the target's diagonal.</summary>
    public string ToMarkdown()
    {
        var text = new StringBuilder();
        text.AppendLine("Per cent of points matched within 2 % / 5 % of the target's diagonal.").AppendLine();
        text.AppendLine($"Processor: {Cpu}. Model: {Model}.").AppendLine();
        text.AppendLine($"| pictures | truth | pairs | points | {string.Join(" | ", Methods)} |");
        text.AppendLine($"|---|---|---:|---:|{string.Concat(Methods.Select(_ => "---:|"))}");
        foreach (PairsRow row in Real) AppendRow(row);
        Append("**mean of real pairs**", "", "", "", method => RealMean(method, Near), method => RealMean(method, Far));
        if (Generated is not null) AppendRow(Generated);
        return text.ToString().ReplaceLineEndings("\n");

        void AppendRow(PairsRow row) => Append(row.Name, row.Truth, $"{row.PairCount}", $"{row.Tallies[0].Count}",
            method => row.Tallies[method].FractionWithin(Near), method => row.Tallies[method].FractionWithin(Far));

        void Append(string name, string truth, string pairs, string points, Func<int, double> near, Func<int, double> far) =>
            text.AppendLine(CultureInfo.InvariantCulture, $"| {name} | {truth} | {pairs} | {points} | {string.Join(" | ", Methods.Select((_, m) =>
                string.Create(CultureInfo.InvariantCulture, $"{100 * near(m):F1} / {100 * far(m):F1}")))} |");
    }

    /// <summary>The same as JSON, fractions 0..1 to four digits.</summary>
    public string ToJson()
    {
        var root = new JsonObject
        {
            ["cpu"] = Cpu,
            ["model"] = Model,
            ["rows"] = new JsonArray([.. Real.Concat(Generated is null ? [] : [Generated]).Select(Row)]),
            ["real_mean"] = Fractions(method => RealMean(method, Near), method => RealMean(method, Far)),
        };
        return root.ToJsonString(new JsonSerializerOptions { WriteIndented = true }).ReplaceLineEndings("\n") + "\n";

        JsonNode Row(PairsRow row) => new JsonObject
        {
            ["name"] = row.Name,
            ["truth"] = row.Truth,
            ["pair_count"] = row.PairCount,
            ["point_count"] = row.Tallies[0].Count,
            ["fractions"] = Fractions(method => row.Tallies[method].FractionWithin(Near), method => row.Tallies[method].FractionWithin(Far)),
        };

        JsonObject Fractions(Func<int, double> near, Func<int, double> far) => new(Methods.Select((method, m) => KeyValuePair.Create(
            method, (JsonNode?)new JsonObject { ["within_2_percent"] = Math.Round(near(m), 4), ["within_5_percent"] = Math.Round(far(m), 4) })));
    }
}
