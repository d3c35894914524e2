using System.Diagnostics;
using CorrMesh.Metrics;
using CorrMesh.Vision.Adapters;

namespace CorrMesh.Evaluation.Finding;

/// <summary>Fills a plan's cells: those that are there are skipped, and an adapter is trained only where a cell of it is missing.</summary>
/// <param name="plan">What is needed.</param>
/// <param name="cells">What is there; receives the rest.</param>
/// <param name="train">Gives the adapter of an object after so many steps.</param>
/// <param name="measure">Measures an adapter, or the bare backbone, on a planned cell's object.</param>
internal sealed class FindingRun(FindingPlan plan, FindingCells cells, Func<string, int, Adapter> train, Func<Adapter?, PlannedCell, DenseCorrespondence> measure)
{
    /// <summary>Runs to the plan's end.</summary>
    /// <param name="report">Called after each new cell, with the time left where it is known: that of the steps to come counts once some were taken.</param>
    public void Run(Action<FindingCell, TimeSpan> report)
    {
        PlannedCell[] missing = [.. plan.Cells().Where(cell => cells.Find(cell) is null)];
        int done = 0, steps = 0;
        Stopwatch measuring = new(), training = new();
        foreach (IGrouping<(string? Trained, int? Step), PlannedCell> same in missing.GroupBy(cell => (cell.Trained, cell.Step)))
        {
            training.Start();
            Adapter? adapter = same.Key is ({ } trained, { } step) ? train(trained, step) : null;
            training.Stop();
            steps += StepsTo(same.Key.Step);
            foreach (PlannedCell cell in same)
            {
                measuring.Start();
                FindingCell finished = cells.Add(cell, measure(adapter, cell));
                measuring.Stop();
                done++;
                int stepsLeft = missing[done..].Select(c => (c.Trained, c.Step)).Distinct().Where(stage => stage != same.Key).Sum(stage => StepsTo(stage.Step));
                report(finished, measuring.Elapsed / done * (missing.Length - done) + training.Elapsed / Math.Max(steps, 1) * stepsLeft);
            }
        }
    }

    // From the stage before.
    private int StepsTo(int? stage) => stage is { } step ? step - plan.Steps.Where(earlier => earlier < step).DefaultIfEmpty(0).Max() : 0;
}
