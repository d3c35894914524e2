using CorrMesh.Vision.Features;

namespace CorrMesh.Vision.Similarity;

/// <summary>A feature map prepared as a target of similarity searches; computed once per map and safe to share between threads.</summary>
/// <remarks>
/// <para>The similarity of a unit descriptor d at a pixel is the cosine with f, the bilinear interpolation of the raw tokens at
/// the pixel's centre: score = d · f / max(|f|, 1e-12 / |d before scaling|). Interpolation is linear, so d · f is the
/// interpolation of the products with tokens, and |f|² is a quadratic form in the products of neighbouring tokens: with itself,
/// right, down and along both diagonals. Those five numbers a token are kept here (float64: they may cancel), with
/// lower bounds of |f| over parts of cells. Nothing of height x width x channels ever exists.</para>
/// </remarks>
public sealed class TokenGram
{
    // Room for rounding in products and bounds, far below the margin of 1e-5 at which two positions count as tied.
    private const double Slack = 2e-6;

    // Products with unit descriptors are float32 and must not overflow.
    private const double MaxSquaredNorm = 1e74;

    private readonly double[] self, right, down, diagonal, antiDiagonal;

    private TokenGram(FeatureMap map)
    {
        Map = map;
        int tokens = map.TokenCount;
        (self, right, down, diagonal, antiDiagonal) =
            (new double[tokens], new double[tokens], new double[tokens], new double[tokens], new double[tokens]);
        Columns = AxisSamples.Create(map.X, map.ImageWidth, collapse: true);
        Rows = AxisSamples.Create(map.Y, map.ImageHeight, collapse: true);
        int cells = Columns.CellCount * Rows.CellCount;
        InverseMinNorm = new float[cells];
        InverseMaxNorm = new float[cells];
        PartInverseMinNorm = new float[cells * AxisSamples.Parts * AxisSamples.Parts];
    }

    /// <summary>The map this belongs to.</summary>
    public FeatureMap Map { get; }

    /// <summary>Memory held besides the map, bytes.</summary>
    public long SizeBytes =>
        (40L * Map.TokenCount) + (4L * (InverseMinNorm.Length + InverseMaxNorm.Length + PartInverseMinNorm.Length))
        + (12L * (Columns.Pixels.Length + Rows.Pixels.Length)) + (4L * (Columns.Starts.Length + Rows.Starts.Length));

    /// <summary>Pixel columns, the first of equals only.</summary>
    internal AxisSamples Columns { get; }

    /// <summary>Pixel rows, the first of equals only.</summary>
    internal AxisSamples Rows { get; }

    /// <summary>[cells] upper bound of 1 / |f| in a cell; 0 for cells without pixels.</summary>
    internal float[] InverseMinNorm { get; }

    /// <summary>[cells] lower bound of 1 / |f| in a cell; 0 for cells without pixels.</summary>
    internal float[] InverseMaxNorm { get; }

    /// <summary>[cells, Parts, Parts] upper bound of 1 / |f| in each part of a cell.</summary>
    internal float[] PartInverseMinNorm { get; }

    /// <summary>Largest norm of the map's weakest cell: the floor of the norm matters only above it.</summary>
    internal double WeakestNorm { get; private set; } = double.PositiveInfinity;

    /// <summary>Token columns from a cell's left side to its right side: 0 when the grid has one column.</summary>
    internal int RightStep => Map.X.Count > 1 ? 1 : 0;

    /// <summary>Tokens from a cell's top side to its bottom side: 0 when the grid has one row.</summary>
    internal int DownStep => Map.Y.Count > 1 ? Map.X.Count : 0;

    /// <summary>Prepares a map.</summary>
    /// <param name="map">Raw tokens; every value finite.</param>
    /// <param name="normaliseTarget">
    /// False scores d · f without dividing by |f|: the paper's semantic transfer, which does not normalise the target.
    /// </param>
    /// <exception cref="ArgumentException">Sizes that disagree, an axis without positive finite scale, or a value that is not finite.</exception>
    public static TokenGram Create(FeatureMap map, bool normaliseTarget = true)
    {
        Validate(map);
        var gram = new TokenGram(map);
        gram.FillProducts();
        if (!normaliseTarget)
        {
            // Unit tokens that are all alike: every norm is 1, and the same search then maximises the bare product.
            foreach (double[] products in new[] { gram.self, gram.right, gram.down, gram.diagonal, gram.antiDiagonal })
            {
                Array.Fill(products, 1.0);
            }
        }

        gram.FillBounds();
        return gram;
    }

    /// <summary>The products around one cell.</summary>
    internal CellForm Cell(int row, int column)
    {
        int t00 = (row * Map.X.Count) + column, t01 = t00 + RightStep, t10 = t00 + DownStep, t11 = t10 + RightStep;
        return new CellForm(
            self[t00], self[t01], self[t10], self[t11], right[t00], right[t10], down[t00], down[t01], diagonal[t00], antiDiagonal[t00]);
    }

