using CorrMesh.Vision.Execution;
using TorchSharp;
using static TorchSharp.torch;

namespace CorrMesh.Training.Finetuning;

/// <summary>Differentiable Procrustes: the rigid motion that soft matches imply should be none, since both views' points are given in the object's frame.</summary>
/// <remarks>
/// For the N' source points p_i that have a positive in the target, with all target points q_j as candidates (soft matches and alignment as in Deep Closest
/// Point, Wang and Solomon, ICCV 2019, and Lepard, Li and Harada, CVPR 2022):
/// <code>
/// w_ij = softmax_j(S_ij / τ),  m_i = Σ_j w_ij q_j
/// R, t = argmin Σ_i |R p_i + t - m_i|²                       (Kabsch 1976, by SVD)
/// loss = Σ_i |R p_i + t - p_i|² / Σ_i |p_i - mean p|²
/// </code>
/// τ = 0.05, the temperature of our training from scratch. The loss has no unit: 0 for the true motion, about 4 for a half turn.
/// The gradient does not pass through the SVD, whose own is infinite at equal singular values. At the optimum A = RᵀM is symmetric, M = Σ (m_i - mean m)(p_i - mean p)ᵀ,
/// and by the implicit function theorem a change of M turns R by R [ω]ₓ with (tr(A) I - A) ω = (A32 - A23, A13 - A31, A21 - A12): one Newton step that is zero in
/// value and exact in derivative. Fewer than 3 points, and points or matches on one line, fix no rotation: loss and gradient are then 0.
/// </remarks>
internal static class ProcrustesLoss
{
    private const double Temperature = 0.05;

    // Smallest curvature of the alignment about any axis, relative to the mean one; below it the rotation is not determined.
    private const double SmallestCurvature = 1e-6;

    /// <summary>Computes the loss and adds its gradients to the leaves.</summary>
    /// <param name="source">[N, C] unit descriptors, a leaf.</param>
    /// <param name="target">[M, C] unit descriptors, a leaf.</param>
    public static double Backward(Tensor source, Tensor target, PointPairs pairs)
    {
        long[] matched = [.. pairs.SourceIndices.Distinct()];
        if (matched.Length < 3) return 0;
        Tensor indices = torch.tensor(matched);
        Tensor p = torch.tensor(pairs.Source.ObjectPoints, pairs.Source.Count, 3).index_select(0, indices).to(ScalarType.Float64);   // [N', 3]
        Tensor q = torch.tensor(pairs.Target.ObjectPoints, pairs.Target.Count, 3).to(ScalarType.Float64);                            // [M, 3]
        Tensor similarity = source.index_select(0, indices).matmul(target.t());                                                       // [N', M]
        Tensor m = nn.functional.softmax(similarity.to(ScalarType.Float64).Over(Temperature), 1).matmul(q);                               // [N', 3]
        Tensor pMean = p.mean([0], keepdim: true), mMean = m.mean([0], keepdim: true);
        Tensor pCentred = p - pMean, covariance = (m - mMean).t().matmul(pCentred);                                                   // [3, 3]

        Tensor rotation, curvature;
        using (torch.no_grad())
        {
            (Tensor u, _, Tensor vt) = torch.linalg.svd(covariance);
            double sign = Math.Sign(torch.linalg.det(u.matmul(vt)).ToDouble());
            rotation = (u * torch.tensor(new[] { 1, 1, sign })).matmul(vt);
            Tensor aligned = rotation.t().matmul(covariance);
            curvature = aligned.diagonal().sum() * torch.eye(3, dtype: ScalarType.Float64) - (aligned + aligned.t()).Over(2);
            double[] axes = torch.linalg.eigvalsh(curvature).data<double>().ToArray();
            if (!(axes[0] > SmallestCurvature * axes.Average())) return 0;
        }

        Tensor a = rotation.t().matmul(covariance);
        Tensor axial = torch.stack([a[2, 1] - a[1, 2], a[0, 2] - a[2, 0], a[1, 0] - a[0, 1]]);
        Tensor omega = torch.linalg.solve(curvature, axial.unsqueeze(1)).squeeze(1);                                                  // [3], zero in value
        // (R (I + [ω]ₓ) x)ᵀ for rows x: Rᵀ from the right of x + ω × x.
        Tensor[] x = pCentred.unbind(1), w = omega.unbind(0);
        Tensor turned = pCentred + torch.stack([w[1] * x[2] - w[2] * x[1], w[2] * x[0] - w[0] * x[2], w[0] * x[1] - w[1] * x[0]], 1);
        Tensor moved = turned.matmul(rotation.t()) + mMean;
        Tensor loss = (moved - p).square().sum() / pCentred.square().sum();
        loss.backward();
        return loss.ToDouble();
    }
}
