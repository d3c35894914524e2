using System.Runtime.InteropServices;

namespace CorrMesh.Geometry.Pnp;

/// <summary>Correspondences made ready for the solver: finite rows, each once, in a fixed shuffled order, with the object centred and of unit size.</summary>
internal sealed class PointSet
{
    // Lanes of the widest kernel, in single precision; arrays are padded to it.
    private const int Lanes = 16;

    // Where padding is seen: beyond every threshold, and its square is finite.
    private const float FarAway = 1e9f;

    private PointSet(int count)
    {
        Count = count;
        PaddedCount = (count + Lanes - 1) / Lanes * Lanes;
        Rows = new int[count];
        (X, Y, Z, U, V) = (new double[PaddedCount], new double[PaddedCount], new double[PaddedCount], new double[PaddedCount], new double[PaddedCount]);
        (SingleX, SingleY, SingleZ, SingleU, SingleV) = (new float[PaddedCount], new float[PaddedCount], new float[PaddedCount], new float[PaddedCount], new float[PaddedCount]);
        Bearings = new Vector3d[count];
    }

    /// <summary>Rows that are finite and not the same as an earlier one.</summary>
    public int Count { get; }

    /// <summary>Lengths of the arrays of coordinates; what is beyond <see cref="Count"/> lies far from every pose's projection.</summary>
    public int PaddedCount { get; }

    /// <summary>[Count] rows of the input.</summary>
    public int[] Rows { get; }

    /// <summary>[Count] positions, the most trusted first; null where nothing is known of that.</summary>
    public int[]? Ranking { get; private set; }

    /// <summary>Object points: (X - Centre) / Size.</summary>
    public double[] X { get; }
    public double[] Y { get; }
    public double[] Z { get; }

    /// <summary>Pixels from the principal point.</summary>
    public double[] U { get; }
    public double[] V { get; }

    public float[] SingleX { get; }
    public float[] SingleY { get; }
    public float[] SingleZ { get; }
    public float[] SingleU { get; }
    public float[] SingleV { get; }

    /// <summary>[Count] unit vectors, camera frame.</summary>
    public Vector3d[] Bearings { get; }

    public Vector3d Centre { get; private set; }

    public double Size { get; private set; }

    /// <summary>Pixels, positive.</summary>
    public double FocalX { get; init; }

    /// <summary>Pixels, positive.</summary>
    public double FocalY { get; init; }

    /// <summary>Smallest rectangle about the image points, pixels², at least 1.</summary>
    public double Area { get; private set; }

    public static PointSet Create(ReadOnlySpan<double> objectPoints, ReadOnlySpan<double> imagePoints, ReadOnlySpan<double> scores, PinholeCamera camera, ulong seed)
    {
        int given = imagePoints.Length / 2;
        int[] rows = new int[given];
        int count = 0;
        var seen = new HashTable(objectPoints, imagePoints, given);
        for (int i = 0; i < given; i++)
        {
            bool finite = double.IsFinite(objectPoints[3 * i] + objectPoints[3 * i + 1] + objectPoints[3 * i + 2]) && double.IsFinite(imagePoints[2 * i] + imagePoints[2 * i + 1]);
            if (finite && seen.Add(i)) rows[count++] = i;
        }
        var set = new PointSet(count) { FocalX = camera.FocalX, FocalY = camera.FocalY };
        var random = new SeededRandom(seed, 0x5348_5546);
        for (int i = 0; i < count; i++)
        {
            int other = i + random.Below(count - i);
            (rows[i], rows[other]) = (rows[other], rows[i]);
        }
        rows.AsSpan(0, count).CopyTo(set.Rows);
        set.Fill(objectPoints, imagePoints, camera);
        if (scores.Length > 0) set.Rank(scores);
        return set;
    }

    /// <summary>The first points: as they are shuffled, a fair sample of all. This set itself where it has no more.</summary>
    public PointSet First(int count)
    {
        if (count >= Count) return this;
        var part = new PointSet(count) { FocalX = FocalX, FocalY = FocalY, Centre = Centre, Size = Size, Area = Area };
        Rows.AsSpan(0, count).CopyTo(part.Rows);
        Bearings.AsSpan(0, count).CopyTo(part.Bearings);
        foreach ((double[] from, double[] to) in new[] { (X, part.X), (Y, part.Y), (Z, part.Z), (U, part.U), (V, part.V) }) from.AsSpan(0, count).CopyTo(to);
        part.Pad();
        part.Ranking = Ranking is null ? null : [.. Ranking.Where(at => at < count)];
        return part;
    }

