using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using CorrMesh.Metrics;
using CorrMesh.Training.Finetuning;
using CorrMesh.Training.Measuring;

namespace CorrMesh.Evaluation.Finding;

/// <summary>One stage of one run, or the mean of the runs.</summary>
/// <param name="Trained">Name of the object, or what the row is the mean of.</param>
/// <param name="Step">Updates done; null for the bare backbone.</param>
/// <param name="Own">Unseen views of the object itself.</param>
/// <param name="Others">Mean of the objects that no run is trained on.</param>
/// <param name="Change">Of the others' PCDP@0.1 against the bare backbone...</param>
/// <param name="ChangeError">...with its standard error over the objects; null where it is not known.</param>
internal sealed record FindingRow(string Trained, int? Step, DenseCorrespondence Own, DenseCorrespondence Others, double Change, double? ChangeError);

/// <summary>The finding as far as it is measured, as text, JSON and picture.</summary>
/// <param name="Plan">What is needed.</param>
/// <param name="Cells">What is there.</param>
/// <param name="Model">Name and digest of the weights that every run starts from.</param>
internal sealed record FindingReport(FindingPlan Plan, FindingCells Cells, FinetuneRecipe Recipe, EvaluationSettings Settings, string Model, string Cpu)
{
    /// <summary>Rows whose cells are all there: each run's stages, then the means of the runs, where there are several.</summary>
    public IReadOnlyList<FindingRow> Rows()
    {
        int?[] stages = [null, .. Plan.Steps.Select(step => (int?)step)];
        FindingRow?[][] runs = [.. Plan.Own.Select((_, run) => stages.Select(stage => Row(run, stage)).ToArray())];
        List<FindingRow> rows = [.. runs.SelectMany(run => run).OfType<FindingRow>()];
        if (runs.Length == 1) return rows;
        for (int i = 0; i < stages.Length; i++)
        {
            FindingRow[] all = [.. runs.Select(run => run[i]).OfType<FindingRow>()];
            if (all.Length < runs.Length) continue;
            // The runs share their objects: over these the changes' means spread, not over the runs.
            (double change, double? error) = Change([.. Plan.Others.Select(other => Plan.Own.Average(own => Figures(own.Name, stages[i], other)!.Value.Pcdp10 - Figures(null, null, other)!.Value.Pcdp10))]);
            rows.Add(new FindingRow(MeanName, stages[i], DenseCorrespondence.Mean([.. all.Select(row => row.Own)]), DenseCorrespondence.Mean([.. all.Select(row => row.Others)]), change, error));
        }
        return rows;
    }

