using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace CorrMesh.Geometry.Pnp;

/// <summary>Loops over all points of a set: costs, residuals and normal equations of a pose.</summary>
/// <remarks>Sums run in 16 (single) or 8 (double) lanes whatever the processor has, so answers are the same bits wherever a fused multiply-add is.</remarks>
internal static class PoseKernels
{
    // Points between two looks at whether a pose can still win.
    private const int BlockPoints = 256;

    /// <summary>Number of sums of <see cref="Accumulate"/>: 21 of the upper triangle of JᵀWJ row by row, then 6 of JᵀWr.</summary>
    public const int SumCount = 27;

    /// <summary>Geman and McClure's cost, Σ r² / (r² + s²), r in pixels; 1 for a point that is not before the camera.</summary>
    /// <param name="scale">s, pixels.</param>
    /// <param name="bound">Stops when the sum passes it; what is given then is only known to be more.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Cost(PointSet points, in RigidPose pose, float scale, float bound)
    {
        float fx = (float)points.FocalX, fy = (float)points.FocalY;
        var r11 = Vector512.Create(fx * (float)pose.R11);
        var r12 = Vector512.Create(fx * (float)pose.R12);
        var r13 = Vector512.Create(fx * (float)pose.R13);
        var tx = Vector512.Create(fx * (float)pose.X);
        var r21 = Vector512.Create(fy * (float)pose.R21);
        var r22 = Vector512.Create(fy * (float)pose.R22);
        var r23 = Vector512.Create(fy * (float)pose.R23);
        var ty = Vector512.Create(fy * (float)pose.Y);
        var r31 = Vector512.Create((float)pose.R31);
        var r32 = Vector512.Create((float)pose.R32);
        var r33 = Vector512.Create((float)pose.R33);
        var tz = Vector512.Create((float)pose.Z);
        var squaredScale = Vector512.Create(scale * scale);
        ref float x = ref MemoryMarshal.GetArrayDataReference(points.SingleX), y = ref MemoryMarshal.GetArrayDataReference(points.SingleY), z = ref MemoryMarshal.GetArrayDataReference(points.SingleZ);
        ref float u = ref MemoryMarshal.GetArrayDataReference(points.SingleU), v = ref MemoryMarshal.GetArrayDataReference(points.SingleV);
        int count = points.PaddedCount;
        float padding = count - points.Count;
        var sum = Vector512<float>.Zero;
        for (int first = 0; first < count; first += BlockPoints)
        {
            int end = Math.Min(count, first + BlockPoints);
            for (int i = first; i < end; i += Vector512<float>.Count)
            {
                var px = Vector512.LoadUnsafe(ref x, (nuint)i);
                var py = Vector512.LoadUnsafe(ref y, (nuint)i);
                var pz = Vector512.LoadUnsafe(ref z, (nuint)i);
                var depth = Vector512.FusedMultiplyAdd(r31, px, Vector512.FusedMultiplyAdd(r32, py, Vector512.FusedMultiplyAdd(r33, pz, tz)));
                var right = Vector512.FusedMultiplyAdd(r11, px, Vector512.FusedMultiplyAdd(r12, py, Vector512.FusedMultiplyAdd(r13, pz, tx)));
                var down = Vector512.FusedMultiplyAdd(r21, px, Vector512.FusedMultiplyAdd(r22, py, Vector512.FusedMultiplyAdd(r23, pz, ty)));
                // Times the depth, which takes a division away.
                right -= Vector512.LoadUnsafe(ref u, (nuint)i) * depth;
                down -= Vector512.LoadUnsafe(ref v, (nuint)i) * depth;
                var square = Vector512.FusedMultiplyAdd(right, right, down * down);
                var cost = square / Vector512.FusedMultiplyAdd(squaredScale, depth * depth, square);
                sum += Vector512.ConditionalSelect(Vector512.GreaterThan(depth, Vector512<float>.Zero), cost, Vector512<float>.One);
            }
            if (Vector512.Sum(sum) > bound + padding) return float.PositiveInfinity;
        }
        return Vector512.Sum(sum) - padding;
    }

    /// <summary>Squared distances in pixels between where points are and where a pose shows them; infinite behind the camera.</summary>
    /// <param name="squares">[PaddedCount].</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Residuals(PointSet points, in RigidPose pose, Span<double> squares)
    {
        var infinity = Vector512.Create(double.PositiveInfinity);
        for (int i = 0; i < points.PaddedCount; i += Vector512<double>.Count)
        {
            Vector512<double> px = Vector512.LoadUnsafe(ref points.X[0], (nuint)i), py = Vector512.LoadUnsafe(ref points.Y[0], (nuint)i), pz = Vector512.LoadUnsafe(ref points.Z[0], (nuint)i);
            var depth = px * pose.R31 + py * pose.R32 + pz * pose.R33 + Vector512.Create(pose.Z);
            var right = (px * pose.R11 + py * pose.R12 + pz * pose.R13 + Vector512.Create(pose.X)) / depth * points.FocalX - Vector512.LoadUnsafe(ref points.U[0], (nuint)i);
            var down = (px * pose.R21 + py * pose.R22 + pz * pose.R23 + Vector512.Create(pose.Y)) / depth * points.FocalY - Vector512.LoadUnsafe(ref points.V[0], (nuint)i);
            var square = right * right + down * down;
            Vector512.ConditionalSelect(Vector512.GreaterThan(depth, Vector512<double>.Zero), square, infinity).CopyTo(squares[i..]);
        }
    }

