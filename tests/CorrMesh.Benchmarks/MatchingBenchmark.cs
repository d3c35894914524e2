using System.Diagnostics;
using CorrMesh.Vision.Features;
using CorrMesh.Vision.Similarity;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace CorrMesh.Benchmarks;

/// <summary>
/// Keypoint matching at pixel precision in the paper's semantic transfer: 840 x 840 pixels, 60 x 60 tokens of 768 channels, 20
/// keypoints. Anchor: the map resized to one descriptor per pixel, multiplied and searched by Torch on all cores, as the public
/// code does. Ours: similarity before interpolation, preparing the map included, one thread.
/// </summary>
internal static class MatchingBenchmark
{
    private const int Size = 840, Tokens = 60, Patch = 14, Channels = 768, Keypoints = 20, Pairs = 5;
    private const double MustTime = 0.02, MustMemory = 0.02, TieMargin = 1e-5;

    public static IReadOnlyList<BenchmarkRow> Run()
    {
        // Token centres on pixels 7, 21, ...: the aligned-corner resize with 7 (and 6) pixels of edge padding.
        var axis = new TokenAxis(Tokens, 1f / Patch, -((Patch / 2) + 0.5f) / Patch);
        var map = new FeatureMap(Size, Size, axis, axis, Channels, SmoothTokens());
        float[] descriptors = Descriptors(map);
        using var tokens = tensor(map.Values).reshape(1, Tokens, Tokens, Channels).permute(0, 3, 1, 2).contiguous();   // [1, C, h, w]
        using var queries = tensor(descriptors).reshape(Keypoints, Channels);                                          // [K, C]
        var rows = new List<BenchmarkRow>();
        foreach (bool normalise in new[] { false, true })
        {
            rows.AddRange(Compare(map, descriptors, tokens, queries, normalise));
        }

        return rows;
    }

    private static IEnumerable<BenchmarkRow> Compare(FeatureMap map, float[] descriptors, Tensor tokens, Tensor queries, bool normalise)
    {
        PixelMatch[] ours = [];
        PixelMatch[] anchor = [];
        void RunOurs() => ours = BestPosition.Find(TokenGram.Create(map, normalise), descriptors);
        void RunAnchor() => anchor = Materialised(tokens, queries, normalise);

        RunOurs();
        RunAnchor();   // warm-up of both
        var oursMs = new double[Pairs];
        var anchorMs = new double[Pairs];
        for (int pair = 0; pair < Pairs; pair++)
        {
            oursMs[pair] = Milliseconds(RunOurs);
            anchorMs[pair] = Milliseconds(RunAnchor);
        }

        long oursBytes = PeakMemory.Measure(RunOurs), anchorBytes = PeakMemory.Measure(RunAnchor);
        int different = Enumerable.Range(0, Keypoints).Count(i =>
            (ours[i].X, ours[i].Y) != (anchor[i].X, anchor[i].Y) && Math.Abs(ours[i].Score - anchor[i].Score) > TieMargin * Math.Max(1, anchor[i].Score));
        string name = normalise ? "keypoint matching, 840 px, cosine" : "keypoint matching, 840 px, semantic transfer";
        string note = $"{Keypoints} keypoints, {different} answers differ, threads ours 1, anchor {get_num_threads()}";
        double floorMs = 2.0 * Tokens * Tokens * Channels * Keypoints / FlopsPerMs();
        yield return new BenchmarkRow(name + ": time", "ms", Median(oursMs), Median(anchorMs), floorMs, MustTime, different == 0, note);
        yield return new BenchmarkRow(name + ": memory", "MB", oursBytes / 1e6, anchorBytes / 1e6, null, MustMemory, different == 0, "peak growth");
    }

    private static PixelMatch[] Materialised(Tensor tokens, Tensor queries, bool normalise)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        const int inner = (Patch * (Tokens - 1)) + 1, before = Patch / 2, after = Size - inner - before;
        var dense = functional.interpolate(tokens, [inner, inner], mode: InterpolationMode.Bilinear, align_corners: true);
        dense = functional.pad(dense, [before, after, before, after], PaddingModes.Replicate).reshape(Channels, Size * Size);   // [C, H * W]
        if (normalise)
        {
            dense = functional.normalize(dense, p: 2, dim: 0);
        }

        var (scores, places) = functional.normalize(queries, p: 2, dim: 1).matmul(dense).max(1);   // [K]
        float[] score = [.. scores.data<float>()];
        long[] place = [.. places.data<long>()];
        return [.. score.Select((value, i) => new PixelMatch((int)(place[i] % Size), (int)(place[i] / Size), value))];
    }

    /// <summary>Tokens whose neighbours resemble each other (cosine about 0.8) as those of a picture do.</summary>
    private static float[] SmoothTokens()
    {
        manual_seed(7);
        using var scope = NewDisposeScope();
        var coarse = functional.interpolate(randn(1, Channels, 16, 16), [Tokens, Tokens], mode: InterpolationMode.Bicubic, align_corners: true);
        return [.. (coarse + (0.3 * randn(1, Channels, Tokens, Tokens))).permute(0, 2, 3, 1).contiguous().data<float>()];
    }

    /// <summary>Descriptors as another view would give them: tokens of the map, disturbed.</summary>
    private static float[] Descriptors(FeatureMap map)
    {
        var random = new Random(11);
        var descriptors = new float[Keypoints * Channels];
        for (int i = 0; i < Keypoints; i++)
        {
            var token = map.Token(random.Next(Tokens), random.Next(Tokens));
            for (int c = 0; c < Channels; c++)
            {
                descriptors[(i * Channels) + c] = token[c] + ((float)(random.NextDouble() - 0.5) * 3);
            }
        }

        return descriptors;
    }

    /// <summary>Multiply-adds that one core manages here: two fused vectors a cycle, the clock taken from a timed chain of additions.</summary>
    private static double FlopsPerMs()
    {
        const int additions = 50_000_000;
        long value = Environment.TickCount64;
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < additions; i++)
        {
            value += value ^ i;   // two dependent operations: two cycles
        }

        GC.KeepAlive(value);
        double cyclesPerMs = 2.0 * additions / Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        int lanes = System.Runtime.Intrinsics.Vector512.IsHardwareAccelerated ? 16 : System.Numerics.Vector<float>.Count;
        return cyclesPerMs * lanes * 2 * 2;
    }

    private static double Milliseconds(Action action)
    {
        long start = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    }

    private static double Median(double[] values) => values.Order().ElementAt(values.Length / 2);
}
