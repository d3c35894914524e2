using CorrMesh.Evaluation.Objects;
using CorrMesh.Metrics;
using CorrMesh.Training.Finetuning;
using CorrMesh.Training.Measuring;
using CorrMesh.Vision.Adapters;

namespace CorrMesh.Evaluation.Finding.Tests;

/// <summary>Small plans, and figures that say which cell they are of.</summary>
internal static class Plans
{
    public static readonly FinetuneRecipe Recipe = new() { Tokens = 16 };

    public static readonly EvaluationSettings Settings = new() { Tokens = 16 };

    public static readonly Adapter Adapter = new(8, 1, [], []);

    /// <summary>Two objects to train on, three others, stages 0, 1 and 5.</summary>
    public static FindingPlan Small { get; } = new([Object("banana", 1), Object("truck", 1)], [Object("cow", 1), Object("pot", 1), Object("horn", 1_000_000)], [0, 1, 5]);

    public static FindingCells Cells(string path, string model = "m") => new(path, model, Recipe, Settings);

    /// <summary>PCDP@0.1 of 0.25 bare; after training a hundredth more for each step, and another for each letter of the measured name. The other figures are of it.</summary>
    public static DenseCorrespondence Figures(PlannedCell cell)
    {
        double share = 0.25 + (cell.Step is { } step ? (step + cell.Measured.Name.Length) / 100.0 : 0);
        return new DenseCorrespondence(1 - share, share / 2, share, share + 0.1);
    }

    public static EvaluatedObject Object(string name, int seed, bool isSymmetric = false) => new(name, seed, isSymmetric, () => throw new InvalidOperationException("no mesh needed"));
}
