using CorrMesh.Vision.Execution;
using TorchSharp;
using static TorchSharp.torch;

namespace CorrMesh.Training.Optimisation;

/// <summary>Contrastive loss over sampled correspondences between views (InfoNCE, van den Oord et al. 2018).</summary>
/// <remarks>
/// A source descriptor is sampled bilinearly at a point; the candidates are all tokens of the target view. The label is the
/// four bilinear weights of the point's true position there, so the softmax is asked to peak between the right tokens:
/// loss = -mean over points of sum over 4 tokens k of w_k log softmax_k(cosine / temperature).
/// </remarks>
public static class CorrespondenceLoss
{
    /// <param name="tokens">[I, T, C] raw patch tokens of I views.</param>
    /// <param name="batch">Which points of which views correspond.</param>
    /// <param name="temperature">Softmax temperature on cosines.</param>
    /// <returns>The loss, and the fraction of points whose best token is one of the four around the true position.</returns>
    public static (Tensor Loss, Tensor Hits) Compute(Tensor tokens, CorrespondenceBatch batch, double temperature)
    {
        using var scope = torch.NewDisposeScope();
        long channels = tokens.shape[2], perView = tokens.shape[1];
        int pairs = batch.PairCount, points = batch.PointCount;
        Tensor flat = tokens.reshape(-1, channels);
        Tensor sourceIndices = torch.tensor(batch.SourceTokens);                                        // [K * P * 4] into I * T
        Tensor sourceWeights = torch.tensor(batch.SourceWeights, pairs * points, 4, 1);
        Tensor source = (flat.index_select(0, sourceIndices).reshape(pairs * points, 4, channels) * sourceWeights).sum(1);
        source = nn.functional.normalize(source, dim: -1).reshape(pairs, points, channels);            // [K, P, C]
        Tensor unit = nn.functional.normalize(tokens, dim: -1);
        Tensor target = unit.index_select(0, torch.tensor(batch.TargetViews));                          // [K, T, C]
        Tensor logits = source.matmul(target.transpose(1, 2)).Over(temperature);                            // [K, P, T]
        Tensor targetIndices = torch.tensor(batch.TargetTokens, pairs, points, 4);
        Tensor targetWeights = torch.tensor(batch.TargetWeights, pairs, points, 4);                     // zero rows: padding
        Tensor logProbability = nn.functional.log_softmax(logits, 2);
        double valid = Math.Max(batch.ValidCount, 1);
        Tensor loss = -(logProbability.gather(2, targetIndices) * targetWeights).sum().Over(valid);
        using (torch.no_grad())
        {
            Tensor best = logits.argmax(2, keepdim: true);                                              // [K, P, 1]
            Tensor hit = (targetIndices.eq(best) & targetWeights.IsAbove(0)).any(2);
            return (loss.MoveToOuterDisposeScope(), hit.to_type(ScalarType.Float32).sum().Over(valid).MoveToOuterDisposeScope());
        }
    }
}

/// <summary>Corresponding points of K ordered pairs of views, P points a pair, as token indices and bilinear weights.</summary>
/// <param name="PairCount">K.</param>
/// <param name="PointCount">P; pairs with fewer are padded with zero target weights.</param>
/// <param name="ValidCount">Points that are not padding.</param>
/// <param name="SourceTokens">[K * P * 4] rows of the [I * T] token matrix.</param>
/// <param name="SourceWeights">[K * P * 4].</param>
/// <param name="TargetViews">[K] view indices.</param>
/// <param name="TargetTokens">[K * P * 4] token indices within the target view.</param>
/// <param name="TargetWeights">[K * P * 4], each point's four summing to 1, or all 0 for padding.</param>
public sealed record CorrespondenceBatch(
    int PairCount,
    int PointCount,
    int ValidCount,
    long[] SourceTokens,
    float[] SourceWeights,
    long[] TargetViews,
    long[] TargetTokens,
    float[] TargetWeights);
