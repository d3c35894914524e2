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
        // Inside Vision the origin is the outer corner of the first pixel, here its centre.
        float[] corners = [.. points.SelectMany(point => (float[])[point.X + 0.5f, point.Y + 0.5f])];
        float[] descriptors = KeypointSampler.Sample(describe(source), corners, normalise: true);
        PixelMatch[] matches = BestPosition.Find(TokenGram.Create(describe(target)), descriptors);
        return [.. matches.Select(match => ((float)match.X, (float)match.Y))];
    }
}
