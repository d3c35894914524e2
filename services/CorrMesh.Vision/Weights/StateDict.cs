using System.Collections;

namespace CorrMesh.Vision.Weights;

/// <summary>Named arrays in the order of their file: what a network's weights are before they become tensors.</summary>
public sealed class StateDict : IEnumerable<KeyValuePair<string, WeightArray>>
{
    private readonly OrderedDictionary<string, WeightArray> arrays = new(StringComparer.Ordinal);

    /// <param name="source">Where the arrays come from; messages begin with its file name.</param>
    public StateDict(string source = "state") => Source = source;

    public string Source { get; }

    public int Count => arrays.Count;

    public IEnumerable<string> Names => arrays.Keys;

    /// <summary>The shape of every array by name.</summary>
    public IReadOnlyDictionary<string, long[]> Shapes => arrays.ToDictionary(pair => pair.Key, pair => pair.Value.Shape, StringComparer.Ordinal);

    /// <exception cref="WeightFileException">There is no such array; the message names it and the file.</exception>
    public WeightArray this[string name] => arrays.TryGetValue(name, out WeightArray? array)
        ? array
        : throw new WeightFileException(Source, $"{name}: missing among its {Count} arrays");

    public bool Contains(string name) => arrays.ContainsKey(name);

    public bool TryGet(string name, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out WeightArray? array) => arrays.TryGetValue(name, out array);

    /// <exception cref="WeightFileException">The name is taken.</exception>
    public void Add(string name, WeightArray array)
    {
        if (!arrays.TryAdd(name, array)) throw new WeightFileException(Source, $"{WeightFileException.Printable(name)}: given twice");
    }

    public IEnumerator<KeyValuePair<string, WeightArray>> GetEnumerator() => arrays.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
