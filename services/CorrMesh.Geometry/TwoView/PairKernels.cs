using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using CorrMesh.Geometry.Pnp;

namespace CorrMesh.Geometry.TwoView;

/// <summary>Loops over all pairs of a set: costs, Sampson distances and normal equations of a relative pose.</summary>
/// <remarks>
/// With p = E y and q = Eᵀ y', y and y' the points with focal length 1, the Sampson distance in pixels is r = y'ᵀE y / |(q₁/f_x, q₂/f_y, p₁/f'_x, p₂/f'_y)| (Hartley and Zisserman 2004, section 11.4.3): to
/// first order how far both points together move until they fit, so with noise σ in each axis of each picture r has the standard deviation σ. Sums run in 16 or 8 lanes whatever the processor has.
/// </remarks>
internal static class PairKernels
{
    /// <summary>Number of sums of <see cref="Accumulate"/>: 15 of the upper triangle of JᵀWJ row by row, then 5 of JᵀWr.</summary>
    public const int SumCount = 20;

    // Pairs between two looks at whether a pose can still win.
    private const int BlockPairs = 256;

    /// <summary>Geman and McClure's cost, Σ r² / (r² + s²), r in pixels; 1 for a pair that is behind a camera by more than s.</summary>
    /// <param name="scale">s, pixels.</param>
    /// <param name="bound">Stops when the sum passes it; what is given then is only known to be more.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Cost(PairSet pairs, in RigidPose pose, float scale, float bound)
    {
        Vector512<float> r11 = Vector512.Create((float)pose.R11), r12 = Vector512.Create((float)pose.R12), r13 = Vector512.Create((float)pose.R13);
        Vector512<float> r21 = Vector512.Create((float)pose.R21), r22 = Vector512.Create((float)pose.R22), r23 = Vector512.Create((float)pose.R23);
        Vector512<float> r31 = Vector512.Create((float)pose.R31), r32 = Vector512.Create((float)pose.R32), r33 = Vector512.Create((float)pose.R33);
        Vector512<float> tx = Vector512.Create((float)pose.X), ty = Vector512.Create((float)pose.Y), tz = Vector512.Create((float)pose.Z);
        Vector512<float> fx = Vector512.Create((float)(1 / pairs.Source.FocalX)), fy = Vector512.Create((float)(1 / pairs.Source.FocalY));
        Vector512<float> gx = Vector512.Create((float)(1 / pairs.Target.FocalX)), gy = Vector512.Create((float)(1 / pairs.Target.FocalY));
        float slack = scale / (float)Math.Min(pairs.Source.FocalX, pairs.Target.FocalX);
        Vector512<float> squaredScale = Vector512.Create(scale * scale), squaredSlack = Vector512.Create(slack * slack), one = Vector512<float>.One, zero = Vector512<float>.Zero;
        ref float x = ref MemoryMarshal.GetArrayDataReference(pairs.SingleSourceX), y = ref MemoryMarshal.GetArrayDataReference(pairs.SingleSourceY);
        ref float u = ref MemoryMarshal.GetArrayDataReference(pairs.SingleTargetX), v = ref MemoryMarshal.GetArrayDataReference(pairs.SingleTargetY);
        float padding = pairs.PaddedCount - pairs.Count;
        var sum = zero;
        for (int first = 0; first < pairs.PaddedCount; first += BlockPairs)
        {
            int end = Math.Min(pairs.PaddedCount, first + BlockPairs);
            for (int i = first; i < end; i += Vector512<float>.Count)
            {
                Vector512<float> sx = Vector512.LoadUnsafe(ref x, (nuint)i), sy = Vector512.LoadUnsafe(ref y, (nuint)i), bx = Vector512.LoadUnsafe(ref u, (nuint)i), by = Vector512.LoadUnsafe(ref v, (nuint)i);
                var ax = Vector512.FusedMultiplyAdd(r11, sx, Vector512.FusedMultiplyAdd(r12, sy, r13));
                var ay = Vector512.FusedMultiplyAdd(r21, sx, Vector512.FusedMultiplyAdd(r22, sy, r23));
                var az = Vector512.FusedMultiplyAdd(r31, sx, Vector512.FusedMultiplyAdd(r32, sy, r33));
                // p = t × a, and q = Rᵀ (b × t).
                var px = ty * az - tz * ay;
                var py = tz * ax - tx * az;
                var pz = tx * ay - ty * ax;
                var cx = by * tz - ty;
                var cy = tx - bx * tz;
                var cz = bx * ty - by * tx;
                var qx = (r11 * cx + r21 * cy + r31 * cz) * fx;
                var qy = (r12 * cx + r22 * cy + r32 * cz) * fy;
                var error = bx * px + by * py + pz;
                px *= gx;
                py *= gy;
                var square = error * error;
                var cost = square / Vector512.FusedMultiplyAdd(squaredScale, px * px + py * py + qx * qx + qy * qy, square);
                var aa = Vector512.FusedMultiplyAdd(sx, sx, Vector512.FusedMultiplyAdd(sy, sy, one));
                var bb = Vector512.FusedMultiplyAdd(bx, bx, Vector512.FusedMultiplyAdd(by, by, one));
                var ab = ax * bx + ay * by + az;
                var at = ax * tx + ay * ty + az * tz;
                var bt = bx * tx + by * ty + tz;
                // Negative depth, and by more disparity than noise makes: see TwoViewGeometry.Depths.
                var near = Vector512.Min(ab * bt - at * bb, zero);
                var far = Vector512.Min(bt * aa - ab * at, zero);
                var allowed = squaredSlack * aa * bb;
                var isGood = Vector512.LessThanOrEqual(near * near, allowed * (bb - bt * bt)) & Vector512.LessThanOrEqual(far * far, allowed * (aa - at * at)) & Vector512.LessThanOrEqual(cost, one);
                sum += Vector512.ConditionalSelect(isGood, cost, one);
            }
            if (Vector512.Sum(sum) > bound + padding) return float.PositiveInfinity;
        }
        return Vector512.Sum(sum) - padding;
    }

