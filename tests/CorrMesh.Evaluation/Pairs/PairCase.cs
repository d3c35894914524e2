using CorrMesh.Vision.Images;

namespace CorrMesh.Evaluation.Pairs;

/// <summary>Two pictures, points of the first, and a measure of how wrong an answer in the second is.</summary>
/// <param name="Source">Picture that the points are given in.</param>
/// <param name="Target">Picture that they are searched in.</param>
/// <param name="Points">[N] source points with a known answer; (0,0) is the centre of the first pixel.</param>
/// <param name="DistancePx">
/// Pixels between an answer (index of the point, x, y in the target) and the truth: the true point, or the epipolar line.
/// </param>
internal sealed record PairCase(RgbImage Source, RgbImage Target, (float X, float Y)[] Points, Func<int, float, float, double> DistancePx)
{
    /// <summary>Points a side of the grid that is laid over a source picture.</summary>
    public const int GridSide = 24;

    /// <summary>Diagonal of the target, pixels.</summary>
    public double DiagonalPx => Math.Sqrt((double)Target.Width * Target.Width + (double)Target.Height * Target.Height);

    /// <summary>Points whose true position is known: those of the grid for which a position is given and lies in the target.</summary>
    /// <param name="source">Picture under the grid.</param>
    /// <param name="target">Picture that must hold the truth.</param>
    /// <param name="truth">The true target position of a source point, or null where it is not known; both pixel-centre.</param>
    public static PairCase FromGrid(RgbImage source, RgbImage target, Func<float, float, (double X, double Y)?> truth) =>
        FromPoints(source, target, Grid(source).Select(point => (point, truth(point.X, point.Y))));

    /// <summary>Points with their true positions, where known; those whose truth lies outside the target are left out.</summary>
    public static PairCase FromPoints(RgbImage source, RgbImage target, IEnumerable<((float X, float Y) Point, (double X, double Y)? Truth)> points)
    {
        var known = points.Where(p => p.Truth is { } truth && IsInside(target, truth.X, truth.Y)).ToArray();
        (double X, double Y)[] truths = [.. known.Select(p => p.Truth!.Value)];
        return new PairCase(source, target, [.. known.Select(p => p.Point)],
            (index, x, y) => Math.Sqrt(Math.Pow(x - truths[index].X, 2) + Math.Pow(y - truths[index].Y, 2)));
    }

    /// <summary>The cell centres of a 24 x 24 grid over the picture, pixel-centre coordinates.</summary>
    public static IEnumerable<(float X, float Y)> Grid(RgbImage image)
    {
        for (int row = 0; row < GridSide; row++)
            for (int column = 0; column < GridSide; column++)
                yield return ((column + 0.5f) * image.Width / GridSide - 0.5f, (row + 0.5f) * image.Height / GridSide - 0.5f);
    }

    /// <summary>Whether a pixel-centre position lies on the picture.</summary>
    public static bool IsInside(RgbImage image, double x, double y) => x >= -0.5 && y >= -0.5 && x < image.Width - 0.5 && y < image.Height - 0.5;
}
