namespace CorrMesh.Vision.Weights;

/// <summary>A tensor as a torch file describes it: a strided view of a storage whose bytes have not been read.</summary>
/// <param name="StorageKey">Name of the storage's entry.</param>
/// <param name="Type">Element type.</param>
/// <param name="StorageCount">Elements of the storage.</param>
/// <param name="Offset">First element.</param>
/// <param name="Shape">Sizes, outermost first.</param>
/// <param name="Strides">Steps in elements; 0 repeats.</param>
public sealed record TorchTensor(string StorageKey, WeightType Type, long StorageCount, long Offset, long[] Shape, long[] Strides)
{
    public long ElementCount { get; } = WeightArray.CountElements(Shape) ?? 0;

    /// <summary>Whether the elements lie in C order without gaps.</summary>
    public bool IsContiguous
    {
        get
        {
            long step = 1;
            for (int i = Shape.Length - 1; i >= 0; i--)
            {
                if (Shape[i] != 1 && Strides[i] != step) return false;
                step *= Shape[i];
            }
            return true;
        }
    }
}

/// <summary>A storage that a persistent id names.</summary>
internal sealed record TorchStorage(string Key, WeightType Type, long Count);

/// <summary>The globals of torch's own files: tensors, parameters, OrderedDict, and names of types and devices.</summary>
internal sealed class TorchPickleHost : IPickleHost
{
    private const string Utils = "torch._utils";

    private static readonly Dictionary<string, WeightType> StorageTypes = new(StringComparer.Ordinal)
    {
        ["FloatStorage"] = WeightType.F32,
        ["DoubleStorage"] = WeightType.F64,
        ["HalfStorage"] = WeightType.F16,
        ["BFloat16Storage"] = WeightType.BF16,
        ["LongStorage"] = WeightType.I64,
        ["IntStorage"] = WeightType.I32,
        ["ShortStorage"] = WeightType.I16,
        ["CharStorage"] = WeightType.I8,
        ["ByteStorage"] = WeightType.U8,
        ["BoolStorage"] = WeightType.Bool,
    };

    // Names only: a file may say "torch.float16" somewhere in its settings, and nothing here looks at it.
    private static readonly HashSet<string> Names = new(StringComparer.Ordinal)
    {
        "float32", "float64", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool", "strided", "contiguous_format",
    };

    public bool Allows(PickleGlobal symbol) => (symbol.Module, symbol.Name) switch
    {
        (Utils, "_rebuild_tensor_v2" or "_rebuild_parameter") => true,
        ("collections", "OrderedDict") => true,
        ("torch", "Size" or "device") => true,
        ("torch", _) => StorageTypes.ContainsKey(symbol.Name) || Names.Contains(symbol.Name),
        _ => false,
    };

    public object? Invoke(PickleGlobal symbol, PickleTuple arguments) => (symbol.Module, symbol.Name) switch
    {
        (Utils, "_rebuild_tensor_v2") => RebuildTensor(arguments.Items),
        (Utils, "_rebuild_parameter") => arguments.Items is [TorchTensor tensor, bool, _] ? tensor : throw Misused(symbol),
        ("collections", "OrderedDict") => RebuildDictionary(symbol, arguments.Items),
        ("torch", "Size") => arguments.Items is [PickleTuple sizes] ? sizes : throw Misused(symbol),
        ("torch", "device") => arguments.Items is [string, ..] ? arguments : throw Misused(symbol),
        _ => throw new FormatException($"a call of '{symbol}' is not allowed"),
    };

    public object? LoadPersistent(object? id)
    {
        if (id is not PickleTuple { Items: ["storage", PickleGlobal { Module: "torch" } type, string key, string, long count] })
            throw new FormatException("a persistent id is not ('storage', type, key, device, count)");
        if (!StorageTypes.TryGetValue(type.Name, out WeightType element)) throw new FormatException($"storage type '{type}' is not known");
        if (count < 0) throw new FormatException($"storage '{WeightFileException.Printable(key)}': a count of at least 0 needed, {count} given");
        return new TorchStorage(key, element, count);
    }

    private static TorchTensor RebuildTensor(object?[] arguments)
    {
        if (arguments is not [TorchStorage storage, long offset, PickleTuple sizes, PickleTuple steps, bool, ..] || arguments.Length is < 6 or > 7)
            throw Misused(new PickleGlobal(Utils, "_rebuild_tensor_v2"));
        long[] shape = Longs(sizes, "sizes"), strides = Longs(steps, "strides");
        string where = $"tensor on storage '{WeightFileException.Printable(storage.Key)}'";
        if (shape.Length != strides.Length) throw new FormatException($"{where}: {shape.Length} sizes and {strides.Length} strides");
        if (offset < 0 || Array.Exists(strides, s => s < 0)) throw new FormatException($"{where}: offset and strides of at least 0 needed, {offset} and [{string.Join(", ", strides)}] given");
        long count = WeightArray.CountElements(shape) ?? throw new FormatException($"{where}: sizes [{string.Join(", ", shape)}] are negative or too large");
        if (count > 0)
        {
            Int128 last = offset;
            for (int i = 0; i < shape.Length; i++) last += (Int128)(shape[i] - 1) * strides[i];
            if (last >= storage.Count) throw new FormatException($"{where}: element {last} is past its {storage.Count} elements");
        }
        return new TorchTensor(storage.Key, storage.Type, storage.Count, offset, shape, strides);
    }

    // Python 3 makes an empty one and sets items afterwards; Python 2 passed a list of pairs.
    private static PickleDictionary RebuildDictionary(PickleGlobal global, object?[] arguments)
    {
        var dictionary = new PickleDictionary { IsOrdered = true };
        if (arguments.Length == 0) return dictionary;
        if (arguments is not [PickleList pairs]) throw Misused(global);
        foreach (object? pair in pairs.Items)
        {
            object?[] items = pair switch { PickleTuple tuple => tuple.Items, PickleList list => [.. list.Items], _ => [] };
            if (items is not [string key, var value]) throw Misused(global);
            dictionary.Items[key] = value;
        }
        return dictionary;
    }

    private static long[] Longs(PickleTuple tuple, string what)
    {
        if (tuple.Items.Length > 16) throw new FormatException($"{what}: at most 16 dimensions allowed, {tuple.Items.Length} given");
        return Array.ConvertAll(tuple.Items, item => item is long number ? number : throw new FormatException($"{what}: not all integers"));
    }

    private static FormatException Misused(PickleGlobal global) => new($"'{global}' is called with arguments that it does not take");
}
