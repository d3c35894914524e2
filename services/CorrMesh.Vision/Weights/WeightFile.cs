using System.Security.Cryptography;

namespace CorrMesh.Vision.Weights;

/// <summary>Weight files by name: which reader takes one, and its digest.</summary>
public static class WeightFile
{
    /// <summary>Reads a state dict: .safetensors by its ending, anything else as a file of torch.save.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="WeightFileException">The file is damaged, hostile, or of no known kind.</exception>
    public static StateDict Read(string path) => IsSafeTensors(path) ? SafeTensorsFile.Read(path).Arrays : TorchArchive.ReadStateDict(path);

    /// <summary>SHA-256 of the file's bytes, 64 lower-case hexadecimal digits.</summary>
    public static string Digest(string path)
    {
        using FileStream stream = File.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(stream));
    }

    internal static bool IsSafeTensors(string path) => path.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase);
}
