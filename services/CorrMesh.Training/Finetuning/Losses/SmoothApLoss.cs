using CorrMesh.Vision.Execution;
using CorrMesh.Vision.Features;
using static TorchSharp.torch;

namespace CorrMesh.Training.Finetuning;

/// <summary>The paper's loss: Smooth-AP (Brown et al., ECCV 2020) with one positive at a time, as its public code computes it.</summary>
/// <remarks>
/// S are cosines, σ(x) = 1 / (1 + exp(clamp(-x / τ, -50, 50))), τ = 0.01. For each positive pair (i, j), with sums over the negatives k of i:
/// <code>
/// R = σ(S_ij - 1) + 1,  A1 = R / (R + Σ σ(S_ik - 1))
/// R = σ(1 - S_ij) + 1,  A2 = R / (R + Σ σ(S_ik - S_ij))
/// loss = mean over pairs of 1 - (A1 + A2) / 2
/// </code>
/// The clamp has no gradient outside its range. A point with several positives counts once for each.
/// </remarks>
internal static class SmoothApLoss
{
    private const double Temperature = 0.01;

    /// <param name="similarity">[k, M] rows of S, one for each pair.</param>
    /// <param name="positive">[k, 1] S_ij.</param>
    /// <param name="isNegative">[k, M].</param>
    /// <returns>[k, 1].</returns>
    public static Tensor Terms(Tensor similarity, Tensor positive, Tensor isNegative)
    {
        Tensor first = SmoothStep.Apply(positive.Plus(-1), Temperature).Plus(1);
        Tensor precise = first / (first + (SmoothStep.Apply(similarity.Plus(-1), Temperature) * isNegative).sum(1, keepdim: true));
        Tensor second = SmoothStep.Apply(positive.OneMinus(), Temperature).Plus(1);
        Tensor ranked = second / (second + (SmoothStep.Apply(similarity - positive, Temperature) * isNegative).sum(1, keepdim: true));
        return (precise + ranked).Over(2).OneMinus();
    }
}
