using static TorchSharp.torch;

namespace CorrMesh.Training.Optimisation;

/// <summary>Step sizes of one update.</summary>
/// <param name="LearningRate">Of every parameter; <see cref="HybridOptimizer"/> scales its matrices so that one value serves them too.</param>
/// <param name="WeightDecay">Decoupled; which parameters decay is the optimizer's rule.</param>
public readonly record struct UpdateSettings(double LearningRate, double WeightDecay);

/// <summary>Moves parameters along their gradients; its whole memory is in <see cref="State"/>, so that a run can be stopped and resumed exactly.</summary>
internal interface IOptimizer : IDisposable
{
    /// <summary>Moments by parameter name; owned by the optimizer.</summary>
    Dictionary<string, Tensor> State { get; }

    /// <summary>Takes one step from the parameters' gradients and clears them.</summary>
    /// <param name="step">Counts from 1; sets the bias correction.</param>
    void Step(int step, UpdateSettings settings);
}
