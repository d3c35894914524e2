using System.Diagnostics;
using CorrMesh.Features.Store;
using CorrMesh.Hosting;
using CorrMesh.Protos.Common.V1;
using CorrMesh.Protos.Features.V1;
using CorrMesh.Vision.Features;
using CorrMesh.Vision.Images;
using CorrMesh.Vision.Similarity;
using Google.Protobuf;

namespace CorrMesh.Features;

/// <summary>How descriptors are looked for.</summary>
/// <param name="Count">Candidates a descriptor, 1 to 64.</param>
/// <param name="MinSeparationPx">Between candidates; 0 for one token step.</param>
/// <param name="SoftRadiusPx">Null for the best pixel; otherwise the tracker's weighted mean, 0 for five token steps.</param>
/// <param name="WithHeatmaps">Also paint each similarity map.</param>
public readonly record struct CorrelationSettings(int Count, double MinSeparationPx, double? SoftRadiusPx, bool WithHeatmaps);

/// <summary>Looks for descriptors in maps, in the wire's terms.</summary>
public sealed class SimilaritySearch(ComputeGate gate)
{
    private const double DefaultSoftTokenSteps = 5;

    /// <summary>Where each descriptor fits best.</summary>
    public Task<DescriptorCorrelation[]> CorrelateAsync(
        StoredDescriptors set, StoredMap target, CorrelationSettings settings, RequestTimer timer, CancellationToken cancellation) =>
        TimedAsync(
            () =>
            {
                Candidate[][] candidates = Candidates(set, target, settings);
                var correlations = new DescriptorCorrelation[set.Count];
                for (int i = 0; i < correlations.Length; i++)
                {
                    cancellation.ThrowIfCancellationRequested();
                    correlations[i] = new DescriptorCorrelation();
                    correlations[i].Candidates.Add(candidates[i]);
                    if (settings.WithHeatmaps) correlations[i].HeatmapPng = Heatmap(set, i, target);
                }

                return correlations;
            },
            timer, cancellation);

    /// <summary>Nearest neighbours between a set and positions of a map.</summary>
    /// <param name="grid">The positions; null for the token centres.</param>
    public Task<SetMatch[]> MatchAsync(
        StoredDescriptors set, StoredMap target, (double X, double Y)[]? grid, bool includeOneWay, RequestTimer timer, CancellationToken cancellation) =>
        TimedAsync(
            () =>
            {
                FeatureMap map = target.Map;
                float[] others = grid is null ? map.Values : KeypointSampler.Sample(map, Flat(target, grid), normalise: false);
                return MutualMatches.Nearest(set.Values, others, map.Channels)
                    .Select((match, i) => (match, i))
                    .Where(m => includeOneWay || m.match.IsMutual)
                    .Select(m => new SetMatch
                    {
                        SetIndex = (uint)m.i,
                        Position = grid is null
                            ? target.FromMap(map.X.CentreOf(m.match.Target % map.X.Count), map.Y.CentreOf(m.match.Target / map.X.Count))
                            : new Point { X = grid[m.match.Target].X, Y = grid[m.match.Target].Y },
                        Similarity = Cosine(m.match.Score),
                        Mutual = m.match.IsMutual,
                    })
                    .ToArray();
            },
            timer, cancellation);

    private static Candidate[][] Candidates(StoredDescriptors set, StoredMap target, CorrelationSettings settings)
    {
        (double stepX, double stepY) = target.TokenStep();
        double step = Math.Max(stepX, stepY);
        if (settings.SoftRadiusPx is { } radius)
        {
            float window = (float)(radius == 0 ? DefaultSoftTokenSteps * step : radius);
            return [.. SoftArgmax.Find(target.Gram, set.Values, window).Select(m => new[] { Candidate(target.FromMap(m.X, m.Y), m.Score) })];
        }

        if (settings.Count == 1) return [.. BestPosition.Find(target.Gram, set.Values).Select(m => new[] { Candidate(target, m) })];
        float separation = (float)(settings.MinSeparationPx == 0 ? step : settings.MinSeparationPx);
        return [.. TopPositions.Find(target.Gram, set.Values, settings.Count, separation).Select(top => top.Select(m => Candidate(target, m)).ToArray())];
    }

    private static ByteString Heatmap(StoredDescriptors set, int index, StoredMap target)
    {
        float[] scores = Vision.Similarity.Heatmap.Scores(target.Gram, set.Values[(index * set.Channels)..((index + 1) * set.Channels)]);
        RgbImage picture = Vision.Similarity.Heatmap.Render(scores, target.Map.ImageWidth, target.Map.ImageHeight);
        return UnsafeByteOperations.UnsafeWrap(PngEncoder.Encode(picture));
    }

    private static Candidate Candidate(StoredMap target, PixelMatch match) => Candidate(target.FromMap(match.X + 0.5, match.Y + 0.5), match.Score);

    private static Candidate Candidate(Point position, float score) => new() { Position = position, Similarity = Cosine(score) };

    // Rounding may lift the cosine of a descriptor with itself a little above one.
    private static double Cosine(float score) => Math.Clamp(score, -1f, 1f);

    private static float[] Flat(StoredMap map, (double X, double Y)[] points)
    {
        var flat = new float[2 * points.Length];
        for (int i = 0; i < points.Length; i++) (flat[2 * i], flat[2 * i + 1]) = map.ToMap(points[i]);
        return flat;
    }

    private async Task<T> TimedAsync<T>(Func<T> work, RequestTimer timer, CancellationToken cancellation)
    {
        long started = Stopwatch.GetTimestamp();
        T result = await gate.RunAsync(work, cancellation).ConfigureAwait(false);
        timer.AddCompute(Stopwatch.GetElapsedTime(started));
        return result;
    }
}
