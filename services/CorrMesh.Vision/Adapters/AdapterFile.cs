using System.Globalization;
using CorrMesh.Vision.Weights;

namespace CorrMesh.Vision.Adapters;

/// <summary>Reads adapters from the paper's Lightning checkpoints and from our .safetensors; writes the latter.</summary>
/// <remarks>
/// Checkpoint: top-level "w_a_000".. and "w_b_000".. (per adapted block first q, then v) and state_dict.refine_conv.
/// Ours: "lora.{i}.{q|v}.{a|b}" with i counted from the first adapted block, "refine.{i}.{weight|bias}", and the metadata
/// "format" = "corrmesh-adapter", "version" = "1".
/// </remarks>
public static class AdapterFile
{
    private const string Format = "corrmesh-adapter";
    private const string Version = "1";

    /// <summary>Reads .safetensors by its ending, anything else as a Lightning checkpoint.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="WeightFileException">The file is damaged, hostile, or not an adapter; the message names what is wrong.</exception>
    public static Adapter Read(string path)
    {
        try
        {
            return WeightFile.IsSafeTensors(path) ? ReadSafeTensors(path) : ReadCheckpoint(path);
        }
        catch (ArgumentException problem)
        {
            throw new WeightFileException(path, problem.Message, problem);
        }
    }

    /// <summary>Writes our layout, whole or not at all.</summary>
    /// <param name="path">Target, ending in .safetensors; replaced when it exists.</param>
    /// <param name="adapter">What to write.</param>
    /// <param name="metadata">Further free text by key, or null.</param>
    public static void Write(string path, Adapter adapter, IReadOnlyDictionary<string, string>? metadata = null)
    {
        if (!WeightFile.IsSafeTensors(path)) throw new ArgumentException($"path: an ending of .safetensors needed, '{Path.GetFileName(path)}' given", nameof(path));
        var state = new StateDict(path);
        for (int i = 0; i < adapter.Blocks.Count; i++)
        {
            LoraBlock block = adapter.Blocks[i];
            state.Add($"lora.{i}.q.a", WeightArray.FromFloats(block.QueryA, adapter.Rank, adapter.Width));
            state.Add($"lora.{i}.q.b", WeightArray.FromFloats(block.QueryB, adapter.Width, adapter.Rank));
            state.Add($"lora.{i}.v.a", WeightArray.FromFloats(block.ValueA, adapter.Rank, adapter.Width));
            state.Add($"lora.{i}.v.b", WeightArray.FromFloats(block.ValueB, adapter.Width, adapter.Rank));
        }
        for (int i = 0; i < adapter.Refine.Count; i++)
        {
            state.Add($"refine.{i}.weight", WeightArray.FromFloats(adapter.Refine[i].Weight, adapter.Width, adapter.Width, 3, 3));
            state.Add($"refine.{i}.bias", WeightArray.FromFloats(adapter.Refine[i].Bias, adapter.Width));
        }
        if (state.Count == 0) throw new ArgumentException("adapter: changes nothing, so there is nothing to write", nameof(adapter));
        var text = new Dictionary<string, string>(metadata ?? new Dictionary<string, string>()) { ["format"] = Format, ["version"] = Version };
        SafeTensorsFile.Write(path, state, text);
    }

    private static Adapter ReadSafeTensors(string path)
    {
        SafeTensors file = SafeTensorsFile.Read(path);
        string format = file.Metadata.GetValueOrDefault("format", ""), version = file.Metadata.GetValueOrDefault("version", "");
        if (format != Format || version != Version)
            throw new WeightFileException(path, $"metadata: format {Format} version {Version} needed, '{WeightFileException.Printable(format)}' version '{WeightFileException.Printable(version)}' given");
        StateDict state = file.Arrays;
        int blocks = CountWhile(i => state.Contains($"lora.{i}.q.a")), layers = CountWhile(i => state.Contains($"refine.{i}.weight"));
        return Assemble(path, state, blocks, (i, layer, part) => $"lora.{i}.{layer}.{part}", layers, i => $"refine.{i}.");
    }

