using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;
using CorrMesh.Geometry;

namespace CorrMesh.Rendering.Views;

/// <summary>Poses as an N x 4 x 4 array of doubles in numpy's format 1.0, as the paper's obj_poses.npy.</summary>
internal static partial class NpyPoses
{
    private const int MaxPoses = 100_000;

    public static void Write(string path, IReadOnlyList<RigidPose> poses)
    {
        string header = $"{{'descr': '<f8', 'fortran_order': False, 'shape': ({poses.Count}, 4, 4), }}";
        header = header.PadRight((header.Length + 11 + 63) / 64 * 64 - 11) + "\n";
        using FileStream file = File.Create(path);
        file.Write([0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y', 1, 0, (byte)header.Length, (byte)(header.Length >> 8)]);
        file.Write(Encoding.Latin1.GetBytes(header));
        foreach (RigidPose pose in poses) file.Write(MemoryMarshal.AsBytes<double>(pose.Matrix()));
    }

    /// <exception cref="InvalidDataException">Not such an array, or a matrix that is no pose.</exception>
    public static RigidPose[] Read(string path)
    {
        string name = Path.GetFileName(path);
        byte[] file = File.ReadAllBytes(path);
        if (file.Length < 10 || !file.AsSpan(0, 8).SequenceEqual((ReadOnlySpan<byte>)[0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y', 1, 0])) throw new InvalidDataException($"{name}: numpy's format 1.0 needed, other bytes given");
        int start = 10 + BinaryPrimitives.ReadUInt16LittleEndian(file.AsSpan(8));
        string header = start <= file.Length ? Encoding.Latin1.GetString(file, 10, start - 10) : "";
        Match shape = Shape().Match(header);
        if (!shape.Success || !header.Contains("'<f8'", StringComparison.Ordinal) || !header.Contains("'fortran_order': False", StringComparison.Ordinal))
            throw new InvalidDataException($"{name}: N x 4 x 4 doubles in C order needed, '{header.Trim()}' given");
        if (!int.TryParse(shape.Groups[1].Value, out int count) || count > MaxPoses) throw new InvalidDataException($"{name}: at most {MaxPoses} poses, {shape.Groups[1].Value} given");
        if (file.Length - start < 128L * count) throw new InvalidDataException($"{name}: {128L * count} bytes needed for {count} poses, {file.Length - start} given");
        ReadOnlySpan<double> values = MemoryMarshal.Cast<byte, double>(file.AsSpan(start, 128 * count));
        var poses = new RigidPose[count];
        for (int i = 0; i < count; i++) poses[i] = PoseFiles.Pose(values.Slice(16 * i, 16), $"{name}[{i}]");
        return poses;
    }

    [GeneratedRegex(@"'shape': \((\d{1,9}), 4, 4\)")]
    private static partial Regex Shape();
}

/// <summary>Matrices of text and array files to poses and cameras, with the file's name in what goes wrong.</summary>
internal static class PoseFiles
{
    /// <exception cref="InvalidDataException">The values are no pose.</exception>
    public static RigidPose Pose(ReadOnlySpan<double> values, string name)
    {
        try
        {
            return RigidPose.FromRowMajor(values);
        }
        catch (ArgumentException e)
        {
            throw new InvalidDataException($"{name}: {e.Message}", e);
        }
    }

    /// <exception cref="InvalidDataException">The values are no camera.</exception>
    public static PinholeCamera Camera(ReadOnlySpan<double> intrinsics, int width, int height, string name)
    {
        try
        {
            return PinholeCamera.FromMatrix(intrinsics, width, height);
        }
        catch (ArgumentException e)
        {
            throw new InvalidDataException($"{name}: {e.Message}", e);
        }
    }

    /// <summary>The numbers of a text file, as numpy's savetxt writes them.</summary>
    /// <exception cref="InvalidDataException">Something else is in it, or not as many.</exception>
    public static double[] Numbers(string path, params int[] counts)
    {
        string name = Path.GetFileName(path);
        if (new FileInfo(path).Length > 1 << 16) throw new InvalidDataException($"{name}: at most 65536 bytes, more given");
        string[] words = File.ReadAllText(path).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        if (!counts.Contains(words.Length)) throw new InvalidDataException($"{name}: {string.Join(" or ", counts)} numbers needed, {words.Length} given");
        return Array.ConvertAll(words, word => double.TryParse(word, System.Globalization.CultureInfo.InvariantCulture, out double value) ? value : throw new InvalidDataException($"{name}: a number needed, '{word}' given"));
    }
}
