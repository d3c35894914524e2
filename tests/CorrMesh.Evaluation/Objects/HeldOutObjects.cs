using CorrMesh.Rendering.Procedural;
using CorrMesh.Training.Data;

namespace CorrMesh.Evaluation.Objects;

/// <summary>Made objects whose seeds and families the built-in model's training never draws.</summary>
internal static class HeldOutObjects
{
    /// <summary>The first so many, by rising seed; each is seen from the places of its own seed.</summary>
    public static IEnumerable<EvaluatedObject> Take(int count) => Enumerable.Range(ObjectViewGenerator.FirstEvaluationSeed, count).Select(seed =>
    {
        ProceduralObject made = ProceduralObjects.Make((ulong)seed, ObjectViewGenerator.HeldOutShapes, ObjectViewGenerator.HeldOutMaterials);
        return new EvaluatedObject($"{made.Shape}-{made.Material}-{seed}", seed, made.IsSymmetric, () => made.Mesh);
    });
}