    /// <summary>Markdown, per cent.</summary>
    public string ToMarkdown()
    {
        var text = new StringBuilder();
        PlannedCell[] planned = [.. Plan.Cells()];
        int done = planned.Count(cell => Cells.Find(cell) is not null);
        text.AppendLine($"Fine-tuned on one object, measured on {Plan.Others.Count} others and on unseen views of the object itself; per cent.").AppendLine();
        text.AppendLine(CultureInfo.InvariantCulture, $"Start: {Model}. Recipe: the paper's at {Recipe.Tokens} tokens, {(Recipe.CacheTrunk ? "frozen blocks' output kept, " : "")}{Recipe.Threads} thread(s). Processor: {Cpu}.").AppendLine();
        text.AppendLine(CultureInfo.InvariantCulture, $"{Settings.ViewCount} views an object, pairs up to {Settings.MaxAngle}° apart, up to {Settings.PointCount} points each, {Settings.Tokens} tokens. Others: {string.Join(", ", Plan.Others.Select(other => other.Name))}.").AppendLine();
        if (done < planned.Length) text.AppendLine($"Measured so far: {done} of {planned.Length} cells; a row is here when all of its cells are.").AppendLine();
        text.AppendLine("| trained on | step | others: APE | PCDP@0.05 | @0.1 | @0.2 | @0.1 against bare ± standard error | own: APE | PCDP@0.05 | @0.1 | @0.2 |");
        text.AppendLine("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|");
        foreach (FindingRow row in Rows())
            text.AppendLine(CultureInfo.InvariantCulture, $"| {row.Trained} | {Label(row.Step)} | {Four(row.Others)} | {Against(row)} | {Four(row.Own)} |");
        return text.ToString().ReplaceLineEndings("\n");

        static string Against(FindingRow row) => row.Step is null ? "" : string.Create(CultureInfo.InvariantCulture, $"{100 * row.Change:+0.00;-0.00;0.00}{(row.ChangeError is { } error ? $" ± {(100 * error).ToString("F2", CultureInfo.InvariantCulture)}" : "")}");

        static string Four(DenseCorrespondence f) => string.Create(CultureInfo.InvariantCulture, $"{100 * f.Ape:F2} | {100 * f.Pcdp05:F2} | {100 * f.Pcdp10:F2} | {100 * f.Pcdp20:F2}");
    }

    /// <summary>The rows and every cell as JSON, fractions 0 to 1 to five digits.</summary>
    public string ToJson()
    {
        var root = new JsonObject
        {
            ["cpu"] = Cpu,
            ["model"] = Model,
            ["recipe"] = JsonNode.Parse(Recipe.ToJson()),
            ["rows"] = new JsonArray([.. Rows().Select(row => (JsonNode)new JsonObject
            {
                ["trained"] = row.Trained,
                ["step"] = row.Step,
                ["others"] = FigureJson.Of(row.Others),
                ["own"] = FigureJson.Of(row.Own),
                ["pcdp_10_change"] = Math.Round(row.Change, 5),
                ["pcdp_10_change_error"] = row.ChangeError is { } error ? Math.Round(error, 5) : null,
            })]),
            ["cells"] = new JsonArray([.. Plan.Cells().Select(Cells.Find).OfType<FindingCell>().Select(cell => (JsonNode)new JsonObject
            {
                ["trained"] = cell.Trained,
                ["step"] = cell.Step,
                ["measured"] = cell.Measured,
                ["figures"] = FigureJson.Of(cell.Figures),
            })]),
        };
        return root.ToJsonString(new JsonSerializerOptions { WriteIndented = true }).ReplaceLineEndings("\n") + "\n";
    }

    /// <summary>PCDP@0.1 of the others and of own unseen views against the step, on a logarithmic scale, as SVG; null before the first row.</summary>
    public string? ToSvg()
    {
        IReadOnlyList<FindingRow> rows = Rows();
        if (rows.Count == 0) return null;
        PlotLine[] lines =
        [
            .. rows.GroupBy(row => row.Trained).SelectMany(run => new[]
            {
                new PlotLine(run.Key == MeanName ? $"others, {run.Key}" : $"others, trained on {run.Key}", [.. run.Select(row => (Place(row.Step), row.Others.Pcdp10))], IsDashed: false),
                new PlotLine($"own views, {run.Key}", [.. run.Select(row => (Place(row.Step), row.Own.Pcdp10))], IsDashed: true),
            }),
        ];
        return ReportPlots.Lines("PCDP@0.1 after fine-tuning on one object, per cent", "step", [(Place(null), Label(null)), .. Plan.Steps.Select(step => (Place(step), Label(step)))], lines);
    }

    // 0 stands where a tenth would, and the bare backbone one further.
    private static double Place(int? step) => step switch { null => -2, 0 => -1, { } some => Math.Log10(some) };

    private static string Label(int? step) => step is { } some ? some.ToString(CultureInfo.InvariantCulture) : "bare";

    private string MeanName => $"mean of {Plan.Own.Count}";

    private FindingRow? Row(int run, int? stage)
    {
        string name = Plan.Own[run].Name;
        string? trained = stage is null ? null : name;
        DenseCorrespondence?[] others = [.. Plan.Others.Select(other => Figures(trained, stage, other))], bare = [.. Plan.Others.Select(other => Figures(null, null, other))];
        if (Figures(trained, stage, Plan.Own[run]) is not { } own || others.Concat(bare).Any(figures => figures is null)) return null;
        (double change, double? error) = Change([.. others.Zip(bare, (after, before) => after!.Value.Pcdp10 - before!.Value.Pcdp10)]);
        return new FindingRow(name, stage, own, DenseCorrespondence.Mean([.. others.Select(figures => figures!.Value)]), change, error);
    }

    private DenseCorrespondence? Figures(string? trained, int? step, Objects.EvaluatedObject measured) => Cells.Find(new PlannedCell(step is null ? null : trained, step, measured))?.Figures;

    private static (double Mean, double? Error) Change(double[] changes)
    {
        double mean = changes.Average();
        return (mean, changes.Length > 1 ? Math.Sqrt(changes.Sum(change => (change - mean) * (change - mean)) / (changes.Length - 1) / changes.Length) : null);
    }
}
