using System.Security.Cryptography;

namespace CorrMesh.Vision.Weights;

/// <summary>Weight files: which reader takes one, and its digest.</summary>
public static class WeightFile
{
    /// <summary>Reads a state dict: .safetensors, or a file of torch.save. The content decides, since blobs have no ending.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="WeightFileException">The file is damaged, hostile, or of no known kind.</exception>
    public static StateDict Read(string path) => IsSafeTensors(path) ? SafeTensorsFile.Read(path).Arrays : TorchArchive.ReadStateDict(path);

    /// <summary>SHA-256 of the file's bytes, 64 lower-case hexadecimal digits.</summary>
    public static string Digest(string path)
    {
        using FileStream stream = File.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(stream));
    }

    // After the eight bytes of its length, a .safetensors header opens with a brace; a zip or a bare pickle has none there.
    internal static bool IsSafeTensors(string path)
    {
        if (path.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase)) return true;
        Span<byte> start = stackalloc byte[9];
        using FileStream stream = File.OpenRead(path);
        return stream.ReadAtLeast(start, start.Length, throwOnEndOfStream: false) == start.Length && start[8] == (byte)'{' && !start.StartsWith("PK"u8);
    }
}
