using CorrMesh.Vision.Execution;
using TorchSharp;
using static TorchSharp.torch;

namespace CorrMesh.Training.Finetuning;

/// <summary>A loss of the descriptors of two views, with its gradients.</summary>
public static class DescriptorLoss
{
    // Float32 entries of one temporary, 16 MB. A loss has some ten of them alive; the paper's views rarely need more than one piece.
    private const int ChunkEntries = 1 << 22;

    /// <summary>The loss and what it asks of each descriptor.</summary>
    /// <param name="kind">Which loss.</param>
    /// <param name="source">[N, C] unit descriptors.</param>
    /// <param name="target">[M, C] unit descriptors.</param>
    /// <param name="pairs">Their points.</param>
    /// <returns>The loss, and its gradients [N, C] and [M, C], of the caller's dispose scope. Without a positive pair all are 0, as in the public code's backward pass.</returns>
    public static (double Loss, Tensor SourceGradient, Tensor TargetGradient) Evaluate(FinetuneLoss kind, Tensor source, Tensor target, PointPairs pairs)
    {
        using var scope = torch.NewDisposeScope();
        Tensor from = source.detach().requires_grad_(true), to = target.detach().requires_grad_(true);
        double loss = pairs.PositiveCount == 0 ? 0 : kind switch
        {
            FinetuneLoss.SmoothAp => MeanOverPairs(from, to, pairs, SmoothApLoss.Terms),
            FinetuneLoss.Contrastive => MeanOverPairs(from, to, pairs, ContrastiveLoss.Terms),
            _ => ProcrustesLoss.Backward(from, to, pairs),
        };
        return (loss, Gradient(from), Gradient(to));

        static Tensor Gradient(Tensor leaf) => (leaf.grad ?? torch.zeros_like(leaf)).MoveToOuterDisposeScope();
    }

    // A pair's term needs its whole row of similarities. Rows go backward piece by piece, so memory does not grow with the number of pairs.
    private static double MeanOverPairs(Tensor source, Tensor target, PointPairs pairs, Func<Tensor, Tensor, Tensor, Tensor> terms)
    {
        Tensor sourcePoints = torch.tensor(pairs.Source.ObjectPoints, pairs.Source.Count, 3), targetPoints = torch.tensor(pairs.Target.ObjectPoints, pairs.Target.Count, 3);
        int rows = Math.Max(1, ChunkEntries / pairs.Target.Count);
        double sum = 0;
        for (int first = 0; first < pairs.PositiveCount; first += rows)
        {
            using var chunk = torch.NewDisposeScope();
            int count = Math.Min(rows, pairs.PositiveCount - first);
            Tensor i = torch.tensor(pairs.SourceIndices.AsSpan(first, count).ToArray()), j = torch.tensor(pairs.TargetIndices.AsSpan(first, count).ToArray());
            Tensor similarity = source.index_select(0, i).matmul(target.t());                                                // [k, M]
            // From differences, not from a product: that is off by up to some 1e-4 where points nearly coincide.
            Tensor distance = torch.cdist(sourcePoints.index_select(0, i), targetPoints, 2, compute_mode.donot_use_mm_for_euclid_dist);
            Tensor isNegative = distance.IsAbove(PointPairs.NegativeDistance);                                                 // [k, M]
            Tensor total = terms(similarity, similarity.gather(1, j.unsqueeze(1)), isNegative).sum().Over(pairs.PositiveCount);
            total.backward();
            sum += total.ToDouble();
        }
        return sum;
    }
}
