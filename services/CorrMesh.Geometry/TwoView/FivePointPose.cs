using System.Runtime.Intrinsics;
using CorrMesh.Geometry.Pnp;

namespace CorrMesh.Geometry.TwoView;

/// <summary>Relative pose of two calibrated cameras from five pairs (five-point problem).</summary>
/// <remarks>
/// Solves λ'ᵢ·b'ᵢ = R·λᵢ·bᵢ + t with every λᵢ, λ'ᵢ &gt; 0 and |t| = 1. b is in the source camera's frame, b' in the target's (x right, y down, z forward).
/// After Nistér, "An Efficient Solution to the Five-Point Relative Pose Problem", PAMI 2004: E = xX + yY + zZ + W spans what the pairs allow, 2EEᵀE = tr(EEᵀ)E and det E = 0 leave a polynomial of
/// degree ten in z (its equations 7 to 28). Real roots are bracketed by those of the derivatives; R and t follow from E as in Horn, "Recovering Baseline and Orientation from Essential Matrix",
/// 1990; Newton's method on the five equations takes away what the polynomial lost in rounding. Pairs whose rays leave more than a line of E open (repeated ones, four on a line) give no pose.
/// </remarks>
public static class FivePointPose
{
    public const int Pairs = 5;

    /// <summary>The polynomial's degree: as many poses at most.</summary>
    public const int MaxPoses = 10;

    private const int Stride = 24;   // of rows of 20 monomials, in whole vectors

    // Smallest part of a pair's equation that the others do not say, of 1.
    private const double SmallestPivot = 1e-9;

    private const int PolishSteps = 4;

    // Of bᵀEb', unit vectors: what is called zero, and what is called a solution.
    private const double Zero = 1e-15, Solved = 1e-9;

    /// <summary>All poses that five pairs allow.</summary>
    /// <param name="sourceBearings">[5] unit vectors.</param>
    /// <param name="targetBearings">[5] unit vectors, in the same order.</param>
    /// <param name="sourceToTarget">Receives up to 10 candidates, unordered, each with a translation of length 1.</param>
    /// <returns>How many were written.</returns>
    /// <exception cref="ArgumentException">A span is shorter than it must be, or a bearing is not unit to 1e-9.</exception>
    public static int Solve(ReadOnlySpan<(double X, double Y, double Z)> sourceBearings, ReadOnlySpan<(double X, double Y, double Z)> targetBearings, Span<RigidPose> sourceToTarget)
    {
        if (sourceBearings.Length < Pairs) throw new ArgumentException($"source bearings: {Pairs} needed, {sourceBearings.Length} given", nameof(sourceBearings));
        if (targetBearings.Length < Pairs) throw new ArgumentException($"target bearings: {Pairs} needed, {targetBearings.Length} given", nameof(targetBearings));
        if (sourceToTarget.Length < MaxPoses) throw new ArgumentException($"poses: room for {MaxPoses} needed, {sourceToTarget.Length} given", nameof(sourceToTarget));
        Span<Vector3d> source = stackalloc Vector3d[Pairs], target = stackalloc Vector3d[Pairs];
        for (int i = 0; i < Pairs; i++)
        {
            source[i] = Unit(sourceBearings[i], nameof(sourceBearings));
            target[i] = Unit(targetBearings[i], nameof(targetBearings));
        }
        return Solve(source, target, sourceToTarget, Pairs);
    }