    /// <summary>Squared Sampson distances, pixels²; infinite for a pair that is behind a camera by more than the slack.</summary>
    /// <param name="slack">Pixels of disparity.</param>
    /// <param name="squares">[PaddedCount].</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Residuals(PairSet pairs, in RigidPose pose, double slack, Span<double> squares)
    {
        var infinity = Vector512.Create(double.PositiveInfinity);
        double fx = 1 / pairs.Source.FocalX, fy = 1 / pairs.Source.FocalY, gx = 1 / pairs.Target.FocalX, gy = 1 / pairs.Target.FocalY;
        slack /= Math.Min(pairs.Source.FocalX, pairs.Target.FocalX);
        Vector512<double> one = Vector512<double>.One, zero = Vector512<double>.Zero, tx = Vector512.Create(pose.X), ty = Vector512.Create(pose.Y), tz = Vector512.Create(pose.Z);
        for (int i = 0; i < pairs.PaddedCount; i += Vector512<double>.Count)
        {
            Vector512<double> sx = Vector512.LoadUnsafe(ref pairs.SourceX[0], (nuint)i), sy = Vector512.LoadUnsafe(ref pairs.SourceY[0], (nuint)i);
            Vector512<double> bx = Vector512.LoadUnsafe(ref pairs.TargetX[0], (nuint)i), by = Vector512.LoadUnsafe(ref pairs.TargetY[0], (nuint)i);
            var ax = sx * pose.R11 + sy * pose.R12 + Vector512.Create(pose.R13);
            var ay = sx * pose.R21 + sy * pose.R22 + Vector512.Create(pose.R23);
            var az = sx * pose.R31 + sy * pose.R32 + Vector512.Create(pose.R33);
            Vector512<double> px = ty * az - tz * ay, py = tz * ax - tx * az, pz = tx * ay - ty * ax, cx = by * tz - ty, cy = tx - bx * tz, cz = bx * ty - by * tx;
            var qx = (cx * pose.R11 + cy * pose.R21 + cz * pose.R31) * fx;
            var qy = (cx * pose.R12 + cy * pose.R22 + cz * pose.R32) * fy;
            var error = bx * px + by * py + pz;
            px *= gx;
            py *= gy;
            var square = error * error / (px * px + py * py + qx * qx + qy * qy);
            Vector512<double> aa = sx * sx + sy * sy + one, bb = bx * bx + by * by + one, ab = ax * bx + ay * by + az, at = ax * tx + ay * ty + az * tz, bt = bx * tx + by * ty + tz;
            Vector512<double> near = Vector512.Min(ab * bt - at * bb, zero), far = Vector512.Min(bt * aa - ab * at, zero), allowed = aa * bb * (slack * slack);
            var isGood = Vector512.LessThanOrEqual(near * near, allowed * (bb - bt * bt)) & Vector512.LessThanOrEqual(far * far, allowed * (aa - at * at)) & Vector512.GreaterThanOrEqual(square, zero);
            Vector512.ConditionalSelect(isGood, square, infinity).CopyTo(squares[i..]);
        }
    }

