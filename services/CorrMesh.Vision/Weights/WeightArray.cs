using System.Runtime.InteropServices;

namespace CorrMesh.Vision.Weights;

/// <summary>One stored array: little-endian, C order, no gaps. Treated as immutable; arrays of tied weights may share their bytes.</summary>
public sealed class WeightArray
{
    /// <param name="type">Element type.</param>
    /// <param name="shape">Sizes, outermost first; empty for a scalar.</param>
    /// <param name="data">Elements in C order, little-endian.</param>
    /// <exception cref="ArgumentException">A size is negative, or the bytes are not as many as the shape needs.</exception>
    public WeightArray(WeightType type, long[] shape, byte[] data)
    {
        long count = CountElements(shape) ?? throw new ArgumentException($"shape: sizes of at least 0 with a product below 2^63 needed, [{string.Join(", ", shape)}] given", nameof(shape));
        if (count > data.LongLength || count * type.ElementSize() != data.LongLength)
            throw new ArgumentException($"data: {count} elements of {type} needed, {data.LongLength} bytes given", nameof(data));
        Type = type;
        Shape = shape;
        Data = data;
        ElementCount = count;
    }

    public WeightType Type { get; }

    public long[] Shape { get; }

    public byte[] Data { get; }

    public long ElementCount { get; }

    /// <summary>A float32 array with a copy of the values.</summary>
    public static WeightArray FromFloats(ReadOnlySpan<float> values, params long[] shape) =>
        new(WeightType.F32, shape, MemoryMarshal.AsBytes(values).ToArray());

    /// <summary>A float16 array of the values, each rounded to the nearest.</summary>
    public static WeightArray FromHalves(ReadOnlySpan<float> values, params long[] shape)
    {
        var halves = new Half[values.Length];
        for (int i = 0; i < halves.Length; i++) halves[i] = (Half)values[i];
        return new WeightArray(WeightType.F16, shape, MemoryMarshal.AsBytes(halves.AsSpan()).ToArray());
    }

    /// <summary>The values as float32; half, bfloat16, double and integers are converted.</summary>
    /// <returns>A new array of <see cref="ElementCount"/> values in C order.</returns>
    public float[] ToFloats()
    {
        var values = new float[ElementCount];
        switch (Type)
        {
            case WeightType.F32: MemoryMarshal.Cast<byte, float>(Data).CopyTo(values); break;
            case WeightType.F64: Convert<double>(values, x => (float)x); break;
            case WeightType.F16: Convert<Half>(values, x => (float)x); break;
            case WeightType.BF16: Convert<ushort>(values, x => BitConverter.UInt32BitsToSingle((uint)x << 16)); break;
            case WeightType.I64: Convert<long>(values, x => x); break;
            case WeightType.I32: Convert<int>(values, x => x); break;
            case WeightType.I16: Convert<short>(values, x => x); break;
            case WeightType.I8: Convert<sbyte>(values, x => x); break;
            default: Convert<byte>(values, x => x); break;
        }
        return values;
    }

    /// <summary>Product of the sizes, or null when one is negative or the product overflows.</summary>
    internal static long? CountElements(ReadOnlySpan<long> shape)
    {
        long count = 1;
        foreach (long size in shape)
        {
            if (size < 0 || (size > 0 && count > long.MaxValue / size)) return null;
            count *= size;
        }
        return count;
    }

    private void Convert<T>(float[] values, Func<T, float> convert) where T : unmanaged
    {
        ReadOnlySpan<T> stored = MemoryMarshal.Cast<byte, T>(Data);
        for (int i = 0; i < values.Length; i++) values[i] = convert(stored[i]);
    }
}
