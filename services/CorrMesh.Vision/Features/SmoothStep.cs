using CorrMesh.Vision.Execution;
using static TorchSharp.torch;

namespace CorrMesh.Vision.Features;

/// <summary>A smooth stand-in for the step that counts better-ranked similarities (Smooth-AP, Brown et al., ECCV 2020).</summary>
public static class SmoothStep
{
    // The public code clamps the exponent: beyond it the value is flat and so is the gradient.
    private const double LargestExponent = 50;

    /// <summary>1 / (1 + exp(clamp(-x / temperature, -50, 50))), element by element; differentiable, in the caller's dispose scope.</summary>
    /// <param name="x">Differences of similarities, any shape.</param>
    /// <param name="temperature">Width of the step; the paper's loss uses 0.01.</param>
    public static Tensor Apply(Tensor x, double temperature) => x.neg().Over(temperature).Within(-LargestExponent, LargestExponent).exp().Plus(1).reciprocal();
}
