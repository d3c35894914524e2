using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace CorrMesh.Vision.Similarity;

/// <summary>Inner products of two sets of descriptors, A·Bᵀ, on one thread.</summary>
/// <remarks>
/// Every product is one vector accumulator along the channels, summed across lanes, then the scalar rest. How rows are grouped
/// changes speed only, so a product does not depend on what else is in the batch: batch equals single, bit for bit.
/// </remarks>
internal static unsafe class DotProducts
{
    // A panel of columns is read once per group of rows: this much stays in the second-level cache beside it.
    private const int PanelFloats = 32 * 1024;

    /// <summary>result[i, j] = rows[i] · columns[j].</summary>
    /// <param name="rows">[rowCount, channels].</param>
    /// <param name="columns">[columnCount, channels].</param>
    /// <param name="channels">At least 1.</param>
    /// <param name="result">[rowCount, columnCount], overwritten.</param>
    public static void Compute(ReadOnlySpan<float> rows, ReadOnlySpan<float> columns, int channels, Span<float> result)
    {
        int rowCount = rows.Length / channels, columnCount = columns.Length / channels;
        if (result.Length < (long)rowCount * columnCount)
        {
            throw new ArgumentException($"result: {(long)rowCount * columnCount} values needed, {result.Length} given", nameof(result));
        }

        int panel = Math.Max(12, PanelFloats / channels / 12 * 12);
        fixed (float* a = rows, b = columns, r = result)
        {
            for (int from = 0; from < columnCount; from += panel)
            {
                int to = Math.Min(columnCount, from + panel);
                int i = 0;
                for (; i + 4 <= rowCount; i += 4)
                {
                    FourRows(a + ((long)i * channels), b, channels, from, to, r + ((long)i * columnCount), columnCount);
                }

                for (; i < rowCount; i++)
                {
                    OneRow(a + ((long)i * channels), b, channels, from, to, r + ((long)i * columnCount));
                }
            }
        }
    }

    private static void FourRows(float* a, float* b, int channels, int from, int to, float* r, int stride)
    {
        int j = from;
        for (; j + 3 <= to; j += 3)
        {
            if (Vector512.IsHardwareAccelerated)
            {
                Tile512(a, b + ((long)j * channels), channels, r + j, stride);
            }
            else
            {
                Tile256(a, b + ((long)j * channels), channels, r + j, stride);
            }
        }

        for (int i = 0; j < to && i < 4; i++)
        {
            OneRow(a + (i * channels), b, channels, j, to, r + ((long)i * stride));
        }
    }

    private static void OneRow(float* a, float* b, int channels, int from, int to, float* r)
    {
        for (int j = from; j < to; j++)
        {
            r[j] = Vector512.IsHardwareAccelerated
                ? Single512(a, b + ((long)j * channels), channels)
                : Single256(a, b + ((long)j * channels), channels);
        }
    }

