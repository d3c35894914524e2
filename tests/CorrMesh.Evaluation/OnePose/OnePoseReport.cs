using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace CorrMesh.Evaluation.OnePose;

/// <summary>One line of the table that the paper's script writes: shares of frames, 0 to 1.</summary>
internal sealed record OnePoseShares(string Name, double Within1, double Within3, double Within5)
{
    private const string Header = "objs,threshold_1,threshold_3,threshold_5";

    public double Share(double bound) => bound == 1 ? Within1 : bound == 3 ? Within3 : Within5;

    /// <exception cref="InvalidDataException">Not such a table.</exception>
    public static IReadOnlyList<OnePoseShares> Read(string path)
    {
        string[] lines = [.. File.ReadLines(path).Where(line => line.Length > 0)];
        if (lines.Length < 2 || lines[0] != Header) throw new InvalidDataException($"{path}: '{Header}' and at least 1 line needed");
        return [.. lines.Skip(1).Select(line => line.Split(',') is [var name, var one, var three, var five]
            ? new OnePoseShares(name, Number(one), Number(three), Number(five))
            : throw new InvalidDataException($"{path}: 4 fields needed, '{line}' given"))];

        double Number(string text) => double.TryParse(text, CultureInfo.InvariantCulture, out double value) && value is >= 0 and <= 1 ? value : throw new InvalidDataException($"{path}: 0 to 1 needed, '{text}' given");
    }
}

/// <summary>The table of one-shot poses, as text and as JSON.</summary>
/// <param name="Rows">One for each object; each weighs the same in the mean, as in the paper.</param>
/// <param name="Reference">What the paper's script found on the same data, or null.</param>
/// <param name="Model">Names and digests.</param>
/// <param name="Cpu">The processor that computed it.</param>
internal sealed record OnePoseReport(IReadOnlyList<OnePoseRow> Rows, IReadOnlyList<OnePoseShares>? Reference, string Model, string Cpu)
{
    /// <summary>How far below the script's a mean share may be, in points of a hundred: its solver draws by chance, and a set of a thousand frames moves by as much from one run to the next.</summary>
    public const double Tolerance = 1;

    /// <summary>Degrees and centimetres.</summary>
    public static IReadOnlyList<double> Bounds { get; } = [1, 3, 5];

    public double Mean(double bound) => Rows.Average(row => row.Share(bound));

    /// <summary>The means that are below the reference's, each with its numbers; empty when all is well, or nothing to compare with.</summary>
    public IReadOnlyList<string> Misses()
    {
        if (Reference is null) return [];
        string[] absent = [.. Rows.Select(row => row.Name).Except(Reference.Select(shares => shares.Name))];
        if (absent.Length > 0) return [$"reference: shares of {string.Join(", ", absent)} needed, none given"];
        // Written so that a NaN misses, too.
        return [.. Bounds.Where(bound => !(100 * Mean(bound) >= 100 * ReferenceMean(bound) - Tolerance)).Select(bound =>
            $"mean within {bound} cm and degrees: {Percent(Mean(bound))} %, the reference {Percent(ReferenceMean(bound))} %, at most {Tolerance} point less allowed")];
    }

    /// <summary>A Markdown table.</summary>
    public string ToMarkdown()
    {
        var text = new StringBuilder();
        text.AppendLine("Per cent of frames with a pose within as many centimetres and degrees of the truth" + (Reference is null ? "." : ": ours / the paper's script.")).AppendLine();
        text.AppendLine($"Model: {Model}. Processor: {Cpu}.").AppendLine();
        text.AppendLine("| object | template points | frames | solved | matches | median error | 1 cm, 1° | 3 cm, 3° | 5 cm, 5° |").AppendLine("|---|---:|---:|---:|---:|---:|---:|---:|---:|");
        foreach (OnePoseRow row in Rows)
        {
            OnePoseShares? other = Reference?.FirstOrDefault(shares => shares.Name == row.Name);
            Append(row.Name, $"{row.TemplateCount}", row.Frames, bound => row.Share(bound), other is null ? null : other.Share);
        }
        Append($"**mean of {Rows.Count}**", "", [.. Rows.SelectMany(row => row.Frames)], Mean, Reference is null ? null : ReferenceMean);
        return text.ToString().ReplaceLineEndings("\n");

        void Append(string name, string templates, IReadOnlyList<FrameError> frames, Func<double, double> share, Func<double, double>? reference) => text.AppendLine(CultureInfo.InvariantCulture,
            $"| {name} | {templates} | {frames.Count} | {frames.Count(frame => frame.IsSolved)} | {Median(frames.Select(frame => (double)frame.MatchCount)):F0} | {Median(frames.Select(frame => frame.TranslationCentimetres)):F2} cm, {Median(frames.Select(frame => frame.RotationDegrees)):F2}° | {string.Join(" | ", Bounds.Select(bound => Percent(share(bound)) + (reference is null ? "" : " / " + Percent(reference(bound)))))} |");
    }

    /// <summary>The same as JSON with every frame; shares 0 to 1, errors to four digits.</summary>
    public string ToJson()
    {
        var root = new JsonObject
        {
            ["cpu"] = Cpu,
            ["model"] = Model,
            ["objects"] = new JsonArray([.. Rows.Select(row => (JsonNode)new JsonObject
            {
                ["name"] = row.Name,
                ["template_count"] = row.TemplateCount,
                ["shares"] = Shares(row.Share),
                ["frames"] = new JsonArray([.. row.Frames.Select(frame => (JsonNode)new JsonObject
                {
                    ["name"] = frame.Name,
                    ["match_count"] = frame.MatchCount,
                    ["is_solved"] = frame.IsSolved,
                    ["rotation_degrees"] = Math.Round(frame.RotationDegrees, 4),
                    ["translation_centimetres"] = Math.Round(frame.TranslationCentimetres, 4),
                })]),
            })]),
            ["mean"] = Shares(Mean),
        };
        if (Reference is not null) root["reference_mean"] = Shares(ReferenceMean);
        root["misses"] = new JsonArray([.. Misses().Select(miss => (JsonNode)miss)]);
        return root.ToJsonString(new JsonSerializerOptions { WriteIndented = true }).ReplaceLineEndings("\n") + "\n";

        static JsonObject Shares(Func<double, double> share) => new(Bounds.Select(bound => KeyValuePair.Create($"within_{bound}", (JsonNode?)Math.Round(share(bound), 5))));
    }

    /// <summary>The middle value; of an even number the mean of the two.</summary>
    public static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted.Length == 0 ? double.NaN : (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }

    // Of the measured objects only: the reference may know more.
    private double ReferenceMean(double bound) => Reference!.Where(shares => Rows.Any(row => row.Name == shares.Name)).Select(shares => shares.Share(bound)).DefaultIfEmpty(double.NaN).Average();

    private static string Percent(double share) => (100 * share).ToString("F1", CultureInfo.InvariantCulture);
}
