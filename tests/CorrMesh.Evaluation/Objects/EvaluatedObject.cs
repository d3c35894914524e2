using CorrMesh.Rendering.Meshes;
using CorrMesh.Training.Measuring;

namespace CorrMesh.Evaluation.Objects;

/// <summary>An object that models are measured on.</summary>
/// <param name="Name">For tables.</param>
/// <param name="Seed">Of its views.</param>
/// <param name="IsSymmetric">A rotation maps it onto itself, so that its correspondences are ambiguous.</param>
/// <param name="Make">Reads or makes the mesh; always the same.</param>
internal sealed record EvaluatedObject(string Name, int Seed, bool IsSymmetric, Func<TriangleMesh> Make)
{
    /// <summary>Pictures and true correspondences.</summary>
    /// <param name="settings">The object's own seed takes the place of theirs.</param>
    public ObjectProbe Render(EvaluationSettings settings) => ObjectProbe.Render(Name, Make(), settings with { Seed = Seed }, IsSymmetric);
}