    /// <summary>The pose of the object as given for that of the centred one.</summary>
    public RigidPose Restore(RigidPose pose)
    {
        var moved = pose.Rotate((Centre.X, Centre.Y, Centre.Z));
        return pose with { X = pose.X * Size - moved.X, Y = pose.Y * Size - moved.Y, Z = pose.Z * Size - moved.Z };
    }

    private void Fill(ReadOnlySpan<double> objectPoints, ReadOnlySpan<double> imagePoints, PinholeCamera camera)
    {
        if (Count == 0) return;
        Span<double> values = new double[Count];
        Centre = new Vector3d(Median(objectPoints, 0, values), Median(objectPoints, 1, values), Median(objectPoints, 2, values));
        double left = double.PositiveInfinity, right = double.NegativeInfinity, top = double.PositiveInfinity, bottom = double.NegativeInfinity;
        for (int i = 0; i < Count; i++)
        {
            int row = Rows[i];
            (X[i], Y[i], Z[i]) = (objectPoints[3 * row] - Centre.X, objectPoints[3 * row + 1] - Centre.Y, objectPoints[3 * row + 2] - Centre.Z);
            values[i] = Math.Sqrt(X[i] * X[i] + Y[i] * Y[i] + Z[i] * Z[i]);
            (U[i], V[i]) = (imagePoints[2 * row] - camera.CentreX, imagePoints[2 * row + 1] - camera.CentreY);
            double x = U[i] / FocalX, y = V[i] / FocalY, length = Math.Sqrt(x * x + y * y + 1);
            Bearings[i] = new Vector3d(x / length, y / length, 1 / length);
            (left, right) = (Math.Min(left, U[i]), Math.Max(right, U[i]));
            (top, bottom) = (Math.Min(top, V[i]), Math.Max(bottom, V[i]));
        }
        Area = Math.Max(1, right - left) * Math.Max(1, bottom - top);
        Size = Select(values, Count / 2);
        if (!(Size > 0)) Size = 1;
        for (int i = 0; i < Count; i++) (X[i], Y[i], Z[i]) = (X[i] / Size, Y[i] / Size, Z[i] / Size);
        Pad();
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
            if (i >= Count) (U[i], V[i]) = (FarAway, FarAway);
            (SingleX[i], SingleY[i], SingleZ[i], SingleU[i], SingleV[i]) = ((float)X[i], (float)Y[i], (float)Z[i], (float)U[i], (float)V[i]);
        }
    }

    private double Median(ReadOnlySpan<double> objectPoints, int axis, Span<double> values)
    {
        for (int i = 0; i < Count; i++) values[i] = objectPoints[3 * Rows[i] + axis];
        return Select(values, Count / 2);
    }

    // The k-th smallest (Hoare); reorders the values.
    private static double Select(Span<double> values, int k)
    {
        int low = 0, high = values.Length - 1;
        while (low < high)
        {
            double pivot = values[(low + high) / 2];
            int i = low, j = high;
            while (i <= j)
            {
                while (values[i] < pivot) i++;
                while (values[j] > pivot) j--;
                if (i > j) continue;
                (values[i], values[j]) = (values[j], values[i]);
                i++;
                j--;
            }
            if (k <= j) high = j;
            else if (k >= i) low = i;
            else break;
        }
        return values[k];
    }

    // Open addressing over rows; two rows are the same when all five numbers are.
    private readonly ref struct HashTable
    {
        private readonly ReadOnlySpan<double> objectPoints, imagePoints;
        private readonly int[] slots;

        public HashTable(ReadOnlySpan<double> objectPoints, ReadOnlySpan<double> imagePoints, int count)
        {
            this.objectPoints = objectPoints;
            this.imagePoints = imagePoints;
            slots = new int[(int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Math.Max(4, 2 * count))];
        }

        public bool Add(int row)
        {
            ulong hash = 0;
            foreach (ulong bits in MemoryMarshal.Cast<double, ulong>(objectPoints.Slice(3 * row, 3))) hash = (hash ^ bits) * 0x9E3779B97F4A7C15UL;
            foreach (ulong bits in MemoryMarshal.Cast<double, ulong>(imagePoints.Slice(2 * row, 2))) hash = (hash ^ (hash >> 29) ^ bits) * 0x9E3779B97F4A7C15UL;
            for (int at = (int)(hash >> 33) & (slots.Length - 1); ; at = (at + 1) & (slots.Length - 1))
            {
                if (slots[at] == 0)
                {
                    slots[at] = row + 1;
                    return true;
                }
                int other = slots[at] - 1;
                if (objectPoints.Slice(3 * row, 3).SequenceEqual(objectPoints.Slice(3 * other, 3)) && imagePoints.Slice(2 * row, 2).SequenceEqual(imagePoints.Slice(2 * other, 2))) return false;
            }
        }
    }
}
