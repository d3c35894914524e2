using System.Numerics;
using System.Runtime.CompilerServices;

namespace CorrMesh.Vision.Similarity;

/// <summary>Upper bounds of a descriptor's score over cells and parts of cells.</summary>
/// <remarks>
/// Over a rectangle the interpolated product is largest at a corner. A positive one divided by the smallest norm, or a negative
/// one divided by the largest, cannot be exceeded by any score inside.
/// </remarks>
internal static class CellBounds
{
    /// <summary>Bounds of all cells, one pass.</summary>
    /// <param name="gram">The target.</param>
    /// <param name="products">[T] products with the tokens.</param>
    /// <param name="negativeFactor">0 when a floored norm may lift negative scores to nearly 0, else 1.</param>
    /// <param name="bounds">[cells], overwritten.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Fill(TokenGram gram, ReadOnlySpan<float> products, float negativeFactor, Span<float> bounds)
    {
        int columns = gram.Columns.CellCount, tokensWide = gram.Map.X.Count;
        var negative = new Vector<float>(negativeFactor);
        for (int row = 0; row < gram.Rows.CellCount; row++)
        {
            var topLeft = products.Slice(row * tokensWide, columns);
            var topRight = products.Slice((row * tokensWide) + gram.RightStep, columns);
            var bottomLeft = products.Slice((row * tokensWide) + gram.DownStep, columns);
            var bottomRight = products.Slice((row * tokensWide) + gram.DownStep + gram.RightStep, columns);
            var inverseMin = gram.InverseMinNorm.AsSpan(row * columns, columns);
            var inverseMax = gram.InverseMaxNorm.AsSpan(row * columns, columns);
            var target = bounds.Slice(row * columns, columns);
            int i = 0;
            for (; i + Vector<float>.Count <= columns; i += Vector<float>.Count)
            {
                var largest = Vector.Max(
                    Vector.Max(new Vector<float>(topLeft[i..]), new Vector<float>(topRight[i..])),
                    Vector.Max(new Vector<float>(bottomLeft[i..]), new Vector<float>(bottomRight[i..])));
                var whenPositive = largest * new Vector<float>(inverseMin[i..]);
                var whenNegative = largest * new Vector<float>(inverseMax[i..]) * negative;
                Vector.ConditionalSelect(Vector.GreaterThan(largest, Vector<float>.Zero), whenPositive, whenNegative).CopyTo(target[i..]);
            }

            for (; i < columns; i++)
            {
                float largest = Math.Max(Math.Max(topLeft[i], topRight[i]), Math.Max(bottomLeft[i], bottomRight[i]));
                target[i] = Of(largest, inverseMin[i], inverseMax[i] * negativeFactor);
            }
        }
    }

    /// <summary>Bounds of the parts of one cell.</summary>
    /// <param name="corners">Products with the cell's tokens 00, 01, 10, 11.</param>
    /// <param name="inverseMin">[Parts, Parts] upper bounds of 1 / |f|.</param>
    /// <param name="inverseMax">Lower bound of 1 / |f| in the cell, already times the negative factor.</param>
    /// <param name="bounds">[Parts, Parts], overwritten.</param>
    public static void FillParts(
        (double N00, double N01, double N10, double N11) corners, ReadOnlySpan<float> inverseMin, float inverseMax, Span<float> bounds)
    {
        const int parts = AxisSamples.Parts;
        Span<float> upper = stackalloc float[parts + 1];
        Span<float> lower = stackalloc float[parts + 1];
        Knots(corners, 0, upper);
        for (int row = 0; row < parts; row++)
        {
            Knots(corners, row + 1, lower);
            for (int column = 0; column < parts; column++)
            {
                float largest = Math.Max(Math.Max(upper[column], upper[column + 1]), Math.Max(lower[column], lower[column + 1]));
                bounds[(row * parts) + column] = Of(largest, inverseMin[(row * parts) + column], inverseMax);
            }

            lower.CopyTo(upper);
        }
    }

    /// <summary>Position of the largest value, the first of equals.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static int IndexOfMax(ReadOnlySpan<float> values)
    {
        float largest = float.NegativeInfinity;
        int i = 0;
        if (values.Length >= Vector<float>.Count)
        {
            var lanes = new Vector<float>(float.NegativeInfinity);
            for (; i + Vector<float>.Count <= values.Length; i += Vector<float>.Count)
            {
                lanes = Vector.Max(lanes, new Vector<float>(values[i..]));
            }

            for (int lane = 0; lane < Vector<float>.Count; lane++)
            {
                largest = Math.Max(largest, lanes[lane]);
            }
        }

        for (; i < values.Length; i++)
        {
            largest = Math.Max(largest, values[i]);
        }

        return values.IndexOf(largest);
    }

    private static void Knots((double N00, double N01, double N10, double N11) corners, int row, Span<float> knots)
    {
        double y = (double)row / AxisSamples.Parts;
        double left = corners.N00 + ((corners.N10 - corners.N00) * y), right = corners.N01 + ((corners.N11 - corners.N01) * y);
        for (int i = 0; i < knots.Length; i++)
        {
            knots[i] = (float)(left + ((right - left) * i / AxisSamples.Parts));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Of(float largest, float inverseMin, float inverseMax) => largest * (largest > 0 ? inverseMin : inverseMax);
}