    /// <summary>Norm of one token (1 when the target is not normalised).</summary>
    internal double TokenNorm(int token) => Math.Sqrt(self[token]);

    private static void Validate(FeatureMap map)
    {
        ArgumentNullException.ThrowIfNull(map);
        if (map.ImageWidth < 1 || map.ImageHeight < 1 || map.X.Count < 1 || map.Y.Count < 1 || map.Channels < 1)
        {
            throw new ArgumentException(
                $"map: sizes of at least 1 needed, image {map.ImageWidth} x {map.ImageHeight}, {map.X.Count} x {map.Y.Count} tokens of {map.Channels} channels given",
                nameof(map));
        }

        if (map.Values.LongLength != (long)map.TokenCount * map.Channels)
        {
            throw new ArgumentException($"map: {(long)map.TokenCount * map.Channels} values needed, {map.Values.LongLength} given", nameof(map));
        }

        foreach (var axis in new[] { map.X, map.Y })
        {
            if (!(axis.Scale > 0 && float.IsFinite(axis.Scale) && float.IsFinite(axis.Offset)))
            {
                throw new ArgumentException($"map: a positive finite scale and a finite offset needed, {axis} given", nameof(map));
            }
        }
    }

    private void FillProducts()
    {
        int width = Map.X.Count, height = Map.Y.Count;
        for (int row = 0; row < height; row++)
        {
            int below = Math.Min(row + 1, height - 1);
            for (int column = 0; column < width; column++)
            {
                int beside = Math.Min(column + 1, width - 1), token = (row * width) + column;
                var here = Map.Token(row, column);
                self[token] = DotProducts.Precise(here, here);
                if (!(self[token] < MaxSquaredNorm))
                {
                    throw new ArgumentException(
                        $"map: finite values and norms below 1e37 needed, token row {row} column {column} has norm {Math.Sqrt(self[token]):G3}");
                }

                right[token] = DotProducts.Precise(here, Map.Token(row, beside));
                down[token] = DotProducts.Precise(here, Map.Token(below, column));
                diagonal[token] = DotProducts.Precise(here, Map.Token(below, beside));
                antiDiagonal[token] = DotProducts.Precise(Map.Token(row, beside), Map.Token(below, column));
            }
        }
    }

    private void FillBounds()
    {
        const int parts = AxisSamples.Parts;
        Span<double> smallest = stackalloc double[parts * parts];
        for (int row = 0; row < Rows.CellCount; row++)
        {
            for (int column = 0; column < Columns.CellCount; column++)
            {
                int at = (row * Columns.CellCount) + column;
                if (Rows.Starts[row * parts] == Rows.Starts[(row + 1) * parts] || Columns.Starts[column * parts] == Columns.Starts[(column + 1) * parts])
                {
                    continue;
                }

                var cell = Cell(row, column);
                double maxNorm = Math.Sqrt(Math.Max(Math.Max(cell.P00, cell.P01), Math.Max(cell.P10, cell.P11)));
                WeakestNorm = Math.Min(WeakestNorm, maxNorm);
                InverseMaxNorm[at] = Inverse(maxNorm * (1 + Slack));
                MinNorms(cell, smallest);
                for (int part = 0; part < smallest.Length; part++)
                {
                    float inverse = Inverse(smallest[part] * (1 - Slack));
                    PartInverseMinNorm[(at * smallest.Length) + part] = inverse;
                    InverseMinNorm[at] = Math.Max(InverseMinNorm[at], inverse);
                }
            }
        }
    }

    /// <summary>Lower bounds of |f| in the parts of a cell.</summary>
    /// <remarks>
    /// On a horizontal line the minimum is exact. Lines are 1/16 of a cell apart, so no point is farther than 1/32 from one, and
    /// moving along y changes |f| by at most the longer of the cell's two vertical token differences.
    /// </remarks>
    private static void MinNorms(in CellForm cell, Span<double> smallest)
    {
        const int parts = AxisSamples.Parts, linesPerPart = 4;
        double steepest = Math.Sqrt(Math.Max(0, Math.Max(cell.P00 - (2 * cell.P00_10) + cell.P10, cell.P01 - (2 * cell.P01_11) + cell.P11)));
        smallest.Fill(double.PositiveInfinity);
        for (int i = 0; i < parts * linesPerPart; i++)
        {
            var line = cell.Line((i + 0.5) / (parts * linesPerPart), 0, 0, 0, 0);
            for (int part = 0; part < parts; part++)
            {
                double norm = line.MinNorm((double)part / parts, (part + 1.0) / parts);
                ref double bound = ref smallest[(i / linesPerPart * parts) + part];
                bound = Math.Min(bound, norm);
            }
        }

        foreach (ref double bound in smallest)
        {
            bound = Math.Max(0, bound - (steepest / (2 * parts * linesPerPart)));
        }
    }

    // Capped: a cell that may hold a zero norm is bounded by nothing, but 0 x infinity must not become NaN.
    private static float Inverse(double norm) => norm > 1e-30 ? (float)(1 / norm) : 1e30f;
}
