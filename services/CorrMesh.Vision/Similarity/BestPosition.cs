using System.Runtime.CompilerServices;

namespace CorrMesh.Vision.Similarity;

/// <summary>The pixel of a target image that is most similar to a descriptor: exact, without visiting every pixel.</summary>
/// <remarks>
/// <para>The score is that of <see cref="TokenGram"/>; the answer is its largest value over all pixel centres, the first in
/// row-major order on ties. Another position may be given only when its score is within 1e-5 of the largest.</para>
/// <para>Cells between tokens are bounded from above, the best few are searched first, and only cells that could still win
/// are searched after them; inside, part by part in the same way, and along a row of pixels by <see cref="LineForm.Turn"/>.
/// A zero descriptor scores 0 everywhere and is found at (0, 0).</para>
/// </remarks>
public static class BestPosition
{
    /// <summary>A later cell must promise more than this to be searched: stops a plateau of equals from being walked pixel by pixel.</summary>
    private const float TieMargin = 1e-6f;

    private const int BestFirstCells = 4;

    /// <summary>Searches the target for each descriptor.</summary>
    /// <param name="target">The prepared target map.</param>
    /// <param name="descriptors">[N * C], any length; N may be 0.</param>
    /// <param name="maxParallelism">Threads at most; the answer does not depend on it.</param>
    /// <returns>[N] positions, in order.</returns>
    /// <exception cref="ArgumentException">Not a whole number of descriptors, or a value that is not finite.</exception>
    public static PixelMatch[] Find(TokenGram target, float[] descriptors, int maxParallelism = 1)
    {
        ArgumentNullException.ThrowIfNull(target);
        return Find(target, DescriptorBatch.FromValues(descriptors, target.Map.Channels), maxParallelism);
    }

    /// <summary>The same from products that were computed elsewhere.</summary>
    /// <param name="target">The prepared target map.</param>
    /// <param name="products">[N * T] each descriptor times each token, tokens in row-major order.</param>
    /// <param name="descriptorNorms">[N] lengths of the descriptors that were multiplied.</param>
    /// <param name="maxParallelism">Threads at most.</param>
    /// <returns>[N] positions, in order.</returns>
    /// <exception cref="ArgumentException">Lengths that disagree, or a value that is not finite.</exception>
    public static PixelMatch[] FindFromProducts(
        TokenGram target, float[] products, ReadOnlySpan<float> descriptorNorms, int maxParallelism = 1)
    {
        ArgumentNullException.ThrowIfNull(target);
        return Find(target, DescriptorBatch.FromProducts(products, descriptorNorms, target.Map.TokenCount), maxParallelism);
    }

    private static PixelMatch[] Find(TokenGram target, DescriptorBatch batch, int maxParallelism)
    {
        var answers = new PixelMatch[batch.Count];
        batch.ForEach(target.Map.Values, target.Map.TokenCount, maxParallelism, (index, products) =>
            answers[index] = batch.Norms[index] > 0 ? new Search(target, products, batch.Norms[index]).Run() : default);
        return answers;
    }

    /// <summary>The norm's floor against a unit descriptor: score = d · f / max(|d| |f|, 1e-12).</summary>
    internal static double NormFloor(double descriptorNorm) => 1e-12 / descriptorNorm;