    /// <summary>Weighted normal equations for a small step of the pose as <see cref="TwoViewGeometry.Move"/> makes it: ω, then s₁, s₂.</summary>
    /// <param name="weights">[PaddedCount]; 0 leaves a pair out.</param>
    /// <param name="sums">Receives <see cref="SumCount"/> sums.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Accumulate(PairSet pairs, in RigidPose pose, ReadOnlySpan<double> weights, Span<double> sums)
    {
        Vector512<double> h00 = default, h01 = default, h02 = default, h03 = default, h04 = default, h11 = default, h12 = default, h13 = default, h14 = default;
        Vector512<double> h22 = default, h23 = default, h24 = default, h33 = default, h34 = default, h44 = default, g0 = default, g1 = default, g2 = default, g3 = default, g4 = default;
        (Vector3d u, Vector3d v) = TwoViewGeometry.Tangents(new(pose.X, pose.Y, pose.Z));
        double fx = 1 / (pairs.Source.FocalX * pairs.Source.FocalX), fy = 1 / (pairs.Source.FocalY * pairs.Source.FocalY);
        double gx = 1 / (pairs.Target.FocalX * pairs.Target.FocalX), gy = 1 / (pairs.Target.FocalY * pairs.Target.FocalY);
        Vector512<double> zero = Vector512<double>.Zero, one = Vector512<double>.One, tx = Vector512.Create(pose.X), ty = Vector512.Create(pose.Y), tz = Vector512.Create(pose.Z);
        ref double w0 = ref MemoryMarshal.GetReference(weights);
        for (int i = 0; i < pairs.PaddedCount; i += Vector512<double>.Count)
        {
            var weight = Vector512.LoadUnsafe(ref w0, (nuint)i);
            if (weight == zero) continue;
            Vector512<double> sx = Vector512.LoadUnsafe(ref pairs.SourceX[0], (nuint)i), sy = Vector512.LoadUnsafe(ref pairs.SourceY[0], (nuint)i);
            Vector512<double> bx = Vector512.LoadUnsafe(ref pairs.TargetX[0], (nuint)i), by = Vector512.LoadUnsafe(ref pairs.TargetY[0], (nuint)i);
            var ax = sx * pose.R11 + sy * pose.R12 + Vector512.Create(pose.R13);
            var ay = sx * pose.R21 + sy * pose.R22 + Vector512.Create(pose.R23);
            var az = sx * pose.R31 + sy * pose.R32 + Vector512.Create(pose.R33);
            Vector512<double> px = ty * az - tz * ay, py = tz * ax - tx * az, pz = tx * ay - ty * ax, cx = by * tz - ty, cy = tx - bx * tz, cz = bx * ty - by * tx;
            var qx = cx * pose.R11 + cy * pose.R21 + cz * pose.R31;
            var qy = cx * pose.R12 + cy * pose.R22 + cz * pose.R32;
            var inverse = one / Vector512.Sqrt(px * px * gx + py * py * gy + qx * qx * fx + qy * qy * fy);
            var r = (bx * px + by * py + pz) * inverse;
            // dr = hᵀ dE y - y'ᵀ dE k, for the distance's denominator moves, too.
            var k = r * inverse * inverse;
            Vector512<double> hx = bx * inverse - k * px * gx, hy = by * inverse - k * py * gy, hz = inverse, kx = k * qx * fx, ky = k * qy * fy;
            Vector512<double> ex = kx * pose.R11 + ky * pose.R12, ey = kx * pose.R21 + ky * pose.R22, ez = kx * pose.R31 + ky * pose.R32;   // R k
            // By t: a × h - (R k) × y'; by ω: a × (h × t) - (R k) × (y' × t).
            var mx = ay * hz - az * hy - ey + ez * by;
            var my = az * hx - ax * hz - ez * bx + ex;
            var mz = ax * hy - ay * hx - ex * by + ey * bx;
            Vector512<double> lx = hy * tz - hz * ty, ly = hz * tx - hx * tz, lz = hx * ty - hy * tx;
            var j0 = ay * lz - az * ly - ey * cz + ez * cy;
            var j1 = az * lx - ax * lz - ez * cx + ex * cz;
            var j2 = ax * ly - ay * lx - ex * cy + ey * cx;
            var j3 = mx * u.X + my * u.Y + mz * u.Z;
            var j4 = mx * v.X + my * v.Y + mz * v.Z;
            // Padding is NaN, and a pair at both epipoles has no distance.
            var used = Vector512.GreaterThan(weight, zero);
            j0 = Vector512.ConditionalSelect(used, j0, zero);
            j1 = Vector512.ConditionalSelect(used, j1, zero);
            j2 = Vector512.ConditionalSelect(used, j2, zero);
            j3 = Vector512.ConditionalSelect(used, j3, zero);
            j4 = Vector512.ConditionalSelect(used, j4, zero);
            r = Vector512.ConditionalSelect(used, r, zero);
            Vector512<double> w0j = weight * j0, w1j = weight * j1, w2j = weight * j2, w3j = weight * j3, w4j = weight * j4;
            h00 += w0j * j0;
            h01 += w0j * j1;
            h02 += w0j * j2;
            h03 += w0j * j3;
            h04 += w0j * j4;
            h11 += w1j * j1;
            h12 += w1j * j2;
            h13 += w1j * j3;
            h14 += w1j * j4;
            h22 += w2j * j2;
            h23 += w2j * j3;
            h24 += w2j * j4;
            h33 += w3j * j3;
            h34 += w3j * j4;
            h44 += w4j * j4;
            g0 += w0j * r;
            g1 += w1j * r;
            g2 += w2j * r;
            g3 += w3j * r;
            g4 += w4j * r;
        }
        ReadOnlySpan<Vector512<double>> all = [h00, h01, h02, h03, h04, h11, h12, h13, h14, h22, h23, h24, h33, h34, h44, g0, g1, g2, g3, g4];
        for (int i = 0; i < SumCount; i++) sums[i] = Vector512.Sum(all[i]);
    }
}
