using CorrMesh.Training.Optimisation;

namespace CorrMesh.Training.Data;

/// <summary>The views of one training step and where their points correspond.</summary>
/// <param name="Size">Side of the views, pixels; a multiple of the patch size.</param>
/// <param name="ViewCount">I.</param>
/// <param name="TokenCount">Tokens a view, (Size / 14)^2.</param>
/// <param name="Pixels">[I * 3 * Size * Size] channel-normalised.</param>
/// <param name="Correspondences">Points of every ordered pair of views of a scene.</param>
public sealed record ViewBatch(int Size, int ViewCount, int TokenCount, float[] Pixels, CorrespondenceBatch Correspondences)
{
    private const int Patch = 14, ScenesPerStep = 8, CandidatesPerPoint = 4;
    private static readonly float[] Mean = [0.485f, 0.456f, 0.406f], Deviation = [0.229f, 0.224f, 0.225f];

    /// <summary>Draws the batch of a step; equal arguments give equal batches.</summary>
    /// <param name="source">Made for the recipe.</param>
    public static ViewBatch Build(CompactRecipe recipe, SceneSource source, int step)
    {
        (int size, int scenes, int views) = recipe.BatchAt(step);
        var random = new Random(CompactRecipe.HashCode(recipe.Seed, step, 1));
        var pixels = new float[scenes * views * 3 * size * size];
        var points = new PointCollector(scenes * views * (views - 1), recipe.PointCount, size / Patch);
        for (int s = 0; s < scenes; s++)
        {
            IViewSet scene = source.Generate((long)step * ScenesPerStep + s, recipe.HardestAt(step) * random.NextDouble(), size, views);
            for (int v = 0; v < views; v++)
            {
                Normalise(scene.PixelsOf(v), pixels.AsSpan((s * views + v) * 3 * size * size, 3 * size * size));
                for (int w = 0; w < views; w++)
                    if (w != v) AddPair(points, scene, s * views, v, w, random);
            }
        }

        return new ViewBatch(size, scenes * views, points.Side * points.Side, pixels, points.ToBatch());
    }

    private static void AddPair(PointCollector points, IViewSet scene, int firstView, int source, int target, Random random)
    {
        points.BeginPair(firstView + source, firstView + target);
        for (int tries = CandidatesPerPoint * points.PointCount; tries > 0 && !points.PairIsFull; tries--)
        {
            (double x, double y) = scene.DrawPoint(source, random);
            if (scene.TryMap(source, target, x, y, out (double X, double Y) mapped)) points.Add(x, y, mapped.X, mapped.Y);
        }
    }

    private static void Normalise(byte[] pixels, Span<float> planes)
    {
        int count = pixels.Length / 3;
        for (int c = 0; c < 3; c++)
        {
            Span<float> plane = planes.Slice(c * count, count);
            for (int i = 0; i < count; i++) plane[i] = (pixels[3 * i + c] / 255f - Mean[c]) / Deviation[c];
        }
    }

    private sealed class PointCollector(int pairs, int pointCount, int side)
    {
        private readonly long[] sourceTokens = new long[pairs * pointCount * 4], targetTokens = new long[pairs * pointCount * 4];
        private readonly float[] sourceWeights = new float[pairs * pointCount * 4], targetWeights = new float[pairs * pointCount * 4];
        private readonly long[] targetViews = new long[pairs];
        private int pair = -1, inPair, valid, sourceView;

        public int Side => side;

        public int PointCount => pointCount;

        public bool PairIsFull => inPair == pointCount;

        public void BeginPair(int source, int target)
        {
            (sourceView, inPair) = (source, 0);
            targetViews[++pair] = target;
        }

        public void Add(double x, double y, double u, double v)
        {
            int at = (pair * pointCount + inPair++) * 4;
            Corners(x, y, sourceView * (long)side * side, sourceTokens.AsSpan(at, 4), sourceWeights.AsSpan(at, 4));
            Corners(u, v, 0, targetTokens.AsSpan(at, 4), targetWeights.AsSpan(at, 4));
            valid++;
        }

        public CorrespondenceBatch ToBatch() => new(pairs, pointCount, valid, sourceTokens, sourceWeights, targetViews, targetTokens, targetWeights);

        // The paper's keypoint sampler: index (p - 7) / 14, clamped at the border.
        private void Corners(double x, double y, long offset, Span<long> tokens, Span<float> weights)
        {
            double column = Math.Clamp((x - Patch / 2) / Patch, 0, side - 1), row = Math.Clamp((y - Patch / 2) / Patch, 0, side - 1);
            BilinearCorners.Write(column, row, side, side, offset, tokens, weights);
        }
    }
}
