using CorrMesh.Vision.Execution;
using TorchSharp;
using static TorchSharp.torch;

namespace CorrMesh.Training.Optimisation;

/// <summary>Clipping of gradients by their joint norm, as torch's <c>clip_grad_norm_</c>.</summary>
internal static class GradientClip
{
    private const double Epsilon = 1e-6;   // torch's: keeps the factor finite

    /// <summary>Scales the gradients by min(1, bound / (norm + 1e-6)) in place.</summary>
    /// <param name="parameters">At least one of them with a gradient.</param>
    /// <param name="bound">Largest L2 norm of all gradients together.</param>
    /// <returns>The norm before.</returns>
    public static double Apply(IEnumerable<Tensor> parameters, double bound)
    {
        using var scope = torch.NewDisposeScope();
        using var noGrad = torch.no_grad();
        Tensor[] gradients = [.. parameters.Select(parameter => parameter.grad).OfType<Tensor>()];
        double norm = torch.stack(gradients.Select(gradient => (gradient * gradient).sum())).sum().sqrt().Number();
        double factor = bound / (norm + Epsilon);
        // Written so that a NaN is not spread here: the caller sees it in the norm.
        if (factor < 1)
            foreach (Tensor gradient in gradients) gradient.Scale(factor);
        return norm;
    }
}
