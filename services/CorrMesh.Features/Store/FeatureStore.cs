using System.Diagnostics.CodeAnalysis;

namespace CorrMesh.Features.Store;

/// <summary>Something the store can hold: it knows its own key, which is checked on every hit.</summary>
public interface IStoredValue
{
    /// <summary>Content address.</summary>
    string Key { get; }

    /// <summary>Bytes it occupies, to a good approximation.</summary>
    long SizeBytes { get; }
}

/// <summary>Keeps feature maps and descriptor sets in memory; the least recently used go first when the bound in bytes is met.</summary>
/// <remarks>Thread-safe. A value larger than the bound is not kept.</remarks>
/// <param name="capacityBytes">Most bytes held at any time.</param>
public sealed class FeatureStore(long capacityBytes)
{
    private readonly Lock gate = new();
    private readonly Dictionary<string, LinkedListNode<IStoredValue>> byKey = [];
    private readonly LinkedList<IStoredValue> byRecency = [];

    /// <summary>Bytes held now.</summary>
    public long SizeBytes { get; private set; }

    /// <summary>Values held now.</summary>
    public int Count
    {
        get
        {
            lock (gate) return byKey.Count;
        }
    }

    /// <summary>Finds a value and marks it as just used.</summary>
    public bool TryGet<T>(string key, [NotNullWhen(true)] out T? value)
        where T : class, IStoredValue
    {
        lock (gate)
        {
            value = null;
            if (!byKey.TryGetValue(key, out LinkedListNode<IStoredValue>? node) || node.Value is not T found || found.Key != key) return false;
            byRecency.Remove(node);
            byRecency.AddFirst(node);
            value = found;
            return true;
        }
    }

    /// <summary>Keeps a value, in the place of an older one with the same key.</summary>
    public void Put(IStoredValue value)
    {
        if (value.SizeBytes > capacityBytes) return;
        lock (gate)
        {
            if (byKey.TryGetValue(value.Key, out LinkedListNode<IStoredValue>? old)) Remove(old);
            byKey[value.Key] = byRecency.AddFirst(value);
            SizeBytes += value.SizeBytes;
            while (SizeBytes > capacityBytes) Remove(byRecency.Last!);
        }
    }

    private void Remove(LinkedListNode<IStoredValue> node)
    {
        byRecency.Remove(node);
        byKey.Remove(node.Value.Key);
        SizeBytes -= node.Value.SizeBytes;
    }
}
