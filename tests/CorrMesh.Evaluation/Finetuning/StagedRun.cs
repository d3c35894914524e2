using CorrMesh.Evaluation.Objects;
using CorrMesh.Rendering.Meshes;
using CorrMesh.Rendering.Views;
using CorrMesh.Training.Finetuning;
using CorrMesh.Vision.Adapters;

namespace CorrMesh.Evaluation.Finetuning;

/// <summary>Fine-tuning on one mesh, from the paper's views of it, that stops wherever it is to be measured.</summary>
/// <param name="recipe">Its number of steps does not count.</param>
/// <param name="model">Borrowed; its weights are frozen.</param>
/// <param name="name">Of the mesh.</param>
/// <param name="mesh">Any size.</param>
/// <param name="folder">Of the checkpoints of this run alone.</param>
internal sealed class StagedRun(FinetuneRecipe recipe, MeasuredModel model, string name, TriangleMesh mesh, string folder)
{
    private readonly PosedViews views = new([new PosedObject(name, RenderedMesh.Paper(mesh))]);

    /// <summary>The adapter after so many steps: those that are done are not done again, and the result has the same bits as in one go.</summary>
    /// <param name="end">At least the steps that are done.</param>
    /// <param name="report">Receives progress.</param>
    public Adapter RunTo(int end, Action<FinetuneProgress> report) => end == 0
        ? AdapterInitialisation.Create(recipe, model.Backbone.Config.Width)
        : new FinetuneTrainer(recipe with { Iterations = end }, model.Backbone, model.Digest, views, folder).Run(report, CancellationToken.None).Adapter;
}
