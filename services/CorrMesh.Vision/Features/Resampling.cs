using System.Numerics;
using System.Runtime.InteropServices;

namespace CorrMesh.Vision.Features;

/// <summary>Separable resizing of plain arrays: columns first, then rows. Arrays are row-major with channels innermost.</summary>
public static class Resampling
{
    /// <summary>Resizes in float32.</summary>
    /// <param name="source">[y.Inputs * x.Inputs * channels].</param>
    /// <param name="channels">Values per position.</param>
    /// <param name="x">Weights along a row.</param>
    /// <param name="y">Weights along a column.</param>
    /// <returns>[y.Outputs * x.Outputs * channels].</returns>
    /// <exception cref="ArgumentException">The source has another length, or the result would not fit one array.</exception>
    public static float[] Resize(ReadOnlySpan<float> source, int channels, AxisWeights x, AxisWeights y)
    {
        if (source.Length != (long)y.Inputs * x.Inputs * channels)
            throw new ArgumentException($"source: {(long)y.Inputs * x.Inputs * channels} values needed, {source.Length} given", nameof(source));
        if ((long)y.Outputs * x.Outputs * channels > Array.MaxLength || (long)y.Inputs * x.Outputs * channels > Array.MaxLength)
            throw new ArgumentException($"size: {x.Outputs} x {y.Outputs} x {channels} values do not fit one array", nameof(x));
        int rowIn = x.Inputs * channels, rowOut = x.Outputs * channels;
        var wide = new float[y.Inputs * rowOut];
        for (int row = 0; row < y.Inputs; row++) ResizeRow(source.Slice(row * rowIn, rowIn), wide.AsSpan(row * rowOut, rowOut), channels, x);
        return ResizeColumns(wide, rowOut, y);
    }

    /// <summary>The first pass, one row at a time, so that a large source need never be held as float32.</summary>
    /// <param name="source">[x.Inputs * channels].</param>
    /// <param name="target">Zeros; receives [x.Outputs * channels].</param>
    internal static void ResizeRow(ReadOnlySpan<float> source, Span<float> target, int channels, AxisWeights x)
    {
        for (int column = 0; column < x.Outputs; column++)
        {
            ReadOnlySpan<float> weights = x.SingleWeights(column, out int first);
            if (channels == 3)
            {
                float red = 0, green = 0, blue = 0;
                ReadOnlySpan<float> taps = source.Slice(first * 3, weights.Length * 3);
                for (int k = 0; k < weights.Length; k++)
                {
                    red += taps[3 * k] * weights[k];
                    green += taps[3 * k + 1] * weights[k];
                    blue += taps[3 * k + 2] * weights[k];
                }
                (target[3 * column], target[3 * column + 1], target[3 * column + 2]) = (red, green, blue);
                continue;
            }
            Span<float> sums = target.Slice(column * channels, channels);
            for (int k = 0; k < weights.Length; k++) AddScaled(sums, source.Slice((first + k) * channels, channels), weights[k]);
        }
    }

    /// <summary>The second pass.</summary>
    /// <param name="source">[y.Inputs * rowLength].</param>
    /// <returns>[y.Outputs * rowLength].</returns>
    internal static float[] ResizeColumns(ReadOnlySpan<float> source, int rowLength, AxisWeights y)
    {
        var result = new float[y.Outputs * rowLength];
        for (int row = 0; row < y.Outputs; row++)
        {
            ReadOnlySpan<float> weights = y.SingleWeights(row, out int first);
            Span<float> target = result.AsSpan(row * rowLength, rowLength);
            for (int k = 0; k < weights.Length; k++) AddScaled(target, source.Slice((first + k) * rowLength, rowLength), weights[k]);
        }
        return result;
    }

    /// <summary>Repeats the border outwards.</summary>
    /// <param name="source">[height * width * channels].</param>
    /// <returns>[(top + height + bottom) * (left + width + right) * channels].</returns>
    public static T[] PadEdges<T>(ReadOnlySpan<T> source, int width, int height, int channels, int left, int top, int right, int bottom)
    {
        int wide = left + width + right, tall = top + height + bottom;
        var result = new T[tall * wide * channels];
        for (int row = 0; row < tall; row++)
        {
            int from = Math.Clamp(row - top, 0, height - 1);
            for (int column = 0; column < wide; column++)
                source.Slice((from * width + Math.Clamp(column - left, 0, width - 1)) * channels, channels).CopyTo(result.AsSpan((row * wide + column) * channels));
        }
        return result;
    }

    /// <summary>target += factor * source.</summary>
    internal static void AddScaled(Span<float> target, ReadOnlySpan<float> source, float factor)
    {
        int lanes = Vector<float>.Count, done = 0;
        if (target.Length >= lanes)
        {
            Span<Vector<float>> sums = MemoryMarshal.Cast<float, Vector<float>>(target);
            ReadOnlySpan<Vector<float>> terms = MemoryMarshal.Cast<float, Vector<float>>(source);
            for (int i = 0; i < sums.Length; i++) sums[i] += terms[i] * factor;
            done = sums.Length * lanes;
        }
        for (int i = done; i < target.Length; i++) target[i] += source[i] * factor;
    }
}
