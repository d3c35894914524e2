namespace CorrMesh.Vision.Weights;

/// <summary>Element type of a stored array: F floating, BF bfloat16, I signed, U unsigned, with their bits; names as in .safetensors.</summary>
public enum WeightType
{
    F32,
    F64,
    F16,
    BF16,
    I64,
    I32,
    I16,
    I8,
    U8,
    Bool,
}

/// <summary>Facts about <see cref="WeightType"/>.</summary>
public static class WeightTypes
{
    /// <summary>Bytes an element takes.</summary>
    public static int ElementSize(this WeightType type) => type switch
    {
        WeightType.F64 or WeightType.I64 => 8,
        WeightType.F32 or WeightType.I32 => 4,
        WeightType.F16 or WeightType.BF16 or WeightType.I16 => 2,
        _ => 1,
    };
}
