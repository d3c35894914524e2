using CorrMesh.Geometry.Pnp;

namespace CorrMesh.Geometry.TwoView;

/// <summary>Pairs made ready for the solver: finite rows, each once, in a fixed shuffled order, as rays.</summary>
internal sealed class PairSet
{
    // Lanes of the widest kernel, in single precision; arrays are padded to it with NaN.
    private const int Lanes = 16;

    private PairSet(int count, PinholeCamera source, PinholeCamera target)
    {
        (Count, Source, Target) = (count, source, target);
        PaddedCount = (count + Lanes - 1) / Lanes * Lanes;
        Rows = new int[count];
        (SourceX, SourceY, TargetX, TargetY) = (new double[PaddedCount], new double[PaddedCount], new double[PaddedCount], new double[PaddedCount]);
        (SingleSourceX, SingleSourceY, SingleTargetX, SingleTargetY) = (new float[PaddedCount], new float[PaddedCount], new float[PaddedCount], new float[PaddedCount]);
        (SourceBearings, TargetBearings) = (new Vector3d[count], new Vector3d[count]);
    }

    /// <summary>Rows that are finite and not the same as an earlier one.</summary>
    public int Count { get; }

    /// <summary>Lengths of the arrays of coordinates.</summary>
    public int PaddedCount { get; }

    /// <summary>[Count] rows of the input.</summary>
    public int[] Rows { get; }

    /// <summary>[Count] positions, the most trusted first; null where nothing is known of that.</summary>
    public int[]? Ranking { get; private set; }

    public PinholeCamera Source { get; }

    public PinholeCamera Target { get; }

    /// <summary>x / z and y / z of the rays.</summary>
    public double[] SourceX { get; }
    public double[] SourceY { get; }
    public double[] TargetX { get; }
    public double[] TargetY { get; }

    public float[] SingleSourceX { get; }
    public float[] SingleSourceY { get; }
    public float[] SingleTargetX { get; }
    public float[] SingleTargetY { get; }

    /// <summary>[Count] unit vectors, each in its camera's frame.</summary>
    public Vector3d[] SourceBearings { get; }
    public Vector3d[] TargetBearings { get; }

    /// <summary>Upper bound of the probability that a pair placed at random is within a Sampson distance of a pixel of an epipolar geometry, and within a pixel of a rotation.</summary>
    public (double Strip, double Disc) ChancePerPixel { get; private set; }

    public static PairSet Create(ReadOnlySpan<double> sourcePoints, ReadOnlySpan<double> targetPoints, ReadOnlySpan<double> scores, PinholeCamera source, PinholeCamera target, ulong seed)
    {
        var seen = new HashSet<(double, double, double, double)>();
        List<int> rows = [];
        for (int i = 0; i < sourcePoints.Length / 2; i++)
        {
            var row = (sourcePoints[2 * i], sourcePoints[2 * i + 1], targetPoints[2 * i], targetPoints[2 * i + 1]);
            if (double.IsFinite(row.Item1) && double.IsFinite(row.Item2) && double.IsFinite(row.Item3) && double.IsFinite(row.Item4) && seen.Add(row)) rows.Add(i);
        }
        var set = new PairSet(rows.Count, source, target);
        var random = new SeededRandom(seed, 0x5348_5546);
        for (int i = 0; i < rows.Count; i++)
        {
            int other = i + random.Below(rows.Count - i);
            (rows[i], rows[other]) = (rows[other], rows[i]);
        }
        rows.CopyTo(set.Rows);
        set.Fill(sourcePoints, targetPoints);
        if (scores.Length > 0) set.Rank(scores);
        return set;
    }