    /// <summary>The same for rays that are known to be unit.</summary>
    /// <param name="leastBefore">Pairs that must lie before both cameras; noise puts far ones behind.</param>
    internal static int Solve(ReadOnlySpan<Vector3d> source, ReadOnlySpan<Vector3d> target, Span<RigidPose> poses, int leastBefore)
    {
        Span<double> basis = stackalloc double[36], rows = stackalloc double[10 * Stride], b = stackalloc double[39], polynomial = stackalloc double[11], roots = stackalloc double[10];
        if (!TryNullSpace(source, target, basis)) return 0;
        Constrain(basis, rows);
        if (!TryEliminate(rows)) return 0;
        Polynomials(rows, b, polynomial);
        int rootCount = PolynomialRoots.Find(polynomial, roots), count = 0;
        Span<double> e = stackalloc double[9];
        for (int k = 0; k < rootCount; k++)
        {
            double z = roots[k];
            if (!TryBackSubstitute(b, z, out double x, out double y)) continue;
            for (int i = 0; i < 9; i++) e[i] = x * basis[i] + y * basis[9 + i] + z * basis[18 + i] + basis[27 + i];
            if (!TryDecompose(e, source, target, leastBefore, out RigidPose pose) || !TryPolish(source, target, ref pose)) continue;
            poses[count++] = pose;
        }
        return count;
    }

    // The last four columns of Q where the pairs' equations are the columns of QR (Householder): [4][9], orthonormal.
    private static bool TryNullSpace(ReadOnlySpan<Vector3d> source, ReadOnlySpan<Vector3d> target, Span<double> basis)
    {
        Span<double> columns = stackalloc double[45], factors = stackalloc double[5];
        for (int i = 0; i < Pairs; i++)
        {
            Vector3d p = source[i], q = target[i];
            Span<double> c = columns.Slice(9 * i, 9);
            (c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7], c[8]) = (q.X * p.X, q.X * p.Y, q.X * p.Z, q.Y * p.X, q.Y * p.Y, q.Y * p.Z, q.Z * p.X, q.Z * p.Y, q.Z * p.Z);
        }
        for (int k = 0; k < Pairs; k++)
        {
            Span<double> v = columns.Slice(9 * k, 9);
            double norm = 0;
            for (int i = k; i < 9; i++) norm += v[i] * v[i];
            norm = Math.Sqrt(norm);
            if (!(norm > SmallestPivot)) return false;
            double head = v[k] + (v[k] < 0 ? -norm : norm);
            factors[k] = 1 / (norm * Math.Abs(head));
            v[k] = head;
            for (int j = k + 1; j < Pairs; j++) Reflect(v, factors[k], columns.Slice(9 * j, 9), k);
        }
        basis.Clear();
        for (int m = 0; m < 4; m++)
        {
            Span<double> column = basis.Slice(9 * m, 9);
            column[5 + m] = 1;
            for (int k = Pairs - 1; k >= 0; k--) Reflect(columns.Slice(9 * k, 9), factors[k], column, k);
        }
        return true;

