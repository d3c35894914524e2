using CorrMesh.Rendering.Meshes;

namespace CorrMesh.Rendering.Files;

/// <summary>The files that a mesh may name: textures, material libraries, buffers. Names are checked here and nowhere become other paths.</summary>
public abstract class MeshResources
{
    /// <summary>A mesh that must come whole in one file.</summary>
    public static MeshResources None { get; } = new Uploaded(new Dictionary<string, byte[]>());

    /// <summary>The files beside a mesh, and in folders below. Nothing above or outside, links included.</summary>
    public static MeshResources Folder(string folder) => new Beside(folder);

    /// <summary>Uploaded files by name ("/" between folders).</summary>
    public static MeshResources Of(IReadOnlyDictionary<string, byte[]> files) => new Uploaded(files);

    /// <summary>Reads a file by the name that a mesh gives it.</summary>
    /// <param name="name">Relative; percent-encoding undone by the caller.</param>
    /// <param name="budget">What this and the other files may still cost; takes the file's bytes off.</param>
    /// <exception cref="MeshRejectedException">The name leaves the folder, there is no such file, or it is too large.</exception>
    public byte[] Read(string name, ByteBudget budget)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(budget);
        CheckName(name);
        return Open(string.Join('/', name.Split('/').Where(part => part != ".")), budget)
            ?? throw new MeshRejectedException(MeshRejection.BadReference, $"mesh reference: '{Shown(name)}' is not there");
    }

    /// <exception cref="MeshRejectedException">The name is none of a file in the mesh's folder or below.</exception>
    internal static void CheckName(string name)
    {
        string[] parts = name.Split('/');
        bool isPlain = name.Length is > 0 and <= 255 && !name.Any(c => c is '\\' or ':' or < ' ') && !parts.Any(part => part is "" or "..");
        if (!isPlain) throw new MeshRejectedException(MeshRejection.BadReference, $"mesh reference: a relative name inside the mesh's folder needed, '{Shown(name)}' given");
    }

    /// <summary>The file's bytes, or null.</summary>
    protected abstract byte[]? Open(string name, ByteBudget budget);

    private static string Shown(string name) => new([.. name.Take(80).Select(c => char.IsControl(c) ? '?' : c)]);

    private sealed class Beside(string folder) : MeshResources
    {
        protected override byte[]? Open(string name, ByteBudget budget)
        {
            string at = folder;
            foreach (string part in name.Split('/'))
            {
                at = Path.Combine(at, part);
                FileSystemInfo info = Directory.Exists(at) ? new DirectoryInfo(at) : new FileInfo(at);
                if (info.LinkTarget is not null) return null;
            }
            if (!File.Exists(at)) return null;
            using FileStream file = File.OpenRead(at);
            budget.Take(file.Length);
            var bytes = new byte[file.Length];
            file.ReadExactly(bytes);
            return bytes;
        }
    }

    private sealed class Uploaded(IReadOnlyDictionary<string, byte[]> files) : MeshResources
    {
        protected override byte[]? Open(string name, ByteBudget budget)
        {
            if (!files.TryGetValue(name, out byte[]? bytes)) return null;
            budget.Take(bytes.Length);
            return bytes;
        }
    }
}

/// <summary>Counts the bytes that a mesh and its files take against <see cref="MeshFileLimits.MaxBytes"/>.</summary>
public sealed class ByteBudget(MeshFileLimits limits)
{
    private long taken;

    /// <exception cref="MeshRejectedException">The sum passes the bound.</exception>
    public void Take(long bytes) => limits.CheckBytes(taken += bytes);
}
