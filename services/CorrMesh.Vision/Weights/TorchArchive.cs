using System.IO.Compression;

namespace CorrMesh.Vision.Weights;

/// <summary>A file of <c>torch.save</c> (.pth, .pt, .ckpt): a zip with one pickle and one raw entry per storage.</summary>
/// <remarks>
/// Nothing is executed (see <see cref="PickleReader"/>). Storages are read when a tensor on them is asked for, so taking a
/// few tensors out of a large checkpoint costs a few tensors. Device tags such as "cuda:0" are ignored. Not for several threads.
/// </remarks>
public sealed class TorchArchive : IDisposable
{
    private const int MaxEntries = 100_000;
    private const int DescribedArrays = 100_000;
    private static readonly long MaxStorage = Array.MaxLength;

    private readonly string path;
    private readonly FileStream stream;
    private readonly ZipArchive zip;
    private readonly Dictionary<string, ZipArchiveEntry> entries = new(StringComparer.Ordinal);
    private readonly string folder;
    private readonly bool isBigEndian;
    private (string Key, WeightType Type, byte[] Data)? latest;
    private long budget;

    private TorchArchive(string path, FileStream stream)
    {
        this.path = path;
        this.stream = stream;
        if (!StartsAsZip(stream))
            throw new WeightFileException(path, "not a zip archive. torch.save wrote another layout before version 1.6; load it there and save it once more with a current torch");
        zip = new ZipArchive(stream, ZipArchiveMode.Read, leaveOpen: true);
        Index();
        string[] pickles = [.. entries.Keys.Where(name => name.EndsWith("/data.pkl", StringComparison.Ordinal))];
        if (pickles.Length != 1) throw new WeightFileException(path, $"one data.pkl needed, {pickles.Length} found; is this a file of torch.save?");
        folder = pickles[0][..^"data.pkl".Length];
        isBigEndian = entries.TryGetValue(folder + "byteorder", out ZipArchiveEntry? order) && IsBig(Read(order, 16));
        // Views may repeat (stride 0) or share a storage; a file cannot turn that into more memory than a few times its own size.
        budget = (16L << 20) + 4 * stream.Length;
        Root = PickleReader.Read(Read(entries[pickles[0]], new PickleLimits().MaxBytes), new TorchPickleHost(), path);
    }

    /// <summary>What the file holds: plain values, containers, and <see cref="TorchTensor"/>.</summary>
    public object? Root { get; }

    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="WeightFileException">The file is damaged, hostile, or not of this kind.</exception>
    public static TorchArchive Open(string path)
    {
        FileStream stream = File.OpenRead(path);
        try
        {
            return new TorchArchive(path, stream);
        }
        catch (Exception problem)
        {
            stream.Dispose();
            if (IsDamage(problem)) throw new WeightFileException(path, $"damaged archive: {problem.Message}", problem);
            throw;
        }
    }

    /// <summary>Every tensor of a checkpoint by name; inner dictionaries join their names with dots, other values are passed over.</summary>
    /// <remarks>A root that holds no tensor of its own but one dictionary "state_dict" or "model" stands for that dictionary.</remarks>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="WeightFileException">The file is damaged, hostile, or not of this kind, or a name is given twice.</exception>
    public static StateDict ReadStateDict(string path)
    {
        using TorchArchive archive = Open(path);
        if (archive.Root is not PickleDictionary root) throw new WeightFileException(path, "its root is not a dictionary of tensors");
        if (!root.Items.Values.Any(value => value is TorchTensor))
            root = root["state_dict"] as PickleDictionary ?? root["model"] as PickleDictionary ?? root;
        return archive.ReadStateDict(root);
    }

    /// <summary>The tensors of one dictionary of this file.</summary>
    /// <exception cref="WeightFileException">A storage is missing or damaged, or a name is given twice.</exception>
    public StateDict ReadStateDict(PickleDictionary dictionary)
    {
        var state = new StateDict(path);
        int visited = 0;
        Walk(dictionary, "");
        return state;

        void Walk(PickleDictionary level, string prefix)
        {
            foreach ((object key, object? value) in level.Items)
            {
                // Shared dictionaries multiply when they are written out under every name.
                if (++visited > DescribedArrays) throw new WeightFileException(path, $"at most {DescribedArrays} values allowed");
                if (key is not string name) continue;
                if (value is TorchTensor tensor) state.Add(prefix + name, Read(tensor));
                else if (value is PickleDictionary inner) Walk(inner, $"{prefix}{name}.");
            }
        }
    }

