using CorrMesh.Training.Optimisation;
using CorrMesh.Vision.Adapters;
using CorrMesh.Vision.Backbones;
using CorrMesh.Vision.Features;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace CorrMesh.Training.Finetuning;

/// <summary>An adapter in training on a frozen backbone: one step at a time. Belongs to the thread that made it.</summary>
/// <remarks>
/// Blocks before the first adapted one are computed without autograd (<see cref="Trunk"/>); what they give for a view never changes, so callers may keep it. The two views
/// of a pair pass one after the other, so a view's bits do not depend on its partner.
/// </remarks>
public sealed class Finetuner : IDisposable
{
    private readonly VisionTransformer backbone;
    private readonly FinetuneRecipe recipe;
    private readonly LoraWeights weights;
    private readonly DecoupledAdam optimizer;
    private readonly Tensor[] parameters;

    /// <param name="backbone">Borrowed, and frozen from here on.</param>
    /// <param name="recipe">Loss, step sizes, clipping.</param>
    /// <param name="start">Where training begins; null for the recipe's initial values.</param>
    /// <exception cref="ArgumentException">The recipe has faults, or it or the adapter does not fit the backbone.</exception>
    public Finetuner(VisionTransformer backbone, FinetuneRecipe recipe, Adapter? start = null)
    {
        recipe.Validate(backbone.Config);
        this.backbone = backbone;
        this.recipe = recipe;
        foreach (Parameter parameter in backbone.parameters()) parameter.requires_grad_(false);
        using var scope = torch.NewDisposeScope();
        weights = new LoraWeights(start ?? AdapterInitialisation.Create(recipe, backbone.Config.Width), backbone.Config, backbone.parameters().First().device, isTrainable: true);
        parameters = [.. weights.Parameters.Select(p => p.Parameter)];
        optimizer = new DecoupledAdam(weights.Parameters);
    }

    /// <summary>Trained parameters by the names of our adapter files.</summary>
    public IReadOnlyList<(string Name, Tensor Parameter)> Parameters => weights.Parameters;

    /// <summary>Parameters and moments by name: with the step, all that a run needs to go on.</summary>
    public IEnumerable<(string Name, Tensor Tensor)> State =>
        weights.Parameters.Concat(optimizer.State.Select(s => (s.Key, s.Value)));

    /// <summary>Tokens before the first adapted block.</summary>
    /// <param name="image">Prepared with the backbone's patch size.</param>
    /// <returns>[1, prefix + patches, D], not recorded, of the caller's dispose scope.</returns>
    public Tensor Trunk(PreparedImage image)
    {
        using var scope = torch.NewDisposeScope();
        using var noGrad = torch.no_grad();
        Tensor pixels = torch.tensor(image.Planes, 1, 3, image.Geometry.InputHeight, image.Geometry.InputWidth);
        return backbone.RunBlocks(backbone.Embed(pixels), 0, weights.FirstAdaptedBlock).MoveToOuterDisposeScope();
    }

    /// <summary>Unit descriptors of a view's points; autograd records what the adapter took part in.</summary>
    /// <param name="trunk">What <see cref="Trunk"/> gave for the view.</param>
    /// <param name="geometry">The view's.</param>
    /// <param name="points">N points.</param>
    /// <returns>[N, D], of the caller's dispose scope.</returns>
    public Tensor Descriptors(Tensor trunk, InputGeometry geometry, ViewPoints points)
    {
        using var scope = torch.NewDisposeScope();
        VisionTransformerConfig config = backbone.Config;
        Tensor tokens = backbone.Normalise(backbone.RunBlocks(trunk, weights.FirstAdaptedBlock, config.Depth, weights.Blocks));
        Tensor patches = tokens.narrow(1, config.PrefixCount, geometry.Rows * geometry.Columns);                       // [1, P, D]
        Tensor grid = weights.Refine(patches.reshape(1, geometry.Rows, geometry.Columns, config.Width).permute(0, 3, 1, 2));
        Tensor cells = grid.permute(0, 2, 3, 1).reshape(-1, config.Width);                                              // [P, D]
        Tensor corners = cells.index_select(0, torch.tensor(points.Corners)).reshape(points.Count, 4, config.Width);
        Tensor sampled = (corners * torch.tensor(points.Weights, points.Count, 4, 1)).sum(1);                           // [N, D]
        return nn.functional.normalize(sampled, dim: -1).MoveToOuterDisposeScope();
    }

    /// <summary>Computes a pair's loss and leaves its gradients in the parameters.</summary>
    /// <returns>The loss.</returns>
    public double Backward((Tensor Trunk, InputGeometry Geometry) source, (Tensor Trunk, InputGeometry Geometry) target, PointPairs pairs)
    {
        using var scope = torch.NewDisposeScope();
        Tensor from = Descriptors(source.Trunk, source.Geometry, pairs.Source), to = Descriptors(target.Trunk, target.Geometry, pairs.Target);
        (double loss, Tensor fromGradient, Tensor toGradient) = DescriptorLoss.Evaluate(recipe.Loss, from, to, pairs);
        torch.autograd.backward([from, to], [fromGradient, toGradient]);
        return loss;
    }

    /// <summary>Clips the gradients to the recipe's norm.</summary>
    /// <returns>The norm before.</returns>
    public double Clip() => GradientClip.Apply(parameters, recipe.ClipNorm);

    /// <summary>Takes the optimizer's step and clears the gradients.</summary>
    /// <param name="step">Counts from 1.</param>
    public void Update(int step) => optimizer.Step(step, new UpdateSettings(recipe.LearningRate, recipe.WeightDecay));

    /// <summary>The adapter as it is now, in plain arrays.</summary>
    public Adapter ToAdapter() => weights.ToAdapter();

    public void Dispose()
    {
        optimizer.Dispose();
        weights.Dispose();
    }
}
