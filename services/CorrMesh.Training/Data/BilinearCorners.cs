namespace CorrMesh.Training.Data;

/// <summary>The four tokens around a position of a token grid, and their bilinear weights.</summary>
internal static class BilinearCorners
{
    /// <param name="column">0 to columns - 1.</param>
    /// <param name="row">0 to rows - 1.</param>
    /// <param name="columns">Of the grid.</param>
    /// <param name="rows">Of the grid.</param>
    /// <param name="offset">Added to each token's row-major index.</param>
    /// <param name="tokens">Receives 4 indices. At a grid one token wide two of them are the same, one of them with weight 0.</param>
    /// <param name="weights">Receives 4 weights, of sum 1.</param>
    public static void Write(double column, double row, int columns, int rows, long offset, Span<long> tokens, Span<float> weights)
    {
        int left = Math.Max(Math.Min((int)column, columns - 2), 0), top = Math.Max(Math.Min((int)row, rows - 2), 0);
        double across = column - left, down = row - top;
        for (int k = 0; k < 4; k++)
        {
            tokens[k] = offset + Math.Min(top + k / 2, rows - 1) * (long)columns + Math.Min(left + k % 2, columns - 1);
            weights[k] = (float)((k / 2 == 0 ? 1 - down : down) * (k % 2 == 0 ? 1 - across : across));
        }
    }
}
