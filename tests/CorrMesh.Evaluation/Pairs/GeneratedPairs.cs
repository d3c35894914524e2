using CorrMesh.Training.Data;
using CorrMesh.Vision.Images;

namespace CorrMesh.Evaluation.Pairs;

/// <summary>Generated pairs of indices that training never draws, of evenly rising difficulty.</summary>
internal static class GeneratedPairs
{
    private const int Size = 336;

    /// <summary>The first pairs of the evaluation indices.</summary>
    /// <param name="count">How many.</param>
    /// <param name="seed">The generator's seed: the one that the model was trained with, so that only the indices part the two.</param>
    public static IEnumerable<PairCase> All(int count, int seed)
    {
        var generator = new PlanarPairGenerator((ulong)seed);
        for (int i = 0; i < count; i++)
        {
            PlanarViewSet set = generator.Generate(PlanarPairGenerator.FirstEvaluationIndex + i, (i + 0.5) / count, Size, 2);
            yield return PairCase.FromGrid(Picture(set.Views[0]), Picture(set.Views[1]), (x, y) =>
                // The generator counts from the first pixel's corner, this program from its centre.
                set.TryMap(0, 1, x + 0.5, y + 0.5, out (double X, double Y) mapped) ? (mapped.X - 0.5, mapped.Y - 0.5) : null);
        }
    }

    private static RgbImage Picture(PlanarView view) => new(Size, Size, view.Pixels);
}
