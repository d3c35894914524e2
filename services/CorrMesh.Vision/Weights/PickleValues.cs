namespace CorrMesh.Vision.Weights;

/// <summary>What a pickle may build beyond plain values: the globals it may name, the calls it may make. Answers with data; never runs what the file names.</summary>
/// <remarks>Plain values are null, bool, long, BigInteger, double, string, byte[], and the containers of this file.</remarks>
public interface IPickleHost
{
    /// <summary>Whether the file may name this global at all.</summary>
    bool Allows(PickleGlobal symbol);

    /// <summary>The value that calling an allowed global stands for.</summary>
    /// <exception cref="FormatException">The global takes no call, or not with these arguments.</exception>
    object? Invoke(PickleGlobal symbol, PickleTuple arguments);

    /// <summary>The value of a persistent id.</summary>
    /// <exception cref="FormatException">The id means nothing here.</exception>
    object? LoadPersistent(object? id);
}

/// <summary>A host for files of plain values only.</summary>
public sealed class PlainPickleHost : IPickleHost
{
    public bool Allows(PickleGlobal symbol) => false;

    public object? Invoke(PickleGlobal symbol, PickleTuple arguments) => throw new FormatException($"'{symbol}' cannot be called");

    public object? LoadPersistent(object? id) => throw new FormatException("persistent ids are not allowed");
}

/// <summary>The name of something in a Python module; only ever a name.</summary>
public sealed record PickleGlobal(string Module, string Name)
{
    public override string ToString() => WeightFileException.Printable($"{Module}.{Name}");
}

/// <summary>A Python tuple.</summary>
public sealed class PickleTuple(object?[] items)
{
    public object?[] Items { get; } = items;
}

/// <summary>A Python list.</summary>
public sealed class PickleList
{
    public List<object?> Items { get; } = [];
}

/// <summary>A Python set or frozenset of plain scalars.</summary>
public sealed class PickleSet
{
    public HashSet<object> Items { get; } = new(PickleKeys.Instance);
}

/// <summary>A Python dict or OrderedDict in insertion order, with plain scalars as keys.</summary>
public sealed class PickleDictionary
{
    public OrderedDictionary<object, object?> Items { get; } = new(PickleKeys.Instance);

    /// <summary>Whether the file called it an OrderedDict; such objects may carry attributes, which are ignored.</summary>
    public bool IsOrdered { get; init; }

    public object? this[string key] => Items.GetValueOrDefault(key);
}

/// <summary>Equality of dictionary keys. Integers hash with a per-process seed: a file cannot choose keys that collide.</summary>
internal sealed class PickleKeys : IEqualityComparer<object>
{
    public static readonly PickleKeys Instance = new();

    /// <summary>Stands for None as a key.</summary>
    public static readonly object None = new();

    public static bool Allows(object? key) => key is null or string or long or bool;

    public new bool Equals(object? x, object? y) => object.Equals(x, y);

    public int GetHashCode(object obj) => obj switch
    {
        string text => text.GetHashCode(StringComparison.Ordinal),
        long number => HashCode.Combine((int)number, (int)(number >> 32)),
        _ => obj.GetHashCode(),
    };
}
