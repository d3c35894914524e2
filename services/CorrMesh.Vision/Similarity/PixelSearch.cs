using System.Buffers;
using System.Runtime.CompilerServices;

namespace CorrMesh.Vision.Similarity;

/// <summary>Branch and bound over the pixels of a target for one descriptor.</summary>
internal ref struct PixelSearch
{
    // A later cell must promise more than this to be searched: stops a plateau of equals from being walked pixel by pixel.
    private const float TieMargin = 1e-6f;

    private const int BestFirstCells = 4;

    private readonly TokenGram gram;
    private readonly AxisSamples columns;
    private readonly AxisSamples rows;
    private readonly ReadOnlySpan<float> products;
    private readonly double normFloor;
    private readonly float negativeFactor;
    private ReadOnlySpan<PixelMatch> excluded;
    private double excludedRadius;
    private float best;
    private double beaten;
    private int bestX, bestY;

    /// <param name="gram">The target.</param>
    /// <param name="columns">Its pixel columns: collapsed, or all of them when some pixels may be excluded.</param>
    /// <param name="rows">Its pixel rows, likewise.</param>
    /// <param name="products">[T] products of the unit descriptor with the tokens.</param>
    /// <param name="descriptorNorm">Length of the descriptor before scaling, above 0.</param>
    public PixelSearch(TokenGram gram, AxisSamples columns, AxisSamples rows, ReadOnlySpan<float> products, double descriptorNorm)
    {
        this.gram = gram;
        this.columns = columns;
        this.rows = rows;
        this.products = products;
        normFloor = NormFloor(descriptorNorm);
        negativeFactor = normFloor > gram.WeakestNorm ? 0 : 1;
    }

    /// <summary>The norm's floor against a unit descriptor: d · f / max(|d| |f|, 1e-12) with d divided by its length.</summary>
    public static double NormFloor(double descriptorNorm) => 1e-12 / descriptorNorm;

    /// <summary>The best pixel, or null when every pixel is excluded.</summary>
    public PixelMatch? Run()
    {
        int cells = columns.CellCount * rows.CellCount;
        float[] bounds = ArrayPool<float>.Shared.Rent(cells);
        CellBounds.Fill(gram, products, negativeFactor, bounds.AsSpan(0, cells));
        var answer = Run(bounds.AsSpan(0, cells), [], 0);
        ArrayPool<float>.Shared.Return(bounds);
        return answer;
    }

    /// <summary>Up to count pixels, best first; each farther than a radius from all before it.</summary>
    public PixelMatch[] RunTop(int count, double radiusPx)
    {
        int cells = columns.CellCount * rows.CellCount;
        float[] bounds = ArrayPool<float>.Shared.Rent(2 * cells);
        Span<float> all = bounds.AsSpan(0, cells), left = bounds.AsSpan(cells, cells);
        CellBounds.Fill(gram, products, negativeFactor, all);
        var found = new PixelMatch[count];
        int taken = 0;
        for (; taken < count; taken++)
        {
            all.CopyTo(left);
            if (Run(left, found.AsSpan(0, taken), radiusPx) is not { } match)
            {
                break;
            }

            found[taken] = match;
        }

        ArrayPool<float>.Shared.Return(bounds);
        return found[..taken];
    }

    private PixelMatch? Run(Span<float> bounds, ReadOnlySpan<PixelMatch> excludedPixels, double radiusPx)
    {
        excluded = excludedPixels;
        excludedRadius = radiusPx;
        (best, beaten, bestX, bestY) = (float.NegativeInfinity, -1, 0, 0);
        for (int i = 0; i < BestFirstCells; i++)
        {
            int at = CellBounds.IndexOfMax(bounds);
            if (bounds[at] < best)
            {
                break;
            }

            Visit(at / columns.CellCount, at % columns.CellCount);
            bounds[at] = float.NegativeInfinity;
        }

        for (int at = 0; at < bounds.Length; at++)
        {
            if (bounds[at] >= best && CanWin(bounds[at], at / columns.CellCount, at % columns.CellCount))
            {
                Visit(at / columns.CellCount, at % columns.CellCount);
            }
        }

        return float.IsNegativeInfinity(best) ? null : new PixelMatch(bestX, bestY, best);
    }

    private readonly bool CanWin(float bound, int row, int column)
    {
        int y = rows.Starts[row * AxisSamples.Parts], x = columns.Starts[column * AxisSamples.Parts];
        if (y == rows.Pixels.Length || x == columns.Pixels.Length)
        {
            return false;
        }

        return bound > best + TieMargin || Precedes(columns.Pixels[x], rows.Pixels[y]);
    }

    private readonly bool Precedes(int x, int y) => y < bestY || (y == bestY && x < bestX);

    private void Visit(int row, int column)
    {
        const int parts = AxisSamples.Parts;
        int token = (row * gram.Map.X.Count) + column, cellIndex = (row * columns.CellCount) + column;
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
        int fromX = columns.Starts[columnPart], toX = columns.Starts[columnPart + 1];
        if (fromX == toX)
        {
            return;
        }

        double[] fractions = columns.Fractions;

        // A floored norm adds turns of its own, repeated pixels are not evenly spread, and short rows are cheaper to try whole than to solve.
        bool tryAll = toX - fromX <= 6 || columns != gram.Columns || inverseMin * normFloor >= 1;
        double fromFraction = fractions[fromX], perFraction = tryAll ? 0 : (toX - 1 - fromX) / (fractions[toX - 1] - fromFraction);
        for (int y = rows.Starts[rowPart]; y < rows.Starts[rowPart + 1]; y++)
        {
            var line = cell.Line(rows.Fractions[y], n.N00, n.N01, n.N10, n.N11);
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
        // Most pixels lose clearly: seen by squares, without a root and a division (a floored norm only lowers the score).
        double fraction = columns.Fractions[column], product = line.Product(fraction);
        if (beaten >= 0 && (product <= 0 || product * product < beaten * line.SquaredNorm(fraction)))
        {
            return;
        }

        float score = line.Score(fraction, normFloor);
        if (score < best)
        {
            return;
        }

        int x = columns.Pixels[column], y = rows.Pixels[row];
        if ((score > best || Precedes(x, y)) && !IsExcluded(x, y))
        {
            (best, bestX, bestY) = (score, x, y);
            beaten = best > 0 ? (double)best * best * (1 - TieMargin) : -1;
        }
    }

    private readonly bool IsExcluded(int x, int y)
    {
        foreach (var match in excluded)
        {
            double dx = x - match.X, dy = y - match.Y;
            if ((dx * dx) + (dy * dy) <= excludedRadius * excludedRadius)
            {
                return true;
            }
        }

        return false;
    }
}