        static void Reflect(ReadOnlySpan<double> v, double factor, Span<double> column, int first)
        {
            double dot = 0;
            for (int i = first; i < 9; i++) dot += v[i] * column[i];
            dot *= factor;
            for (int i = first; i < 9; i++) column[i] -= dot * v[i];
        }
    }

    // Ten equations in 20 monomials: x³ y³ x²y xy² x²z x² y²z y² xyz xy xz² xz x yz² yz y z³ z² z 1.
    private static void Constrain(ReadOnlySpan<double> basis, Span<double> rows)
    {
        Span<double> entries = stackalloc double[36], products = stackalloc double[60], trace = stackalloc double[10], minor = stackalloc double[10];
        for (int i = 0; i < 9; i++)
            for (int m = 0; m < 4; m++) entries[4 * i + m] = basis[9 * m + i];
        products.Clear();
        trace.Clear();
        rows.Clear();
        for (int i = 0, at = 0; i < 3; i++)
            for (int j = i; j < 3; j++, at++)
                for (int k = 0; k < 3; k++) AddProduct(Entry(entries, i, k), Entry(entries, j, k), products.Slice(10 * at, 10), 1);
        for (int i = 0; i < 10; i++) trace[i] = (products[i] + products[30 + i] + products[50 + i]) / 2;
        for (int i = 0; i < 10; i++)
        {
            products[i] -= trace[i];
            products[30 + i] -= trace[i];
            products[50 + i] -= trace[i];
        }
        ReadOnlySpan<int> packed = [0, 1, 2, 1, 3, 4, 2, 4, 5];
        for (int i = 0; i < 3; i++)
            for (int j = 0; j < 3; j++)
                for (int k = 0; k < 3; k++) AddCubic(products.Slice(10 * packed[3 * i + k], 10), Entry(entries, k, j), rows.Slice((3 * i + j) * Stride, Stride));
        for (int j = 0; j < 3; j++)
        {
            int k = (j + 1) % 3, l = (j + 2) % 3;
            minor.Clear();
            AddProduct(Entry(entries, 1, k), Entry(entries, 2, l), minor, 1);
            AddProduct(Entry(entries, 1, l), Entry(entries, 2, k), minor, -1);
            AddCubic(minor, Entry(entries, 0, j), rows.Slice(9 * Stride, Stride));
        }

        static ReadOnlySpan<double> Entry(ReadOnlySpan<double> entries, int i, int j) => entries.Slice(4 * (3 * i + j), 4);
    }

    // Of two linear terms (x y z 1): x² xy y² xz yz z² x y z 1.
    private static void AddProduct(ReadOnlySpan<double> a, ReadOnlySpan<double> b, Span<double> r, double sign)
    {
        double x = sign * a[0], y = sign * a[1], z = sign * a[2], w = sign * a[3];
        _ = r[9];
        r[0] += x * b[0];
        r[1] += x * b[1] + y * b[0];
        r[2] += y * b[1];
        r[3] += x * b[2] + z * b[0];
        r[4] += y * b[2] + z * b[1];
        r[5] += z * b[2];
        r[6] += x * b[3] + w * b[0];
        r[7] += y * b[3] + w * b[1];
        r[8] += z * b[3] + w * b[2];
        r[9] += w * b[3];
    }

    private static void AddCubic(ReadOnlySpan<double> a, ReadOnlySpan<double> b, Span<double> r)
    {
        double x = b[0], y = b[1], z = b[2], w = b[3];
        _ = (r[19], a[9]);
        r[0] += a[0] * x;
        r[1] += a[2] * y;
        r[2] += a[0] * y + a[1] * x;
        r[3] += a[1] * y + a[2] * x;
        r[4] += a[0] * z + a[3] * x;
        r[5] += a[0] * w + a[6] * x;
        r[6] += a[2] * z + a[4] * y;
        r[7] += a[2] * w + a[7] * y;
        r[8] += a[1] * z + a[3] * y + a[4] * x;
        r[9] += a[1] * w + a[6] * y + a[7] * x;
        r[10] += a[3] * z + a[5] * x;
        r[11] += a[3] * w + a[6] * z + a[8] * x;
        r[12] += a[6] * w + a[9] * x;
        r[13] += a[4] * z + a[5] * y;
        r[14] += a[4] * w + a[7] * z + a[8] * y;
        r[15] += a[7] * w + a[9] * y;
        r[16] += a[5] * z;
        r[17] += a[5] * w + a[8] * z;
        r[18] += a[8] * w + a[9] * z;
        r[19] += a[9] * w;
    }

    // Gauss-Jordan over the first ten monomials; of the rows, the last six are wanted and end up reduced.
    private static bool TryEliminate(Span<double> rows)
    {
        for (int k = 0; k < 10; k++)
        {
            int best = k;
            for (int i = k + 1; i < 10; i++)
                if (Math.Abs(rows[i * Stride + k]) > Math.Abs(rows[best * Stride + k])) best = i;
            double pivot = rows[best * Stride + k];
            if (!(Math.Abs(pivot) > 1e-14)) return false;
            Span<double> row = rows.Slice(k * Stride, Stride);
            int first = k / 8 * 8;
            for (int at = first; at < Stride; at += 8)
            {
                var upper = Vector512.LoadUnsafe(ref row[at]);
                var found = Vector512.LoadUnsafe(ref rows[best * Stride + at]);
                upper.CopyTo(rows[(best * Stride + at)..]);
                (found / Vector512.Create(pivot)).CopyTo(row[at..]);
            }
            for (int i = k < 4 ? k + 1 : 4; i < 10; i++)
            {
                double factor = rows[i * Stride + k];
                if (i == k || factor == 0) continue;
                var scaled = Vector512.Create(factor);
                for (int at = first; at < Stride; at += 8)
                    (Vector512.LoadUnsafe(ref rows[i * Stride + at]) - scaled * Vector512.LoadUnsafe(ref row[at])).CopyTo(rows[(i * Stride + at)..]);
            }
        }
        return true;
    }

    // B(z) of Nistér's equations 12 to 14, [3][13] ascending (x: 4, y: 4, 1: 5), and its determinant.
    private static void Polynomials(ReadOnlySpan<double> rows, Span<double> b, Span<double> determinant)
    {
        for (int r = 0; r < 3; r++)
        {
            ReadOnlySpan<double> e = rows.Slice((4 + 2 * r) * Stride, 20), f = rows.Slice((5 + 2 * r) * Stride, 20);
            Span<double> row = b.Slice(13 * r, 13);
            (row[0], row[1], row[2], row[3]) = (e[12], e[11] - f[12], e[10] - f[11], -f[10]);
            (row[4], row[5], row[6], row[7]) = (e[15], e[14] - f[15], e[13] - f[14], -f[13]);
            (row[8], row[9], row[10], row[11], row[12]) = (e[19], e[18] - f[19], e[17] - f[18], e[16] - f[17], -f[16]);
        }
        Span<double> minor = stackalloc double[7];
        determinant.Clear();
        for (int r = 0; r < 3; r++)
        {
            ReadOnlySpan<double> s = b.Slice((r + 1) % 3 * 13, 13), t = b.Slice((r + 2) % 3 * 13, 13);
            minor.Clear();
            for (int i = 0; i < 4; i++)
                for (int j = 0; j < 4; j++) minor[i + j] += s[i] * t[4 + j] - s[4 + j] * t[i];
            for (int i = 0; i < 5; i++)
                for (int j = 0; j < 7; j++) determinant[i + j] += b[13 * r + 8 + i] * minor[j];
        }
    }

    // x and y from the two rows of B(z) that say most.
    private static bool TryBackSubstitute(ReadOnlySpan<double> b, double z, out double x, out double y)
    {
        Span<Vector3d> rows = stackalloc Vector3d[3];
        for (int r = 0; r < 3; r++)
        {
            ReadOnlySpan<double> c = b.Slice(13 * r, 13);
            rows[r] = new(((c[3] * z + c[2]) * z + c[1]) * z + c[0], ((c[7] * z + c[6]) * z + c[5]) * z + c[4], (((c[12] * z + c[11]) * z + c[10]) * z + c[9]) * z + c[8]);
        }
        Vector3d best = rows[0].Cross(rows[1]);
        foreach (Vector3d other in (ReadOnlySpan<Vector3d>)[rows[1].Cross(rows[2]), rows[2].Cross(rows[0])])
            if (Math.Abs(other.Z) > Math.Abs(best.Z)) best = other;
        (x, y) = (best.X / best.Z, best.Y / best.Z);
        return double.IsFinite(x) && double.IsFinite(y);
    }

    private static bool TryDecompose(ReadOnlySpan<double> e, ReadOnlySpan<Vector3d> source, ReadOnlySpan<Vector3d> target, int leastBefore, out RigidPose pose)
    {
        Vector3d first = new(e[0], e[1], e[2]), second = new(e[3], e[4], e[5]), third = new(e[6], e[7], e[8]);
        double scale = Math.Sqrt(2 / (first.SquaredLength + second.SquaredLength + third.SquaredLength));
        (first, second, third) = (scale * first, scale * second, scale * third);
        // tᵀE = 0: t is across all columns.
        Vector3d a = new(first.X, second.X, third.X), b = new(first.Y, second.Y, third.Y), c = new(first.Z, second.Z, third.Z);
        Vector3d t = a.Cross(b), bc = b.Cross(c), ca = c.Cross(a);
        if (bc.SquaredLength > t.SquaredLength) t = bc;
        if (ca.SquaredLength > t.SquaredLength) t = ca;
        t = (1 / Math.Sqrt(t.SquaredLength)) * t;
        // E = ±[t]R: cof E = ttᵀR and [t]E = ±(ttᵀ - I)R.
        Vector3d x = second.Cross(third), y = third.Cross(first);
        Vector3d tx = t.Y * third - t.Z * second, ty = t.Z * first - t.X * third;
        pose = default;
        int most = leastBefore - 1;
        for (int sign = -1; sign <= 1; sign += 2)
        {
            RigidPose turn = TwoViewGeometry.Rotation(x + sign * tx, y + sign * ty);
            int before = 0, behind = 0;
            for (int i = 0; i < Pairs; i++)
            {
                (double near, double far) = TwoViewGeometry.Depths(TwoViewGeometry.Rotate(turn, source[i]), target[i], t);
                if (near > 0 && far > 0) before++;
                else if (near < 0 && far < 0) behind++;
            }
            if (before > most) (most, pose) = (before, turn with { X = t.X, Y = t.Y, Z = t.Z });
            if (behind > most) (most, pose) = (behind, turn with { X = -t.X, Y = -t.Y, Z = -t.Z });
        }
        return most >= leastBefore;
    }

    private static bool TryPolish(ReadOnlySpan<Vector3d> source, ReadOnlySpan<Vector3d> target, ref RigidPose pose)
    {
        Span<double> system = stackalloc double[30];
        double last = double.PositiveInfinity;
        RigidPose before = pose;
        for (int step = 0; ; step++)
        {
            Vector3d t = new(pose.X, pose.Y, pose.Z);
            (Vector3d u, Vector3d v) = TwoViewGeometry.Tangents(t);
            double largest = 0;
            for (int i = 0; i < Pairs; i++)
            {
                Vector3d a = TwoViewGeometry.Rotate(pose, source[i]), across = target[i].Cross(t), turn = a.Cross(across), move = a.Cross(target[i]);
                double error = across.Dot(a);
                largest = Math.Max(largest, Math.Abs(error));
                Span<double> row = system.Slice(6 * i, 6);
                (row[0], row[1], row[2], row[3], row[4], row[5]) = (turn.X, turn.Y, turn.Z, u.Dot(move), v.Dot(move), -error);
            }
            if (!(largest < last))
            {
                pose = before;
                return last < Solved;
            }
            (last, before) = (largest, pose);
            if (largest < Zero || step == PolishSteps || !TrySolve(system)) return largest < Solved;
            pose = TwoViewGeometry.Move(pose, [system[5], system[11], system[17], system[23], system[29]]);
        }
    }

    // Five equations [5][6]; the answer takes the place of the right-hand side.
    private static bool TrySolve(Span<double> m)
    {
        for (int k = 0; k < 5; k++)
        {
            int best = k;
            for (int i = k + 1; i < 5; i++)
                if (Math.Abs(m[6 * i + k]) > Math.Abs(m[6 * best + k])) best = i;
            if (!(Math.Abs(m[6 * best + k]) > 1e-300)) return false;
            for (int j = k; j < 6; j++) (m[6 * k + j], m[6 * best + j]) = (m[6 * best + j], m[6 * k + j]);
            for (int i = 0; i < 5; i++)
            {
                if (i == k) continue;
                double factor = m[6 * i + k] / m[6 * k + k];
                for (int j = k; j < 6; j++) m[6 * i + j] -= factor * m[6 * k + j];
            }
        }
        for (int k = 0; k < 5; k++) m[6 * k + 5] /= m[6 * k + k];
        return true;
    }

    private static Vector3d Unit((double X, double Y, double Z) b, string name)
    {
        Vector3d v = new(b.X, b.Y, b.Z);
        if (!(Math.Abs(v.SquaredLength - 1) < 2e-9)) throw new ArgumentException($"{name}: unit vectors needed, one of length {Math.Sqrt(v.SquaredLength)} given", name);
        return v;
    }
}
