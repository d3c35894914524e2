using System.IO.Compression;
using System.Runtime.InteropServices;

namespace CorrMesh.Rendering.Views;

/// <summary>Unpacks a zip of posed views; what it may not hold is refused before anything is written.</summary>
/// <remarks>
/// Only pictures and the texts that belong to them are unpacked; whatever else there is (meshes, hidden files) is passed over. Sizes are counted while unpacking, for
/// what an archive says of itself may be untrue.
/// </remarks>
public static class ViewArchive
{
    private const int MaxName = 255, MaxDepth = 8, LinkType = 0xA000, TypeMask = 0xF000;

    private static readonly string[] Endings = [".png", ".jpg", ".jpeg", ".json", ".txt", ".npy"];

    /// <summary>Most files of an archive, whatever they are.</summary>
    public const int MaxFiles = 10_000;

    /// <summary>Unpacks an archive.</summary>
    /// <param name="zip">The whole file.</param>
    /// <param name="folder">An empty folder; files are written below it and nowhere else.</param>
    /// <param name="maxBytes">Of all unpacked files together.</param>
    /// <param name="cancellation">Looked at between files.</param>
    /// <exception cref="InvalidDataException">The file is no zip, is damaged or encrypted, or holds links, unfit names, too many files or too many bytes; the message names the entry.</exception>
    public static void Extract(ReadOnlyMemory<byte> zip, string folder, long maxBytes, CancellationToken cancellation = default)
    {
        // Every entry costs memory before it is looked at.
        int count = CountEntries(zip.Span);
        if (count > MaxFiles) throw new InvalidDataException($"at most {MaxFiles} files allowed, {count} given");
        using var stream = Open(zip);
        using ZipArchive archive = Guard("a zip file needed", () => new ZipArchive(stream, ZipArchiveMode.Read));
        ZipArchiveEntry[] wanted = [.. Wanted(Guard("a zip file needed", () => archive.Entries))];
        long left = maxBytes;
        foreach (ZipArchiveEntry entry in wanted)
        {
            cancellation.ThrowIfCancellationRequested();
            string path = Path.Combine(folder, entry.FullName);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            left -= Copy(entry, path, left, maxBytes);
        }
    }

    private static IEnumerable<ZipArchiveEntry> Wanted(IEnumerable<ZipArchiveEntry> entries)
    {
        HashSet<string> names = new(StringComparer.Ordinal), folders = new(StringComparer.Ordinal);
        foreach (ZipArchiveEntry entry in entries)
        {
            string name = entry.FullName;
            CheckName(name);
            if (((entry.ExternalAttributes >> 16) & TypeMask) == LinkType) throw new InvalidDataException($"{Shorten(name)}: a file needed, a link given");
            if (entry.IsEncrypted) throw new InvalidDataException($"{Shorten(name)}: is encrypted");
            if (name.EndsWith('/') || name.Split('/').Any(part => part[0] == '.') || !Endings.Contains(Path.GetExtension(name), StringComparer.OrdinalIgnoreCase)) continue;
            if (!names.Add(name)) throw new InvalidDataException($"{Shorten(name)}: each name once allowed, given twice");
            bool isBoth = folders.Contains(name);
            for (int slash = name.IndexOf('/', StringComparison.Ordinal); slash > 0; slash = name.IndexOf('/', slash + 1))
                isBoth |= folders.Add(name[..slash]) && names.Contains(name[..slash]);
            if (isBoth) throw new InvalidDataException($"{Shorten(name)}: a file or a folder needed, both given");
            yield return entry;
        }
    }

    private static void CheckName(string name)
    {
        string[] parts = (name.EndsWith('/') ? name[..^1] : name).Split('/');
        bool isFit = name.Length <= MaxName && parts.Length <= MaxDepth && name.AsSpan().IndexOfAny('\\', ':') < 0 && !name.Any(char.IsControl) && parts.All(part => part is not ("" or "." or ".."));
        if (!isFit) throw new InvalidDataException($"'{Shorten(name)}': a name within the archive's own folder needed, at most {MaxName} characters and {MaxDepth} parts");
    }

    private static long Copy(ZipArchiveEntry entry, string path, long left, long maxBytes)
    {
        string name = Shorten(entry.FullName);
        using Stream from = Guard(name, entry.Open);
        using var to = new FileStream(path, FileMode.CreateNew);
        var buffer = new byte[81920];
        long copied = 0;
        while (Guard(name, () => from.Read(buffer)) is var read and > 0)
        {
            copied += read;
            if (copied > left) throw new InvalidDataException($"{name}: at most {maxBytes:N0} bytes of unpacked files allowed together, more given");
            to.Write(buffer, 0, read);
        }
        return copied;
    }

    // What the library says is wrong with an archive, with a name before it.
    private static T Guard<T>(string name, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (InvalidDataException exception)
        {
            throw new InvalidDataException($"{name}: {exception.Message}", exception);
        }
    }

    private static int CountEntries(ReadOnlySpan<byte> zip)
    {
        int count = 0;
        for (int at; (at = zip.IndexOf("PK\u0001\u0002"u8)) >= 0; count++) zip = zip[(at + 4)..];
        return count;
    }

    private static MemoryStream Open(ReadOnlyMemory<byte> zip) =>
        MemoryMarshal.TryGetArray(zip, out ArraySegment<byte> array) ? new MemoryStream(array.Array!, array.Offset, array.Count, writable: false) : new MemoryStream(zip.ToArray(), writable: false);

    private static string Shorten(string name) => name.Length <= 80 ? name : name[..80] + "...";
}