    private static Adapter ReadCheckpoint(string path)
    {
        using TorchArchive archive = TorchArchive.Open(path);
        if (archive.Root is not PickleDictionary root) throw new WeightFileException(path, "its root is not a dictionary; is this a Lightning checkpoint?");
        var lora = new PickleDictionary();
        foreach ((object key, object? value) in root.Items)
            if (key is string name && (name.StartsWith("w_a_", StringComparison.Ordinal) || name.StartsWith("w_b_", StringComparison.Ordinal))) lora.Items[key] = value;
        StateDict state = archive.ReadStateDict(lora);
        int matrices = CountWhile(i => state.Contains(Lightning("w_a", i)));
        if (matrices % 2 != 0 || state.Count != 2 * matrices)
            throw new WeightFileException(path, $"as many w_b_* as w_a_* needed, numbered from 000, two per block; {matrices} w_a_* of {state.Count} matrices are in sequence");
        if (root["state_dict"] is PickleDictionary weights)
            foreach ((string name, WeightArray array) in archive.ReadStateDict(weights))
                state.Add(name, array);

        // One convolution is a layer of its own; several are a sequence whose parts are numbered.
        const string Refine = "refine_conv.";
        bool isSingle = state.Contains(Refine + "weight");
        int layers = isSingle ? 1 : CountWhile(i => state.Contains($"{Refine}{i}.weight"));
        if (matrices + layers == 0) throw new WeightFileException(path, "holds neither w_a_000 nor state_dict.refine_conv; is this a checkpoint of a fine-tuned model?");
        return Assemble(path, state, matrices / 2,
            (i, layer, part) => Lightning($"w_{part}", 2 * i + (layer == 'q' ? 0 : 1)), layers, i => isSingle ? Refine : $"{Refine}{i}.");
    }

    private static string Lightning(string prefix, int index) => string.Create(CultureInfo.InvariantCulture, $"{prefix}_{index:000}");

    private static Adapter Assemble(string path, StateDict state, int blocks, Func<int, char, char, string> loraName, int layers, Func<int, string> refinePrefix)
    {
        long[] first = blocks > 0 ? state[loraName(0, 'q', 'a')].Shape : layers > 0 ? [0, .. state[refinePrefix(0) + "bias"].Shape] : [];
        if (first is not [>= 0 and <= int.MaxValue, >= 1 and <= int.MaxValue]) throw new WeightFileException(path, $"first array: [r, D] or [D] expected, [{string.Join(", ", first)}] given");
        long rank = first[0], width = first[1];
        var lora = new List<LoraBlock>();
        for (int i = 0; i < blocks; i++)
            lora.Add(new LoraBlock(Take(loraName(i, 'q', 'a'), rank, width), Take(loraName(i, 'q', 'b'), width, rank), Take(loraName(i, 'v', 'a'), rank, width), Take(loraName(i, 'v', 'b'), width, rank)));
        var refine = new List<RefineLayer>();
        for (int i = 0; i < layers; i++)
            refine.Add(new RefineLayer(Take(refinePrefix(i) + "weight", width, width, 3, 3), Take(refinePrefix(i) + "bias", width)));
        int taken = 4 * blocks + 2 * layers;
        if (state.Count != taken) throw new WeightFileException(path, $"{taken} arrays expected of {blocks} blocks and {layers} convolutions, {state.Count} given");
        return new Adapter((int)width, (int)rank, lora, refine);

        float[] Take(string name, params long[] shape)
        {
            WeightArray array = state[name];
            if (!array.Shape.SequenceEqual(shape)) throw new WeightFileException(path, $"{name}: [{string.Join(", ", shape)}] needed, [{string.Join(", ", array.Shape)}] given");
            return array.ToFloats();
        }
    }

    private static int CountWhile(Func<int, bool> exists)
    {
        int count = 0;
        while (exists(count)) count++;
        return count;
    }
}
