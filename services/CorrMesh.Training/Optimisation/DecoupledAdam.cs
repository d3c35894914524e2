using CorrMesh.Vision.Execution;
using TorchSharp;
using static TorchSharp.torch;

namespace CorrMesh.Training.Optimisation;

/// <summary>AdamW's constants beside learning rate and decay.</summary>
/// <param name="Beta1">Share of the old mean that each step keeps.</param>
/// <param name="Beta2">Share of the old variance that each step keeps.</param>
/// <param name="Epsilon">Added to the root of the variance.</param>
internal readonly record struct AdamConstants(double Beta1, double Beta2, double Epsilon);

/// <summary>Adam with decoupled weight decay (Loshchilov and Hutter 2019). Decay is of every parameter, biases included, as torch's default.</summary>
internal sealed class DecoupledAdam : IOptimizer
{
    /// <summary>Torch's defaults, which the paper keeps.</summary>
    private static readonly AdamConstants Defaults = new(0.9, 0.999, 1e-8);

    private readonly IReadOnlyList<(string Name, Tensor Parameter)> parameters;

    /// <param name="parameters">Trainable parameters by name.</param>
    public DecoupledAdam(IReadOnlyList<(string Name, Tensor Parameter)> parameters)
    {
        this.parameters = parameters;
        foreach ((string name, Tensor parameter) in parameters)
        {
            State[$"{name}.momentum"] = torch.zeros_like(parameter).DetachFromDisposeScope();
            State[$"{name}.variance"] = torch.zeros_like(parameter).DetachFromDisposeScope();
        }
    }

    /// <inheritdoc/>
    public Dictionary<string, Tensor> State { get; } = [];

    /// <inheritdoc/>
    public void Step(int step, UpdateSettings settings)
    {
        using var noGrad = torch.no_grad();
        using var scope = torch.NewDisposeScope();
        foreach ((string name, Tensor parameter) in parameters)
        {
            if (parameter.grad is not { } gradient) continue;
            Update(parameter, gradient, State[$"{name}.momentum"], State[$"{name}.variance"], step, Defaults, settings.LearningRate, settings.WeightDecay);
            gradient.zero_();
        }
    }

    /// <summary>One step of one parameter, in place.</summary>
    /// <param name="step">Counts from 1; sets the bias correction.</param>
    public static void Update(Tensor parameter, Tensor gradient, Tensor mean, Tensor variance, int step, AdamConstants constants, double learningRate, double weightDecay)
    {
        mean.Scale(constants.Beta1).Accumulate(gradient, 1 - constants.Beta1);
        variance.Scale(constants.Beta2).AccumulateProduct(gradient, gradient, 1 - constants.Beta2);
        Tensor denominator = variance.Over(1 - Math.Pow(constants.Beta2, step)).sqrt_().Increase(constants.Epsilon);
        if (weightDecay != 0) parameter.Scale(1 - learningRate * weightDecay);
        parameter.AccumulateQuotient(mean, denominator, -learningRate / (1 - Math.Pow(constants.Beta1, step)));
    }

    public void Dispose()
    {
        foreach (Tensor tensor in State.Values) tensor.Dispose();
    }
}
