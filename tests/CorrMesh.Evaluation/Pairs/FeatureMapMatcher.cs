using CorrMesh.Vision.Features;
using CorrMesh.Vision.Images;
using CorrMesh.Vision.Similarity;

namespace CorrMesh.Evaluation.Pairs;

/// <summary>Matches by the most similar pixel of dense feature maps: one search for every way of describing a picture.</summary>
/// <param name="name">The column's heading.</param>
/// <param name="describe">Raw features of a picture on its token grid.</param>
internal sealed class FeatureMapMatcher(string name, Func<RgbImage, FeatureMap> describe) : IPairMatcher
{
    public string Name => name;

    public (float X, float Y)[] Match(RgbImage source, RgbImage target, IReadOnlyList<(float X, float Y)> points)
    {
        FeatureMap map = describe(source);
        var descriptors = new float[points.Count * map.Channels];
        for (int i = 0; i < points.Count; i++)
            Sample(map, points[i].X + 0.5f, points[i].Y + 0.5f, descriptors.AsSpan(i * map.Channels, map.Channels));
        PixelMatch[] matches = BestPosition.Find(TokenGram.Create(describe(target)), descriptors);
        return [.. matches.Select(match => ((float)match.X, (float)match.Y))];
    }

    // Bilinear between raw tokens, at a corner-origin point.
    private static void Sample(FeatureMap map, float x, float y, Span<float> descriptor)
    {
        float column = map.X.IndexOf(x), row = map.Y.IndexOf(y);
        int c0 = (int)column, r0 = (int)row, c1 = Math.Min(c0 + 1, map.X.Count - 1), r1 = Math.Min(r0 + 1, map.Y.Count - 1);
        float fx = column - c0, fy = row - r0;
        ReadOnlySpan<float> topLeft = map.Token(r0, c0), topRight = map.Token(r0, c1), bottomLeft = map.Token(r1, c0), bottomRight = map.Token(r1, c1);
        for (int k = 0; k < descriptor.Length; k++)
            descriptor[k] = (1 - fy) * ((1 - fx) * topLeft[k] + fx * topRight[k]) + fy * ((1 - fx) * bottomLeft[k] + fx * bottomRight[k]);
    }
}
