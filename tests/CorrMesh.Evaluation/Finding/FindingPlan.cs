using CorrMesh.Evaluation.Objects;

namespace CorrMesh.Evaluation.Finding;

/// <summary>One measurement that the finding needs.</summary>
/// <param name="Trained">The object that was trained on; null for the bare backbone.</param>
/// <param name="Step">Updates done; null for the bare backbone, as an adapter changes the features from its initial values on.</param>
/// <param name="Measured">The object that points are found on.</param>
internal sealed record PlannedCell(string? Trained, int? Step, EvaluatedObject Measured);

/// <summary>What is trained on, when it is measured, and on what.</summary>
/// <param name="Own">Trained on, each in a run of its own; measured in views that are not trained on.</param>
/// <param name="Others">Trained on in no run.</param>
/// <param name="Steps">After which each run is measured, rising.</param>
internal sealed record FindingPlan(IReadOnlyList<EvaluatedObject> Own, IReadOnlyList<EvaluatedObject> Others, IReadOnlyList<int> Steps)
{
    /// <summary>Made objects among the others.</summary>
    public const int MadeCount = 12;

    /// <summary>Meshes to train on, as they differ: a long scanned one with little texture, a box on wheels with prints and windows, a round one of few colours.</summary>
    public static IReadOnlyList<string> Trained { get; } = ["ycb_banana", "CesiumMilkTruck", "Duck"];

    /// <summary>The first so many objects to train on; the other meshes and the first held-out made objects to measure on, without those that a rotation maps onto themselves.</summary>
    /// <exception cref="InvalidDataException">A mesh to train on is not there.</exception>
    public static FindingPlan Create(IReadOnlyList<EvaluatedObject> meshes, int objectCount, int steps)
    {
        EvaluatedObject[] own = [.. Trained.Take(objectCount).Select(name => meshes.FirstOrDefault(mesh => mesh.Name == name) ?? throw new InvalidDataException($"meshes: '{name}' needed, it is not there"))];
        return new FindingPlan(own, [.. meshes.Except(own).Concat(HeldOutObjects.Take(MadeCount)).Where(one => !one.IsSymmetric)], Stages(steps));
    }

    /// <summary>Every measurement, in an order in which the first part is a table, too: all runs go on together, from stage to stage, each one's own object first.</summary>
    public IEnumerable<PlannedCell> Cells()
    {
        foreach (EvaluatedObject measured in Own.Concat(Others)) yield return new PlannedCell(null, null, measured);
        foreach (int step in Steps)
            foreach (EvaluatedObject own in Own)
                foreach (EvaluatedObject measured in Others.Prepend(own)) yield return new PlannedCell(own.Name, step, measured);
    }

    /// <summary>0, the powers of ten up to the last step, and the last step.</summary>
    public static int[] Stages(int steps)
    {
        var stages = new List<int> { 0 };
        for (long step = 1; step < steps; step *= 10) stages.Add((int)step);
        if (steps > 0) stages.Add(steps);
        return [.. stages];
    }
}
