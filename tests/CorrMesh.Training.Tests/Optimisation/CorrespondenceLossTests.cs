using CorrMesh.Training.Optimisation;
using TorchSharp;
using Xunit;

namespace CorrMesh.Training.Tests.Optimisation;

public sealed class CorrespondenceLossTests
{
    private const int Views = 3, Tokens = 9, Channels = 5, Pairs = 2, Points = 4;
    private const double Temperature = 0.1;

    // Goal: the batched loss is its definition. Method: plain loops in double over random tokens and labels, one point of padding.
    // Tolerance: 1e-5, float32 against float64.
    [Fact]
    public void Compute_RandomBatch_EqualsTheDefinition()
    {
        var random = new Random(7);
        float[] tokens = [.. Enumerable.Range(0, Views * Tokens * Channels).Select(_ => (float)(random.NextDouble() - 0.5))];
        CorrespondenceBatch batch = RandomBatch(random);
        double expected = 0;
        int hits = 0;
        for (int p = 0; p < Pairs * Points; p++)
        {
            var source = new double[Channels];
            for (int k = 0; k < 4; k++)
                for (int c = 0; c < Channels; c++) source[c] += batch.SourceWeights[4 * p + k] * tokens[batch.SourceTokens[4 * p + k] * Channels + c];
            double[] logits = [.. Enumerable.Range(0, Tokens).Select(t => Cosine(source, tokens, batch.TargetViews[p / Points] * Tokens + t) / Temperature)];
            double total = Math.Log(logits.Sum(Math.Exp));
            int best = Array.IndexOf(logits, logits.Max());
            bool hit = false;
            for (int k = 0; k < 4; k++)
            {
                float weight = batch.TargetWeights[4 * p + k];
                expected -= weight * (logits[batch.TargetTokens[4 * p + k]] - total) / batch.ValidCount;
                hit |= weight > 0 && batch.TargetTokens[4 * p + k] == best;
            }

            if (hit) hits++;
        }

        using var scope = torch.NewDisposeScope();
        var (loss, hitFraction) = CorrespondenceLoss.Compute(torch.tensor(tokens, Views, Tokens, Channels), batch, Temperature);
        Assert.Equal(expected, loss.item<float>(), 1e-5);
        Assert.Equal((double)hits / batch.ValidCount, hitFraction.item<float>(), 1e-6);
    }

    private static double Cosine(double[] source, float[] tokens, long token)
    {
        double dot = 0, norm = 0;
        for (int c = 0; c < Channels; c++)
        {
            double value = tokens[token * Channels + c];
            dot += source[c] * value;
            norm += value * value;
        }

        return dot / Math.Sqrt(norm * source.Sum(s => s * s));
    }

    private static CorrespondenceBatch RandomBatch(Random random)
    {
        const int count = Pairs * Points * 4;
        long[] sourceTokens = [.. Enumerable.Range(0, count).Select(_ => (long)random.Next(Views * Tokens))];
        long[] targetTokens = [.. Enumerable.Range(0, count).Select(i => (long)((i % 4) + random.Next(5)))];
        float[] sourceWeights = Weights(random), targetWeights = Weights(random);
        targetWeights.AsSpan(count - 4).Clear();   // the last point is padding
        return new CorrespondenceBatch(Pairs, Points, Pairs * Points - 1, sourceTokens, sourceWeights, [1, 2], targetTokens, targetWeights);
    }

    private static float[] Weights(Random random)
    {
        var weights = new float[Pairs * Points * 4];
        for (int p = 0; p < Pairs * Points; p++)
        {
            float x = random.NextSingle(), y = random.NextSingle();
            (weights[4 * p], weights[4 * p + 1], weights[4 * p + 2], weights[4 * p + 3]) = ((1 - x) * (1 - y), x * (1 - y), (1 - x) * y, x * y);
        }

        return weights;
    }
}