    /// <summary>Weighted normal equations for a small motion of the object about its own centre: x ↦ exp(ω) (R X) + t + v, in the order ω, v.</summary>
    /// <param name="weights">[PaddedCount]; 0 leaves a point out. Points that are not before the camera need 0.</param>
    /// <param name="sums">Receives <see cref="SumCount"/> sums.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Accumulate(PointSet points, in RigidPose pose, ReadOnlySpan<double> weights, Span<double> sums)
    {
        Vector512<double> h00 = default, h01 = default, h02 = default, h03 = default, h04 = default, h05 = default, h11 = default, h12 = default, h13 = default, h14 = default, h15 = default;
        Vector512<double> h22 = default, h23 = default, h24 = default, h25 = default, h33 = default, h35 = default, h44 = default, h45 = default, h55 = default;
        Vector512<double> g0 = default, g1 = default, g2 = default, g3 = default, g4 = default, g5 = default;
        var zero = Vector512<double>.Zero;
        ref double w0 = ref MemoryMarshal.GetReference(weights);
        for (int i = 0; i < points.PaddedCount; i += Vector512<double>.Count)
        {
            var weight = Vector512.LoadUnsafe(ref w0, (nuint)i);
            if (weight == zero) continue;
            Vector512<double> px = Vector512.LoadUnsafe(ref points.X[0], (nuint)i), py = Vector512.LoadUnsafe(ref points.Y[0], (nuint)i), pz = Vector512.LoadUnsafe(ref points.Z[0], (nuint)i);
            var qx = px * pose.R11 + py * pose.R12 + pz * pose.R13;
            var qy = px * pose.R21 + py * pose.R22 + pz * pose.R23;
            var qz = px * pose.R31 + py * pose.R32 + pz * pose.R33;
            var inverse = Vector512<double>.One / (qz + Vector512.Create(pose.Z));
            var x = (qx + Vector512.Create(pose.X)) * inverse;
            var y = (qy + Vector512.Create(pose.Y)) * inverse;
            var ru = x * points.FocalX - Vector512.LoadUnsafe(ref points.U[0], (nuint)i);
            var rv = y * points.FocalY - Vector512.LoadUnsafe(ref points.V[0], (nuint)i);
            // A point without weight may be anywhere: in the camera's plane its terms are not finite.
            var used = Vector512.GreaterThan(weight, zero);
            var fu = Vector512.ConditionalSelect(used, inverse * points.FocalX, zero);
            var fv = Vector512.ConditionalSelect(used, inverse * points.FocalY, zero);
            x = Vector512.ConditionalSelect(used, x, zero);
            y = Vector512.ConditionalSelect(used, y, zero);
            ru = Vector512.ConditionalSelect(used, ru, zero);
            rv = Vector512.ConditionalSelect(used, rv, zero);
            var a0 = -fu * x * qy;
            var a1 = fu * (qz + x * qx);
            var a2 = -fu * qy;
            var a5 = -fu * x;
            var b0 = -fv * (qz + y * qy);
            var b1 = fv * y * qx;
            var b2 = fv * qx;
            var b5 = -fv * y;
            var wa0 = weight * a0;
            var wa1 = weight * a1;
            var wa2 = weight * a2;
            var wa3 = weight * fu;
            var wa5 = weight * a5;
            var wb0 = weight * b0;
            var wb1 = weight * b1;
            var wb2 = weight * b2;
            var wb4 = weight * fv;
            var wb5 = weight * b5;
            h00 += wa0 * a0 + wb0 * b0;
            h01 += wa0 * a1 + wb0 * b1;
            h02 += wa0 * a2 + wb0 * b2;
            h03 += wa0 * fu;
            h04 += wb0 * fv;
            h05 += wa0 * a5 + wb0 * b5;
            h11 += wa1 * a1 + wb1 * b1;
            h12 += wa1 * a2 + wb1 * b2;
            h13 += wa1 * fu;
            h14 += wb1 * fv;
            h15 += wa1 * a5 + wb1 * b5;
            h22 += wa2 * a2 + wb2 * b2;
            h23 += wa2 * fu;
            h24 += wb2 * fv;
            h25 += wa2 * a5 + wb2 * b5;
            h33 += wa3 * fu;
            h35 += wa3 * a5;
            h44 += wb4 * fv;
            h45 += wb4 * b5;
            h55 += wa5 * a5 + wb5 * b5;
            g0 += wa0 * ru + wb0 * rv;
            g1 += wa1 * ru + wb1 * rv;
            g2 += wa2 * ru + wb2 * rv;
            g3 += wa3 * ru;
            g4 += wb4 * rv;
            g5 += wa5 * ru + wb5 * rv;
        }
        sums[0] = Vector512.Sum(h00);
        sums[1] = Vector512.Sum(h01);
        sums[2] = Vector512.Sum(h02);
        sums[3] = Vector512.Sum(h03);
        sums[4] = Vector512.Sum(h04);
        sums[5] = Vector512.Sum(h05);
        sums[6] = Vector512.Sum(h11);
        sums[7] = Vector512.Sum(h12);
        sums[8] = Vector512.Sum(h13);
        sums[9] = Vector512.Sum(h14);
        sums[10] = Vector512.Sum(h15);
        sums[11] = Vector512.Sum(h22);
        sums[12] = Vector512.Sum(h23);
        sums[13] = Vector512.Sum(h24);
        sums[14] = Vector512.Sum(h25);
        sums[15] = Vector512.Sum(h33);
        sums[16] = 0;
        sums[17] = Vector512.Sum(h35);
        sums[18] = Vector512.Sum(h44);
        sums[19] = Vector512.Sum(h45);
        sums[20] = Vector512.Sum(h55);
        sums[21] = Vector512.Sum(g0);
        sums[22] = Vector512.Sum(g1);
        sums[23] = Vector512.Sum(g2);
        sums[24] = Vector512.Sum(g3);
        sums[25] = Vector512.Sum(g4);
        sums[26] = Vector512.Sum(g5);
    }
}
