using CorrMesh.Metrics;
using CorrMesh.Training.Measuring;
using Xunit;

namespace CorrMesh.Evaluation.Finetuning.Tests;

public class FinetuneTableTests
{
    private static readonly DenseCorrespondence Poor = new(0.25, 0.125, 0.25, 0.5), Good = new(0.125, 0.25, 0.5, 0.75);

    private static readonly ObjectChange Change = new("duck", 1, "sha256:views", 20, 900, Poor, Good, 0.25, 0.0125);

    private static readonly GateReport Accepted = new()
    {
        IsAccepted = true,
        Reasons = [],
        BackboneDigest = "sha256:b",
        AdapterDigest = "sha256:a",
        Settings = new EvaluationSettings(),
        Own = Change,
        Others = SetChange.Of("set-1", [Change with { Name = "other" }]),
        Seconds = 12.25,
    };

    [Fact]
    public void ToMarkdown_Figures_AreInPerCent()
    {
        string[] lines = Table(Accepted).ToMarkdown().Split('\n');
        Assert.Contains("| step 0 | 25.00 | 12.50 | 25.00 | 50.00 |", lines);
        Assert.Contains("| duck | 20 | 25.00 | 12.50 | 25.00 | 50.00 | +25.00 ± 1.25 |", lines);
        Assert.Contains("| **mean of set-1** |  | 25.00 | 12.50 | 25.00 | 50.00 | +25.00 ± 1.25 |", lines);
        Assert.Contains("Accepted.", lines);
        Assert.StartsWith("`c.safetensors` fine-tuned on `duck`: 60 s of steps, 1 thread(s); verdict in 12.2 s, 20.0 s of processor time.", lines[0], StringComparison.Ordinal);
    }

    [Fact]
    public void ToMarkdown_Refused_ListsTheReasons()
    {
        string[] lines = Table(Accepted with { IsAccepted = false, Reasons = ["adapter: all are 0"], Own = null, Others = null }).ToMarkdown().Split('\n');
        Assert.Equal(["Refused:", "- adapter: all are 0", ""], lines[^3..]);
    }

    private static FinetuneTable Table(GateReport verdict) => new("duck", "c.safetensors", new EvaluationSettings(), [new FinetuneRow("step 0", Poor)], verdict, 60, 20);
}
