using CorrMesh.Evaluation.Objects;
using Xunit;

namespace CorrMesh.Evaluation.Finding.Tests;

public class FindingPlanTests
{
    private static readonly EvaluatedObject[] Meshes = [.. FindingPlan.Trained.Append("cow").Select(name => Plans.Object(name, 1)), Plans.Object("box", 1, isSymmetric: true)];

    [Fact]
    public void Stages_Steps_ArePowersOfTenAndTheLast()
    {
        Assert.Equal([0, 1, 10, 100, 1000], FindingPlan.Stages(1000));
        Assert.Equal([0, 1, 2], FindingPlan.Stages(2));
        Assert.Equal([0, 1, 10, 25], FindingPlan.Stages(25));
        Assert.Equal([0, 1], FindingPlan.Stages(1));
        Assert.Equal([0], FindingPlan.Stages(0));
        Assert.Equal(1_000_000, FindingPlan.Stages(1_000_000)[^1]);
    }

    // Goal: others are never trained on and never ambiguous, whichever run.
    [Fact]
    public void Create_Meshes_LeavesTrainedAndSymmetricOnesOutOfTheOthers()
    {
        FindingPlan plan = FindingPlan.Create(Meshes, 2, 10);
        Assert.Equal(FindingPlan.Trained.Take(2), plan.Own.Select(own => own.Name));
        Assert.Equal([FindingPlan.Trained[2], "cow"], plan.Others.Take(2).Select(other => other.Name));
        Assert.Equal(2 + FindingPlan.MadeCount, plan.Others.Count);
        Assert.DoesNotContain(plan.Others, other => other.Name == "box");
    }

    [Fact]
    public void Create_MeshToTrainOnMissing_NamesIt() =>
        Assert.Contains($"'{FindingPlan.Trained[0]}' needed", Assert.Throws<InvalidDataException>(() => FindingPlan.Create(Meshes[1..], 1, 10)).Message, StringComparison.Ordinal);

    // Goal: each measurement once, all runs from stage to stage. Method: count, and look at the order of the stages.
    [Fact]
    public void Cells_Plan_IsEveryMeasurementOnceFromStageToStage()
    {
        PlannedCell[] cells = [.. Plans.Small.Cells()];
        Assert.Equal(5 + 3 * 2 * 4, cells.Length);
        Assert.Equal(cells.Length, cells.Distinct().Count());
        Assert.Equal([null, 0, 1, 5], cells.Select(cell => cell.Step).Distinct());
        Assert.Equal(cells.OrderBy(cell => cell.Step ?? -1).Select(cell => cell.Step), cells.Select(cell => cell.Step));
        Assert.DoesNotContain(cells, cell => cell.Trained == "banana" && cell.Measured.Name == "truck");
    }
}
