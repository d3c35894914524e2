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

    // Farther than any image is wide; larger numbers would not survive as float32.
    private const double LongestPx = 1e9;

    // Descriptors looked for between two looks at the cancellation.
    private const int BlockCount = 256;

    // Heat maps show tokens: more pixels would only make sixteen of them too large for a message.
    private const int LongestHeatmapSide = 1024;

    /// <summary>Where each descriptor fits best.</summary>
    public Task<DescriptorCorrelation[]> CorrelateAsync(
        StoredDescriptors set, StoredMap target, CorrelationSettings settings, RequestTimer timer, CancellationToken cancellation) =>
        gate.RunAsync(
            () =>
            {
                var correlations = new DescriptorCorrelation[set.Count];
                for (int first = 0; first < set.Count; first += BlockCount)
                {
                    cancellation.ThrowIfCancellationRequested();
                    int end = Math.Min(first + BlockCount, set.Count);
                    Candidate[][] candidates = Candidates(set.Values[(first * set.Channels)..(end * set.Channels)], target, settings);
                    for (int i = first; i < end; i++) correlations[i] = new DescriptorCorrelation { Candidates = { candidates[i - first] } };
                }

                if (settings.WithHeatmaps)
                {
                    TokenGram small = HeatmapTarget(target);
                    for (int i = 0; i < correlations.Length; i++)
                    {
                        cancellation.ThrowIfCancellationRequested();
                        correlations[i].HeatmapPng = Heatmap(set, i, small);
                    }
                }

                return correlations;
            },
            timer, cancellation);

    /// <summary>Nearest neighbours between a set and positions of a map.</summary>
    /// <param name="grid">The positions; null for the token centres.</param>
    public Task<SetMatch[]> MatchAsync(
        StoredDescriptors set, StoredMap target, (double X, double Y)[]? grid, bool includeOneWay, RequestTimer timer, CancellationToken cancellation) =>
        gate.RunAsync(
            () =>
            {
                FeatureMap map = target.Map;
                float[] others = grid is null ? map.Values : KeypointSampler.Sample(map, target.ToMap(grid), normalise: false);
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

    private static Candidate[][] Candidates(float[] descriptors, StoredMap target, CorrelationSettings settings)
    {
        (double stepX, double stepY) = target.TokenStep();
        double step = Math.Max(stepX, stepY);
        if (settings.SoftRadiusPx is { } radius)
        {
            float window = (float)Math.Min(radius == 0 ? DefaultSoftTokenSteps * step : radius, LongestPx);
            return [.. SoftArgmax.Find(target.Gram, descriptors, window).Select(m => new[] { Candidate(target.FromMap(m.X, m.Y), m.Score) })];
        }

        if (settings.Count == 1) return [.. BestPosition.Find(target.Gram, descriptors).Select(m => new[] { Candidate(target, m) })];
        float separation = (float)Math.Min(settings.MinSeparationPx == 0 ? step : settings.MinSeparationPx, LongestPx);
        return [.. TopPositions.Find(target.Gram, descriptors, settings.Count, separation).Select(top => top.Select(m => Candidate(target, m)).ToArray())];
    }

    private static TokenGram HeatmapTarget(StoredMap target) => Math.Max(target.Map.ImageWidth, target.Map.ImageHeight) <= LongestHeatmapSide
        ? target.Gram
        : TokenGram.Create(target.Map.AtSize(LongestHeatmapSide));

    private static ByteString Heatmap(StoredDescriptors set, int index, TokenGram target)
    {
        float[] scores = Vision.Similarity.Heatmap.Scores(target, set.Values[(index * set.Channels)..((index + 1) * set.Channels)]);
        RgbImage picture = Vision.Similarity.Heatmap.Render(scores, target.Map.ImageWidth, target.Map.ImageHeight);
        return UnsafeByteOperations.UnsafeWrap(PngEncoder.Encode(picture));
    }

    private static Candidate Candidate(StoredMap target, PixelMatch match) => Candidate(target.FromMap(match.X + 0.5, match.Y + 0.5), match.Score);

    private static Candidate Candidate(Point position, float score) => new() { Position = position, Similarity = Cosine(score) };

    // Rounding may lift the cosine of a descriptor with itself a little above one.
    private static double Cosine(float score) => Math.Clamp(score, -1f, 1f);
}