    // 4 x 3 accumulators, 3 columns and 1 row in flight: the 16 registers of AVX2, and enough to hide the latency of FMA.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile256(float* a, float* b, int channels, float* r, int stride)
    {
        float* a1 = a + channels, a2 = a1 + channels, a3 = a2 + channels, b1 = b + channels, b2 = b1 + channels;
        Vector256<float> s00 = default, s01 = default, s02 = default, s10 = default, s11 = default, s12 = default;
        Vector256<float> s20 = default, s21 = default, s22 = default, s30 = default, s31 = default, s32 = default;
        int c = 0;
        for (; c + 8 <= channels; c += 8)
        {
            var y0 = Vector256.Load(b + c);
            var y1 = Vector256.Load(b1 + c);
            var y2 = Vector256.Load(b2 + c);
            var x = Vector256.Load(a + c);
            s00 = Vector256.FusedMultiplyAdd(x, y0, s00);
            s01 = Vector256.FusedMultiplyAdd(x, y1, s01);
            s02 = Vector256.FusedMultiplyAdd(x, y2, s02);
            x = Vector256.Load(a1 + c);
            s10 = Vector256.FusedMultiplyAdd(x, y0, s10);
            s11 = Vector256.FusedMultiplyAdd(x, y1, s11);
            s12 = Vector256.FusedMultiplyAdd(x, y2, s12);
            x = Vector256.Load(a2 + c);
            s20 = Vector256.FusedMultiplyAdd(x, y0, s20);
            s21 = Vector256.FusedMultiplyAdd(x, y1, s21);
            s22 = Vector256.FusedMultiplyAdd(x, y2, s22);
            x = Vector256.Load(a3 + c);
            s30 = Vector256.FusedMultiplyAdd(x, y0, s30);
            s31 = Vector256.FusedMultiplyAdd(x, y1, s31);
            s32 = Vector256.FusedMultiplyAdd(x, y2, s32);
        }

        float* r1 = r + stride, r2 = r1 + stride, r3 = r2 + stride;
        (r[0], r[1], r[2]) = (Rest(Vector256.Sum(s00), a, b, c, channels), Rest(Vector256.Sum(s01), a, b1, c, channels), Rest(Vector256.Sum(s02), a, b2, c, channels));
        (r1[0], r1[1], r1[2]) = (Rest(Vector256.Sum(s10), a1, b, c, channels), Rest(Vector256.Sum(s11), a1, b1, c, channels), Rest(Vector256.Sum(s12), a1, b2, c, channels));
        (r2[0], r2[1], r2[2]) = (Rest(Vector256.Sum(s20), a2, b, c, channels), Rest(Vector256.Sum(s21), a2, b1, c, channels), Rest(Vector256.Sum(s22), a2, b2, c, channels));
        (r3[0], r3[1], r3[2]) = (Rest(Vector256.Sum(s30), a3, b, c, channels), Rest(Vector256.Sum(s31), a3, b1, c, channels), Rest(Vector256.Sum(s32), a3, b2, c, channels));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile512(float* a, float* b, int channels, float* r, int stride)
    {
        float* a1 = a + channels, a2 = a1 + channels, a3 = a2 + channels, b1 = b + channels, b2 = b1 + channels;
        Vector512<float> s00 = default, s01 = default, s02 = default, s10 = default, s11 = default, s12 = default;
        Vector512<float> s20 = default, s21 = default, s22 = default, s30 = default, s31 = default, s32 = default;
        int c = 0;
        for (; c + 16 <= channels; c += 16)
        {
            var y0 = Vector512.Load(b + c);
            var y1 = Vector512.Load(b1 + c);
            var y2 = Vector512.Load(b2 + c);
            var x = Vector512.Load(a + c);
            s00 = Vector512.FusedMultiplyAdd(x, y0, s00);
            s01 = Vector512.FusedMultiplyAdd(x, y1, s01);
            s02 = Vector512.FusedMultiplyAdd(x, y2, s02);
            x = Vector512.Load(a1 + c);
            s10 = Vector512.FusedMultiplyAdd(x, y0, s10);
            s11 = Vector512.FusedMultiplyAdd(x, y1, s11);
            s12 = Vector512.FusedMultiplyAdd(x, y2, s12);
            x = Vector512.Load(a2 + c);
            s20 = Vector512.FusedMultiplyAdd(x, y0, s20);
            s21 = Vector512.FusedMultiplyAdd(x, y1, s21);
            s22 = Vector512.FusedMultiplyAdd(x, y2, s22);
            x = Vector512.Load(a3 + c);
            s30 = Vector512.FusedMultiplyAdd(x, y0, s30);
            s31 = Vector512.FusedMultiplyAdd(x, y1, s31);
            s32 = Vector512.FusedMultiplyAdd(x, y2, s32);
        }

        float* r1 = r + stride, r2 = r1 + stride, r3 = r2 + stride;
        (r[0], r[1], r[2]) = (Rest(Vector512.Sum(s00), a, b, c, channels), Rest(Vector512.Sum(s01), a, b1, c, channels), Rest(Vector512.Sum(s02), a, b2, c, channels));
        (r1[0], r1[1], r1[2]) = (Rest(Vector512.Sum(s10), a1, b, c, channels), Rest(Vector512.Sum(s11), a1, b1, c, channels), Rest(Vector512.Sum(s12), a1, b2, c, channels));
        (r2[0], r2[1], r2[2]) = (Rest(Vector512.Sum(s20), a2, b, c, channels), Rest(Vector512.Sum(s21), a2, b1, c, channels), Rest(Vector512.Sum(s22), a2, b2, c, channels));
        (r3[0], r3[1], r3[2]) = (Rest(Vector512.Sum(s30), a3, b, c, channels), Rest(Vector512.Sum(s31), a3, b1, c, channels), Rest(Vector512.Sum(s32), a3, b2, c, channels));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Single256(float* a, float* b, int channels)
    {
        Vector256<float> sum = default;
        int c = 0;
        for (; c + 8 <= channels; c += 8)
        {
            sum = Vector256.FusedMultiplyAdd(Vector256.Load(a + c), Vector256.Load(b + c), sum);
        }

        return Rest(Vector256.Sum(sum), a, b, c, channels);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Single512(float* a, float* b, int channels)
    {
        Vector512<float> sum = default;
        int c = 0;
        for (; c + 16 <= channels; c += 16)
        {
            sum = Vector512.FusedMultiplyAdd(Vector512.Load(a + c), Vector512.Load(b + c), sum);
        }

        return Rest(Vector512.Sum(sum), a, b, c, channels);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Rest(float sum, float* a, float* b, int c, int channels)
    {
        for (; c < channels; c++)
        {
            sum = MathF.FusedMultiplyAdd(a[c], b[c], sum);
        }

        return sum;
    }

    /// <summary>a · b accumulated in float64: norms of sums of tokens lose digits when tokens oppose each other.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static double Precise(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        Vector256<double> low = default, high = default;
        int c = 0;
        fixed (float* x = a, y = b)
        {
            for (; c + 8 <= a.Length; c += 8)
            {
                var (xLow, xHigh) = Vector256.Widen(Vector256.Load(x + c));
                var (yLow, yHigh) = Vector256.Widen(Vector256.Load(y + c));
                low += xLow * yLow;
                high += xHigh * yHigh;
            }
        }

        double sum = Vector256.Sum(low + high);
        for (; c < a.Length; c++)
        {
            sum += (double)a[c] * b[c];
        }

        return sum;
    }
}
