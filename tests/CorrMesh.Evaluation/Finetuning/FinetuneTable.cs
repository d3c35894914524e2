using System.Globalization;
using System.Text;
using CorrMesh.Metrics;
using CorrMesh.Training.Measuring;

namespace CorrMesh.Evaluation.Finetuning;

/// <summary>The own object's unseen views at one point of a run.</summary>
internal sealed record FinetuneRow(string Label, DenseCorrespondence Figures);

/// <summary>What fine-tuning did, as text.</summary>
/// <param name="Mesh">Name of the object.</param>
/// <param name="Model">Name of the weights.</param>
/// <param name="Settings">Of the rows.</param>
/// <param name="Rows">In the order of the run.</param>
/// <param name="Verdict">With its figures.</param>
/// <param name="TrainingSeconds">Of the steps alone.</param>
/// <param name="ProcessorSeconds">Of all threads during the verdict: what it would take alone on one thread, about.</param>
internal sealed record FinetuneTable(string Mesh, string Model, EvaluationSettings Settings, IReadOnlyList<FinetuneRow> Rows, GateReport Verdict, double TrainingSeconds, double ProcessorSeconds)
{
    /// <summary>A Markdown table of the own object's unseen views, one of all objects before and after, and the verdict.</summary>
    public string ToMarkdown()
    {
        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture, $"`{Model}` fine-tuned on `{Mesh}`: {TrainingSeconds:F0} s of steps, {Settings.Threads} thread(s); verdict in {Verdict.Seconds:F1} s, {ProcessorSeconds:F1} s of processor time.").AppendLine();
        text.AppendLine("Unseen views, per cent. " + Describe(Settings)).AppendLine();
        text.AppendLine("| own object | APE | PCDP@0.05 | @0.1 | @0.2 |").AppendLine("|---|---:|---:|---:|---:|");
        foreach ((string label, DenseCorrespondence f) in Rows)
            text.AppendLine(CultureInfo.InvariantCulture, $"| {label} | {100 * f.Ape:F2} | {100 * f.Pcdp05:F2} | {100 * f.Pcdp10:F2} | {100 * f.Pcdp20:F2} |");
        if (Verdict.Own is { } own && Verdict.Others is { } others)
        {
            text.AppendLine().AppendLine("The gate. " + Describe(Verdict.Settings)).AppendLine().AppendLine("| object | pairs | APE before | after | PCDP@0.1 before | after | change ± standard error |").AppendLine("|---|---:|---:|---:|---:|---:|---:|");
            foreach (ObjectChange change in (IEnumerable<ObjectChange>)[own, .. others.Objects])
                Append(change.Name, $"{change.PairCount}", change.Before, change.After, change.Pcdp10Change, change.Pcdp10ChangeError);
            Append($"**mean of {others.Set}**", "", others.Before, others.After, others.Pcdp10Change, others.Pcdp10ChangeError);
        }
        text.AppendLine().AppendLine(Verdict.IsAccepted ? "Accepted." : "Refused:");
        foreach (string reason in Verdict.Reasons) text.AppendLine($"- {reason}");
        return text.ToString().ReplaceLineEndings("\n");

        static string Describe(EvaluationSettings s) =>
            string.Create(CultureInfo.InvariantCulture, $"{s.ViewCount} views an object, pairs up to {s.MaxAngle}° apart, up to {s.PointCount} points each, {s.Tokens} tokens.");

        void Append(string name, string pairs, DenseCorrespondence before, DenseCorrespondence after, double change, double? error) =>
            text.AppendLine(CultureInfo.InvariantCulture, $"| {name} | {pairs} | {100 * before.Ape:F2} | {100 * after.Ape:F2} | {100 * before.Pcdp10:F2} | {100 * after.Pcdp10:F2} | {100 * change:+0.00;-0.00;0.00} ± {100 * error:F2} |");
    }
}
