using TorchSharp;
using static TorchSharp.torch;

namespace CorrMesh.Vision.Weights;

/// <summary>From stored arrays to tensors and back.</summary>
public static class TensorConversion
{
    /// <summary>A float32 tensor of the stored values, on the CPU, in the caller's dispose scope.</summary>
    public static Tensor ToTensor(this WeightArray array)
    {
        Tensor stored = torch.empty(array.Shape, ElementType(array.Type));
        if (array.Data.Length > 0) stored.bytes = array.Data;
        if (array.Type == WeightType.F32) return stored;
        using (stored) return stored.to(ScalarType.Float32);
    }

    /// <summary>Float32 tensors by name, in the caller's dispose scope.</summary>
    public static Dictionary<string, Tensor> ToTensors(this StateDict state) =>
        state.ToDictionary(pair => pair.Key, pair => pair.Value.ToTensor(), StringComparer.Ordinal);

    /// <summary>A float32 copy of a tensor's values.</summary>
    public static WeightArray ToWeightArray(this Tensor tensor)
    {
        using var scope = torch.NewDisposeScope();
        Tensor values = tensor.detach().to(ScalarType.Float32).cpu().contiguous();
        return WeightArray.FromFloats(values.data<float>().ToArray(), values.shape);
    }

    private static ScalarType ElementType(WeightType type) => type switch
    {
        WeightType.F32 => ScalarType.Float32,
        WeightType.F64 => ScalarType.Float64,
        WeightType.F16 => ScalarType.Float16,
        WeightType.BF16 => ScalarType.BFloat16,
        WeightType.I64 => ScalarType.Int64,
        WeightType.I32 => ScalarType.Int32,
        WeightType.I16 => ScalarType.Int16,
        WeightType.I8 => ScalarType.Int8,
        WeightType.U8 => ScalarType.Byte,
        _ => ScalarType.Bool,
    };
}