    /// <summary>The first pairs: as they are shuffled, a fair sample of all. This set itself where it has no more.</summary>
    public PairSet First(int count)
    {
        if (count >= Count) return this;
        var part = new PairSet(count, Source, Target) { ChancePerPixel = ChancePerPixel };
        Rows.AsSpan(0, count).CopyTo(part.Rows);
        SourceBearings.AsSpan(0, count).CopyTo(part.SourceBearings);
        TargetBearings.AsSpan(0, count).CopyTo(part.TargetBearings);
        foreach ((double[] from, double[] to) in new[] { (SourceX, part.SourceX), (SourceY, part.SourceY), (TargetX, part.TargetX), (TargetY, part.TargetY) }) from.AsSpan(0, count).CopyTo(to);
        part.Pad();
        part.Ranking = Ranking is null ? null : [.. Ranking.Where(at => at < count)];
        return part;
    }

    private void Fill(ReadOnlySpan<double> sourcePoints, ReadOnlySpan<double> targetPoints)
    {
        for (int i = 0; i < Count; i++)
        {
            int row = Rows[i];
            (SourceX[i], SourceY[i]) = ((sourcePoints[2 * row] - Source.CentreX) / Source.FocalX, (sourcePoints[2 * row + 1] - Source.CentreY) / Source.FocalY);
            (TargetX[i], TargetY[i]) = ((targetPoints[2 * row] - Target.CentreX) / Target.FocalX, (targetPoints[2 * row + 1] - Target.CentreY) / Target.FocalY);
            (SourceBearings[i], TargetBearings[i]) = (Unit(SourceX[i], SourceY[i]), Unit(TargetX[i], TargetY[i]));
        }
        Pad();
        (double sourceWidth, double sourceHeight) = Extent(SourceX, SourceY, Source);
        (double targetWidth, double targetHeight) = Extent(TargetX, TargetY, Target);
        // A Sampson distance of one is at most √2 from the line in one picture or the other, on either side, and the line is no longer than the diagonal. A rotation's residual of one is about √2 in
        // the target.
        ChancePerPixel = (2 * Math.Sqrt(2) * Math.Max(Math.Sqrt(sourceWidth * sourceWidth + sourceHeight * sourceHeight) / (sourceWidth * sourceHeight), Math.Sqrt(targetWidth * targetWidth + targetHeight * targetHeight) / (targetWidth * targetHeight)),
            2 * Math.PI / (targetWidth * targetHeight));

        static Vector3d Unit(double x, double y)
        {
            double length = Math.Sqrt(x * x + y * y + 1);
            return new(x / length, y / length, 1 / length);
        }
    }

    // Pixels, each side at least 1.
    private (double Width, double Height) Extent(double[] x, double[] y, PinholeCamera camera)
    {
        if (Count == 0) return (1, 1);
        ReadOnlySpan<double> columns = x.AsSpan(0, Count), rows = y.AsSpan(0, Count);
        return (Math.Max(1, camera.FocalX * Range(columns)), Math.Max(1, camera.FocalY * Range(rows)));

        static double Range(ReadOnlySpan<double> values)
        {
            double low = values[0], high = values[0];
            foreach (double value in values) (low, high) = (Math.Min(low, value), Math.Max(high, value));
            return high - low;
        }
    }

    private void Rank(ReadOnlySpan<double> scores)
    {
        // Descending; NaN last; the shuffled order among equals.
        double[] keys = new double[Count];
        for (int i = 0; i < Count; i++) keys[i] = double.IsNaN(scores[Rows[i]]) ? double.PositiveInfinity : -scores[Rows[i]];
        Ranking = [.. Enumerable.Range(0, Count).OrderBy(i => keys[i])];
    }

    private void Pad()
    {
        for (int i = 0; i < PaddedCount; i++)
        {
            if (i >= Count) (SourceX[i], SourceY[i], TargetX[i], TargetY[i]) = (double.NaN, double.NaN, double.NaN, double.NaN);
            (SingleSourceX[i], SingleSourceY[i], SingleTargetX[i], SingleTargetY[i]) = ((float)SourceX[i], (float)SourceY[i], (float)TargetX[i], (float)TargetY[i]);
        }
    }
}
