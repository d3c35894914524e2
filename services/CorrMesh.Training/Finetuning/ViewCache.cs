using CorrMesh.Vision.Features;
using TorchSharp;
using static TorchSharp.torch;

namespace CorrMesh.Training.Finetuning;

/// <summary>A view under one augmentation.</summary>
/// <param name="Object">Position among the source's objects.</param>
/// <param name="View">Position among the object's views.</param>
/// <param name="Augmentation">Seed, or null for the view as it is.</param>
internal readonly record struct ViewKey(int Object, int View, ulong? Augmentation);

/// <summary>A view ready for the network, or what the frozen blocks made of it.</summary>
/// <param name="points">[N * 2] candidate points, corner-origin pixels.</param>
/// <param name="objectPoints">[N * 3].</param>
internal sealed class PreparedView(ViewKey key, PreparedImage image, float[] points, float[] objectPoints)
{
    public ViewKey Key => key;

    public InputGeometry Geometry { get; } = image.Geometry;

    public float[] Points => points;

    public float[] ObjectPoints => objectPoints;

    /// <summary>The network's input; null once <see cref="Trunk"/> is kept in its place.</summary>
    public PreparedImage? Image { get; set; } = image;

    /// <summary>The frozen blocks' output while the cache keeps it.</summary>
    public Tensor? Trunk { get; set; }

    public long Size => sizeof(float) * (points.LongLength + objectPoints.LongLength + (Image?.Planes.LongLength ?? 0) + (Trunk?.numel() ?? 0));
}

/// <summary>Views by key, the least recently used let go when they take more than a bound. One thread loads, one computes; the latter owns the tensors.</summary>
/// <param name="byteBound">0 keeps nothing.</param>
internal sealed class ViewCache(long byteBound) : IDisposable
{
    private readonly Lock gate = new();
    private readonly Dictionary<ViewKey, LinkedListNode<PreparedView>> places = [];
    private readonly LinkedList<PreparedView> order = [];   // most recently used last
    private readonly List<Tensor> retired = [];
    private long size;

    /// <summary>Bytes kept now.</summary>
    public long Size
    {
        get
        {
            lock (gate) return size;
        }
    }

    /// <summary>How often the frozen blocks were computed.</summary>
    public int TrunkCount { get; private set; }

    /// <summary>A view from the cache, or a new one.</summary>
    public PreparedView GetOrAdd(ViewKey key, Func<ViewKey, PreparedView> load)
    {
        lock (gate)
        {
            if (places.TryGetValue(key, out LinkedListNode<PreparedView>? place))
            {
                order.Remove(place);
                order.AddLast(place);
                return place.Value;
            }
        }
        PreparedView view = load(key);
        lock (gate)
        {
            places[key] = order.AddLast(view);
            size += view.Size;
            Trim();
        }
        return view;
    }

    /// <summary>Frees the tensors of views that were let go. Between two calls every tensor that <see cref="Trunk"/> gave stays valid.</summary>
    public void BeginStep()
    {
        lock (gate)
        {
            retired.ForEach(tensor => tensor.Dispose());
            retired.Clear();
        }
    }

    /// <summary>The frozen blocks' output for a view: kept, or computed and then kept if there is room.</summary>
    /// <param name="compute">Gives a tensor of the caller's dispose scope.</param>
    /// <param name="load">For a view that was let go between being asked for and being used.</param>
    public Tensor Trunk(PreparedView view, Func<PreparedImage, Tensor> compute, Func<ViewKey, PreparedView> load)
    {
        PreparedImage? image;
        lock (gate)
        {
            if (view.Trunk is { } kept) return kept;
            image = view.Image;
        }
        Tensor trunk = compute(image ?? load(view.Key).Image!);
        TrunkCount++;
        lock (gate)
        {
            if (!places.TryGetValue(view.Key, out LinkedListNode<PreparedView>? place) || place.Value != view) return trunk;
            size -= view.Size;
            (view.Trunk, view.Image) = (trunk.DetachFromDisposeScope(), null);
            size += view.Size;
            Trim();
        }
        return trunk;
    }

    public void Dispose()
    {
        BeginStep();
        foreach (PreparedView view in order) view.Trunk?.Dispose();
    }

    private void Trim()
    {
        while (size > byteBound && order.First is { } oldest)
        {
            PreparedView view = oldest.Value;
            size -= view.Size;
            order.RemoveFirst();
            places.Remove(view.Key);
            if (view.Trunk is not { } trunk) continue;
            retired.Add(trunk);
            view.Trunk = null;
        }
    }
}
