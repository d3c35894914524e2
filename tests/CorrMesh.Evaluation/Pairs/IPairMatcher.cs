using CorrMesh.Vision.Images;

namespace CorrMesh.Evaluation.Pairs;

/// <summary>A way to find, for points of one picture, the same points in another.</summary>
internal interface IPairMatcher
{
    /// <summary>The column's heading.</summary>
    string Name { get; }

    /// <summary>Matches every point; coordinates have (0,0) at the centre of the first pixel.</summary>
    /// <param name="source">Picture that the points are given in.</param>
    /// <param name="target">Picture that they are searched in.</param>
    /// <param name="points">[N] source points.</param>
    /// <returns>[N] target points, in the same order.</returns>
    (float X, float Y)[] Match(RgbImage source, RgbImage target, IReadOnlyList<(float X, float Y)> points);
}