    /// <summary>The elements of a tensor in C order.</summary>
    /// <exception cref="WeightFileException">The storage is missing, damaged or too large.</exception>
    public WeightArray Read(TorchTensor tensor)
    {
        int size = tensor.Type.ElementSize();
        Int128 bytes = (Int128)tensor.ElementCount * size;
        if (bytes > budget || bytes > MaxStorage)
            throw new WeightFileException(path, $"tensors on storage '{WeightFileException.Printable(tensor.StorageKey)}' repeat more data than its file justifies");
        budget -= (long)bytes;
        if (bytes == 0) return new WeightArray(tensor.Type, tensor.Shape, []);
        byte[] storage = ReadStorage(tensor);
        if (tensor.IsContiguous)
        {
            bool whole = tensor.ElementCount == tensor.StorageCount;
            return new WeightArray(tensor.Type, tensor.Shape, whole ? storage : storage.AsSpan((int)(tensor.Offset * size), (int)bytes).ToArray());
        }
        var data = new byte[(int)bytes];
        Gather(tensor, storage, data, size);
        return new WeightArray(tensor.Type, tensor.Shape, data);
    }

    public void Dispose()
    {
        zip.Dispose();
        stream.Dispose();
    }

    private static void Gather(TorchTensor tensor, byte[] storage, byte[] data, int size)
    {
        var index = new long[tensor.Shape.Length];
        long position = tensor.Offset;
        for (int written = 0; written < data.Length; written += size)
        {
            storage.AsSpan((int)(position * size), size).CopyTo(data.AsSpan(written));
            for (int axis = index.Length - 1; axis >= 0; axis--)
            {
                position += tensor.Strides[axis];
                if (++index[axis] < tensor.Shape[axis]) break;
                position -= tensor.Strides[axis] * tensor.Shape[axis];
                index[axis] = 0;
            }
        }
    }

    private byte[] ReadStorage(TorchTensor tensor)
    {
        if (latest is { } held && held.Key == tensor.StorageKey && held.Type == tensor.Type) return held.Data;
        string name = $"{folder}data/{tensor.StorageKey}";
        if (!entries.TryGetValue(name, out ZipArchiveEntry? entry)) throw new WeightFileException(path, $"entry '{WeightFileException.Printable(name)}' is missing");
        int size = tensor.Type.ElementSize();
        Int128 needed = (Int128)tensor.StorageCount * size;
        if (entry.Length != needed) throw new WeightFileException(path, $"entry '{WeightFileException.Printable(name)}': {needed} bytes needed for its tensors, {entry.Length} given");
        byte[] data = Read(entry, MaxStorage);
        if (isBigEndian && size > 1)
            for (int i = 0; i < data.Length; i += size) data.AsSpan(i, size).Reverse();
        latest = (tensor.StorageKey, tensor.Type, data);
        return data;
    }

    // Torch stores without compression; insisting on it means that no entry can hold more than the file has.
    private void Index()
    {
        if (zip.Entries.Count > MaxEntries) throw new WeightFileException(path, $"at most {MaxEntries} entries allowed, {zip.Entries.Count} given");
        Int128 total = 0;
        foreach (ZipArchiveEntry entry in zip.Entries)
        {
            string shown = WeightFileException.Printable(entry.FullName);
            if (entry.IsEncrypted || entry.CompressedLength != entry.Length)
                throw new WeightFileException(path, $"entry '{shown}' is compressed or encrypted; torch stores entries as they are");
            total += entry.Length;
            if (total > stream.Length) throw new WeightFileException(path, $"its entries claim more than its {stream.Length} bytes");
            if (!entries.TryAdd(entry.FullName, entry)) throw new WeightFileException(path, $"entry '{shown}' is there twice");
        }
    }

    private byte[] Read(ZipArchiveEntry entry, long maxLength)
    {
        string shown = WeightFileException.Printable(entry.FullName);
        if (entry.Length > maxLength) throw new WeightFileException(path, $"entry '{shown}': at most {maxLength} bytes allowed, {entry.Length} given");
        try
        {
            using Stream content = entry.Open();
            var data = new byte[entry.Length];
            content.ReadExactly(data);
            return data;
        }
        catch (Exception problem) when (IsDamage(problem))
        {
            throw new WeightFileException(path, $"entry '{shown}' is damaged: {problem.Message}", problem);
        }
    }

    private bool IsBig(byte[] order) => System.Text.Encoding.ASCII.GetString(order).Trim() switch
    {
        "little" => false,
        "big" => true,
        var other => throw new WeightFileException(path, $"byteorder: little or big needed, '{WeightFileException.Printable(other)}' given"),
    };

    private static bool StartsAsZip(FileStream stream)
    {
        Span<byte> magic = stackalloc byte[4];
        bool isZip = stream.ReadAtLeast(magic, 4, throwOnEndOfStream: false) == 4 && magic.SequenceEqual("PK\u0003\u0004"u8);
        stream.Position = 0;
        return isZip;
    }

    private static bool IsDamage(Exception problem) =>
        problem is InvalidDataException or IOException or ArgumentException or NotSupportedException or OverflowException;
}
