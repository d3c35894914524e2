using System.Buffers.Binary;
using CorrMesh.Hosting.Errors;
using CorrMesh.Protos.Common.V1;
using Google.Protobuf;

namespace CorrMesh.Features;

/// <summary>Arrays to and from the wire's Tensor: little-endian, C order.</summary>
public static class WireTensors
{
    /// <summary>Bytes of one element.</summary>
    /// <exception cref="FieldException">The format is unknown.</exception>
    public static int ElementSize(DataType type, string field) => type switch
    {
        DataType.F32 => 4,
        DataType.F16 => 2,
        _ => throw new FieldException(field, $"F32 or F16 allowed, {(int)type} given"),
    };

    /// <summary>Refuses a format that is not known.</summary>
    /// <exception cref="FieldException">It is neither absent nor known.</exception>
    public static void CheckFormat(DataType type, string field)
    {
        if (type != DataType.Unspecified) _ = ElementSize(type, field);
    }

    /// <summary>Refuses values that would not fit into a message.</summary>
    /// <exception cref="FieldException">They would not.</exception>
    public static void CheckFits(long count, DataType type, int messageBytes, string field)
    {
        if (type == DataType.Unspecified) return;
        int room = Math.Min(1 << 20, messageBytes / 4);   // for everything else in the reply
        long bytes = count * ElementSize(type, field);
        if (bytes > messageBytes - room) throw new FieldException(field, $"at most {messageBytes - room} bytes of values fit in a reply, {bytes} needed; ask for F16, fewer tokens or fewer points");
    }

    /// <returns>Null when no values are wanted.</returns>
    public static Tensor? Encode(ReadOnlySpan<float> values, DataType type, params ReadOnlySpan<int> shape)
    {
        if (type == DataType.Unspecified) return null;
        var bytes = new byte[values.Length * ElementSize(type, "return_values")];
        for (int i = 0; i < values.Length; i++)
        {
            if (type == DataType.F32) BinaryPrimitives.WriteSingleLittleEndian(bytes.AsSpan(4 * i), values[i]);
            else BinaryPrimitives.WriteHalfLittleEndian(bytes.AsSpan(2 * i), (Half)values[i]);
        }

        var tensor = new Tensor { DataType = type, Data = UnsafeByteOperations.UnsafeWrap(bytes) };
        foreach (int size in shape) tensor.Shape.Add((uint)size);
        return tensor;
    }

    /// <summary>Reads an [N, C] matrix.</summary>
    /// <param name="maxRows">Most rows allowed.</param>
    /// <exception cref="FieldException">Shape, bytes or a value is refused.</exception>
    public static (int Rows, int Columns, float[] Values) DecodeMatrix(Tensor tensor, int maxRows, string field)
    {
        int size = ElementSize(tensor.DataType, $"{field}.data_type");
        if (tensor.Shape.Count != 2) throw new FieldException($"{field}.shape", $"[N, C] needed, {tensor.Shape.Count} axes given");
        if (tensor.Shape[0] < 1 || tensor.Shape[0] > maxRows) throw new FieldException($"{field}.shape", $"1 to {maxRows} rows allowed, {tensor.Shape[0]} given");
        if (tensor.Shape[1] < 1) throw new FieldException($"{field}.shape", "at least 1 column needed, 0 given");
        long count = (long)tensor.Shape[0] * tensor.Shape[1];
        if (count * size != tensor.Data.Length)
            throw new FieldException($"{field}.data", $"{count * size} bytes needed for [{tensor.Shape[0]}, {tensor.Shape[1]}], {tensor.Data.Length} given");
        ReadOnlySpan<byte> bytes = tensor.Data.Span;
        var values = new float[count];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = size == 4 ? BinaryPrimitives.ReadSingleLittleEndian(bytes[(4 * i)..]) : (float)BinaryPrimitives.ReadHalfLittleEndian(bytes[(2 * i)..]);
            if (!float.IsFinite(values[i])) throw new FieldException($"{field}.data", $"finite values needed, {values[i]} given in row {i / (int)tensor.Shape[1]}");
        }

        return ((int)tensor.Shape[0], (int)tensor.Shape[1], values);
    }
}
