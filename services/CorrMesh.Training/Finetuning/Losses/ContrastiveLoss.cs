using CorrMesh.Vision.Execution;
using TorchSharp;
using static TorchSharp.torch;

namespace CorrMesh.Training.Finetuning;

/// <summary>Contrastive loss (InfoNCE, van den Oord et al. 2018) over the same positives and negatives as <see cref="SmoothApLoss"/>.</summary>
/// <remarks>
/// For each positive pair (i, j), with k over the negatives of i: -log( e^(S_ij / τ) / (e^(S_ij / τ) + Σ e^(S_ik / τ)) ); the loss is the mean over pairs.
/// τ = 0.07, after Wu et al., "Unsupervised feature learning via non-parametric instance discrimination", CVPR 2018, and MoCo (He et al., CVPR 2020).
/// </remarks>
internal static class ContrastiveLoss
{
    private const double Temperature = 0.07;

    /// <inheritdoc cref="SmoothApLoss.Terms"/>
    public static Tensor Terms(Tensor similarity, Tensor positive, Tensor isNegative)
    {
        Tensor negatives = similarity.Over(Temperature).With(isNegative.logical_not(), double.NegativeInfinity);
        Tensor logit = positive.Over(Temperature);
        return torch.cat([logit, negatives], 1).logsumexp(1, keepdim: true) - logit;
    }
}