    private ref struct Search
    {
        private readonly TokenGram gram;
        private readonly ReadOnlySpan<float> products;
        private readonly double normFloor;
        private readonly float negativeFactor;
        private float best = float.NegativeInfinity;
        private int bestX, bestY;

        public Search(TokenGram gram, ReadOnlySpan<float> products, double descriptorNorm)
        {
            this.gram = gram;
            this.products = products;
            normFloor = NormFloor(descriptorNorm);
            negativeFactor = normFloor > gram.WeakestNorm ? 0 : 1;
        }

        public PixelMatch Run()
        {
            int columns = gram.Columns.CellCount, cells = columns * gram.Rows.CellCount;
            float[] rented = System.Buffers.ArrayPool<float>.Shared.Rent(cells);
            var bounds = rented.AsSpan(0, cells);
            CellBounds.Fill(gram, products, negativeFactor, bounds);
            for (int i = 0; i < BestFirstCells; i++)
            {
                int at = CellBounds.IndexOfMax(bounds);
                if (bounds[at] < best)
                {
                    break;
                }

                Visit(at / columns, at % columns);
                bounds[at] = float.NegativeInfinity;
            }

            for (int at = 0; at < cells; at++)
            {
                if (bounds[at] >= best && CanWin(bounds[at], at / columns, at % columns))
                {
                    Visit(at / columns, at % columns);
                }
            }

            System.Buffers.ArrayPool<float>.Shared.Return(rented);
            return new PixelMatch(bestX, bestY, best);
        }

        private readonly bool CanWin(float bound, int row, int column)
        {
            int y = gram.Rows.Starts[row * AxisSamples.Parts], x = gram.Columns.Starts[column * AxisSamples.Parts];
            if (y == gram.Rows.Pixels.Length || x == gram.Columns.Pixels.Length)
            {
                return false;
            }

            return bound > best + TieMargin || Precedes(gram.Columns.Pixels[x], gram.Rows.Pixels[y]);
        }

        private readonly bool Precedes(int x, int y) => y < bestY || (y == bestY && x < bestX);

        private void Visit(int row, int column)
        {
            const int parts = AxisSamples.Parts;
            int token = (row * gram.Map.X.Count) + column, cellIndex = (row * gram.Columns.CellCount) + column;
            (double N00, double N01, double N10, double N11) n = (
                products[token], products[token + gram.RightStep], products[token + gram.DownStep], products[token + gram.DownStep + gram.RightStep]);
            var inverseMin = gram.PartInverseMinNorm.AsSpan(cellIndex * parts * parts, parts * parts);
            Span<float> bounds = stackalloc float[parts * parts];
            CellBounds.FillParts(n, inverseMin, gram.InverseMaxNorm[cellIndex] * negativeFactor, bounds);
            var cell = gram.Cell(row, column);
            int first = CellBounds.IndexOfMax(bounds);
            SearchPart(cell, n, row, column, first, inverseMin[first]);
            for (int part = 0; part < bounds.Length; part++)
            {
                if (part != first && bounds[part] >= best)
                {
                    SearchPart(cell, n, row, column, part, inverseMin[part]);
                }
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void SearchPart(
            in CellForm cell, in (double N00, double N01, double N10, double N11) n, int row, int column, int part, float inverseMin)
        {
            const int parts = AxisSamples.Parts;
            int rowPart = (row * parts) + (part / parts), columnPart = (column * parts) + (part % parts);
            int fromX = gram.Columns.Starts[columnPart], toX = gram.Columns.Starts[columnPart + 1];
            if (fromX == toX)
            {
                return;
            }

            double[] fractions = gram.Columns.Fractions;

            // A floored norm adds turns of its own; short rows are cheaper to try whole than to solve.
            bool tryAll = toX - fromX <= 6 || inverseMin * normFloor >= 1;
            double fromFraction = fractions[fromX], perFraction = tryAll ? 0 : (toX - 1 - fromX) / (fractions[toX - 1] - fromFraction);
            for (int y = gram.Rows.Starts[rowPart]; y < gram.Rows.Starts[rowPart + 1]; y++)
            {
                var line = cell.Line(gram.Rows.Fractions[y], n.N00, n.N01, n.N10, n.N11);
                if (tryAll)
                {
                    for (int x = fromX; x < toX; x++)
                    {
                        Offer(line, x, y);
                    }

                    continue;
                }

                Offer(line, fromX, y);
                double place = fromX + ((line.Turn - fromFraction) * perFraction);
                if (place > fromX - 1 && place < toX)
                {
                    // Pixels are evenly spread to within rounding, hence one more neighbour on each side.
                    for (int x = Math.Max(fromX + 1, (int)place - 1); x <= Math.Min(toX - 2, (int)place + 2); x++)
                    {
                        Offer(line, x, y);
                    }
                }

                Offer(line, toX - 1, y);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private void Offer(in LineForm line, int column, int row)
        {
            float score = line.Score(gram.Columns.Fractions[column], normFloor);
            if (score > best || (score == best && Precedes(gram.Columns.Pixels[column], gram.Rows.Pixels[row])))
            {
                (best, bestX, bestY) = (score, gram.Columns.Pixels[column], gram.Rows.Pixels[row]);
            }
        }
    }
}
