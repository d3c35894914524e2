using CorrMesh.Metrics;
using CorrMesh.Vision.Adapters;
using Xunit;

namespace CorrMesh.Evaluation.Finding.Tests;

public sealed class FindingRunTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("corrmesh-finding-").FullName;

    private readonly List<PlannedCell> measured = [];

    private readonly List<(string, int)> trained = [];

    private string CellFile => Path.Combine(folder, "deeper", "cells.jsonl");

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void Run_FromNothing_MeasuresAllAndTrainsEachStageOnce()
    {
        Run(Plans.Cells(CellFile));
        Assert.Equal(Plans.Small.Cells(), measured);
        Assert.Equal([("banana", 0), ("truck", 0), ("banana", 1), ("truck", 1), ("banana", 5), ("truck", 5)], trained);
        Assert.All(Plans.Small.Cells(), cell => Assert.Equal(Plans.Figures(cell), Plans.Cells(CellFile).Find(cell)!.Figures));
    }

    // Goal: a run that is stopped goes on where it was, from any place. Method: stop at a measurement by an exception, start again from the file; nothing is measured twice, and
    // only what still lacks a measurement is trained.
    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(5)]
    [InlineData(14)]
    [InlineData(28)]
    public void Run_StoppedAtAMeasurement_GoesOnThere(int stop)
    {
        Assert.Throws<OperationCanceledException>(() => Run(Plans.Cells(CellFile), stop));
        PlannedCell[] before = [.. measured];
        Assert.Equal(stop, before.Length);
        trained.Clear();
        Run(Plans.Cells(CellFile));
        Assert.Equal(Plans.Small.Cells(), measured);
        Assert.Equal(Plans.Small.Cells().Skip(stop).Where(cell => cell.Step is not null).Select(cell => (cell.Trained!, cell.Step!.Value)).Distinct(), trained);
    }

    [Fact]
    public void Run_EverythingThere_DoesNothing()
    {
        Run(Plans.Cells(CellFile));
        measured.Clear();
        trained.Clear();
        Run(Plans.Cells(CellFile));
        Assert.Empty(measured);
        Assert.Empty(trained);
    }

    // Goal: what was measured with another model, recipe or other settings is not taken; the bare backbone knows no recipe.
    [Fact]
    public void Find_OtherModelRecipeOrSettings_IsNotThere()
    {
        Run(Plans.Cells(CellFile));
        PlannedCell bare = Plans.Small.Cells().First(), tuned = Plans.Small.Cells().Last();
        Assert.Null(Plans.Cells(CellFile, model: "other").Find(bare));
        Assert.Null(Plans.Cells(CellFile, model: "other").Find(tuned));
        Assert.Null(new FindingCells(CellFile, "m", Plans.Recipe, Plans.Settings with { PointCount = 17 }).Find(bare));
        Assert.Null(new FindingCells(CellFile, "m", Plans.Recipe, Plans.Settings with { PointCount = 17 }).Find(tuned));
        Assert.Null(new FindingCells(CellFile, "m", Plans.Recipe with { CacheTrunk = true }, Plans.Settings).Find(tuned));
        Assert.NotNull(new FindingCells(CellFile, "m", Plans.Recipe with { CacheTrunk = true }, Plans.Settings).Find(bare));
        Assert.NotNull(new FindingCells(CellFile, "m", Plans.Recipe with { Iterations = 77 }, Plans.Settings).Find(tuned));
    }

    // Goal: a line that a kill cut off costs that line alone. Method: cut the last line short, and go on.
    [Fact]
    public void Run_LastLineCutOff_MeasuresItAgainAndKeepsTheRest()
    {
        Assert.Throws<OperationCanceledException>(() => Run(Plans.Cells(CellFile), 4));
        string whole = File.ReadAllText(CellFile);
        File.WriteAllText(CellFile, whole[..^20]);
        measured.Clear();
        Run(Plans.Cells(CellFile));
        Assert.Equal(Plans.Small.Cells().Skip(3), measured);
        Assert.All(Plans.Small.Cells(), cell => Assert.NotNull(Plans.Cells(CellFile).Find(cell)));
    }

    [Fact]
    public void Run_EachCell_IsReportedWithTheTimeLeft()
    {
        List<(FindingCell Cell, TimeSpan Left)> reports = [];
        Run(Plans.Cells(CellFile), report: (cell, left) => reports.Add((cell, left)));
        Assert.Equal(Plans.Small.Cells().Select(cell => (cell.Trained, cell.Step, cell.Measured.Name)), reports.Select(r => (r.Cell.Trained, r.Cell.Step, r.Cell.Measured)));
        Assert.Equal(TimeSpan.Zero, reports[^1].Left);
    }

    private void Run(FindingCells cells, int stop = int.MaxValue, Action<FindingCell, TimeSpan>? report = null) => new FindingRun(Plans.Small, cells, Train, Measure(stop)).Run(report ?? ((_, _) => { }));

    private Adapter Train(string name, int step)
    {
        trained.Add((name, step));
        return Plans.Adapter;
    }

    private Func<Adapter?, PlannedCell, DenseCorrespondence> Measure(int stop) => (adapter, cell) =>
    {
        if (measured.Count == stop) throw new OperationCanceledException();
        Assert.Equal(cell.Step is null, adapter is null);
        measured.Add(cell);
        return Plans.Figures(cell);
    };
}
