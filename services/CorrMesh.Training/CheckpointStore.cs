using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using CorrMesh.Vision.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace CorrMesh.Training;

/// <summary>Where a run goes on.</summary>
/// <param name="Step">Updates done; 0 for the beginning.</param>
/// <param name="Damaged">Checkpoints that were found damaged and put aside, by file name.</param>
public sealed record RestoredRun(int Step, IReadOnlyList<string> Damaged);

/// <summary>Durable checkpoints of one run: the last two, each a safetensors file that carries its own digest. One process uses a folder at a time.</summary>
/// <remarks>
/// A file is written under another name, flushed to the disk and renamed, so a crash leaves whole checkpoints; what a disk damages nevertheless shows in the digest, and
/// the checkpoint before is taken. Draws are functions of seed and step, so the step is all of the random state.
/// </remarks>
/// <param name="folder">Of this run alone; made when first needed.</param>
/// <param name="identity">What two runs must have in common to share checkpoints, by name; stored, and compared when restoring.</param>
public sealed class CheckpointStore(string folder, IReadOnlyDictionary<string, string> identity)
{
    /// <summary>Checkpoints kept.</summary>
    public const int Kept = 2;

    private const string StepKey = "step", DigestKey = "digest", Prefix = "step-", Ending = ".safetensors", DamagedEnding = ".damaged";

    /// <summary>Writes a checkpoint, then lets go of all but the last <see cref="Kept"/>.</summary>
    /// <param name="step">Updates done.</param>
    /// <param name="tensors">Everything that the run needs to go on, by name; float32.</param>
    /// <exception cref="CheckpointException">The folder cannot be written or is full. Earlier checkpoints are untouched.</exception>
    public void Save(int step, IEnumerable<(string Name, Tensor Tensor)> tensors)
    {
        string path = PathOf(step);
        try
        {
            Directory.CreateDirectory(folder);
            var state = new StateDict(path);
            foreach ((string name, Tensor tensor) in tensors) state.Add(name, tensor.ToWeightArray());
            var metadata = new Dictionary<string, string>(identity) { [StepKey] = step.ToString(CultureInfo.InvariantCulture) };
            metadata[DigestKey] = Digest(state, metadata);
            SafeTensorsFile.Write(path, state, metadata);
            foreach (string old in Files().Where(file => file != path).Skip(Kept - 1)) File.Delete(old);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException($"checkpoint of step {step}: {folder} cannot be written: {problem.Message} {Remaining()}", problem);
        }
    }

    /// <summary>Copies the newest sound checkpoint into the tensors; damaged ones are renamed, so that they count no more and can be looked at.</summary>
    /// <param name="tensors">As they were saved.</param>
    /// <exception cref="CheckpointException">A checkpoint is of another run, or the folder cannot be read; nothing has been copied.</exception>
    public RestoredRun Restore(IEnumerable<(string Name, Tensor Tensor)> tensors)
    {
        try
        {
            if (!Directory.Exists(folder)) return new RestoredRun(0, []);
            // A crash while writing leaves its temporary file.
            foreach (string unfinished in Directory.GetFiles(folder, $"{Prefix}*.tmp")) File.Delete(unfinished);
            var damaged = new List<string>();
            foreach (string path in Files())
            {
                if (ReadSound(path) is { } stored)
                {
                    RequireSameRun(path, stored.Metadata);
                    Copy(path, stored.Arrays, [.. tensors]);
                    return new RestoredRun(int.Parse(stored.Metadata[StepKey], CultureInfo.InvariantCulture), damaged);
                }
                File.Move(path, path + DamagedEnding, overwrite: true);
                damaged.Add(Path.GetFileName(path));
            }
            return new RestoredRun(0, damaged);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException($"checkpoints: {folder} cannot be read: {problem.Message}", problem);
        }
    }

    /// <summary>Where the checkpoint of a step lies.</summary>
    public string PathOf(int step) => Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"{Prefix}{step:00000000}{Ending}"));

    // Newest first.
    private IEnumerable<string> Files() => Directory.GetFiles(folder, $"{Prefix}*{Ending}").OrderDescending(StringComparer.Ordinal);

    private string Remaining()
    {
        string? last = Directory.Exists(folder) ? Files().FirstOrDefault() : null;
        return last is null ? "There is no earlier one." : $"{Path.GetFileName(last)} is kept.";
    }

    private static SafeTensors? ReadSound(string path)
    {
        try
        {
            SafeTensors stored = SafeTensorsFile.Read(path);
            return stored.Metadata.TryGetValue(DigestKey, out string? digest) && digest == Digest(stored.Arrays, stored.Metadata) ? stored : null;
        }
        catch (WeightFileException)
        {
            return null;
        }
    }

    private void RequireSameRun(string path, IReadOnlyDictionary<string, string> metadata)
    {
        foreach ((string key, string needed) in identity)
        {
            if (metadata.GetValueOrDefault(key) != needed)
                throw new CheckpointException($"{Path.GetFileName(path)}: a checkpoint of {key} {needed} needed, {metadata.GetValueOrDefault(key, "none")} given; another run needs a folder of its own");
        }
    }

    private static void Copy(string path, StateDict stored, (string Name, Tensor Tensor)[] tensors)
    {
        string[] names = [.. tensors.Select(t => t.Name)];
        if (!stored.Names.Order(StringComparer.Ordinal).SequenceEqual(names.Order(StringComparer.Ordinal)))
            throw new CheckpointException($"{Path.GetFileName(path)}: {names.Length} arrays of this run needed, {stored.Count} of another given");
        foreach ((string name, Tensor tensor) in tensors)
        {
            if (!stored[name].Shape.SequenceEqual(tensor.shape))
                throw new CheckpointException($"{Path.GetFileName(path)}: {name}: [{string.Join(", ", tensor.shape)}] needed, [{string.Join(", ", stored[name].Shape)}] given");
        }
        using var scope = torch.NewDisposeScope();
        using var noGrad = torch.no_grad();
        foreach ((string name, Tensor tensor) in tensors) tensor.copy_(stored[name].ToTensor());
    }

    // SHA-256 over everything in the file but the digest itself, each part with its length, so that no two contents give the same bytes.
    private static string Digest(StateDict arrays, IReadOnlyDictionary<string, string> metadata)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> length = stackalloc byte[8];
        foreach ((string key, string value) in metadata.Where(pair => pair.Key != DigestKey).OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            Append(length, Encoding.UTF8.GetBytes(key));
            Append(length, Encoding.UTF8.GetBytes(value));
        }
        foreach ((string name, WeightArray array) in arrays.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            Append(length, Encoding.UTF8.GetBytes(name));
            Append(length, Encoding.UTF8.GetBytes($"{array.Type}[{string.Join(',', array.Shape)}]"));
            Append(length, array.Data);
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());

        void Append(Span<byte> prefix, ReadOnlySpan<byte> part)
        {
            BinaryPrimitives.WriteInt64LittleEndian(prefix, part.Length);
            hash.AppendData(prefix);
            hash.AppendData(part);
        }
    }
}
