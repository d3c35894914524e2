using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;
using CorrMesh.Training.Optimisation;
using CorrMesh.Vision.Backbones;
using TorchSharp;
using static TorchSharp.torch;

namespace CorrMesh.Training;

/// <summary>Weights, optimizer state and step of an interrupted run, in one safetensors file written to a temporary name and renamed.</summary>
internal static class TrainingCheckpoint
{
    public static void Save(string path, int step, VisionTransformer network, HybridOptimizer optimizer)
    {
        var header = new SortedDictionary<string, object> { ["__metadata__"] = new Dictionary<string, string> { ["step"] = step.ToString() } };
        var parts = new List<float[]>();
        long offset = 0;
        foreach ((string name, Tensor tensor) in Tensors(network, optimizer))
        {
            float[] values = tensor.data<float>().ToArray();
            header[name] = new { dtype = "F32", shape = tensor.shape, data_offsets = new[] { offset, offset + 4L * values.Length } };
            offset += 4L * values.Length;
            parts.Add(values);
        }

        byte[] json = JsonSerializer.SerializeToUtf8Bytes(header);
        string temporary = path + ".tmp";
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        using (var file = new FileStream(temporary, FileMode.Create))
        {
            Span<byte> length = stackalloc byte[8];
            BinaryPrimitives.WriteInt64LittleEndian(length, json.Length);
            file.Write(length);
            file.Write(json);
            foreach (float[] part in parts) file.Write(MemoryMarshal.AsBytes(part.AsSpan()));
            file.Flush(flushToDisk: true);
        }

        File.Move(temporary, path, overwrite: true);
    }

    /// <returns>The step to go on from; 0 when there is no checkpoint.</returns>
    public static int Restore(string path, VisionTransformer network, HybridOptimizer optimizer)
    {
        if (!File.Exists(path)) return 0;
        byte[] bytes = File.ReadAllBytes(path);
        int length = (int)BinaryPrimitives.ReadInt64LittleEndian(bytes);
        using JsonDocument header = JsonDocument.Parse(bytes.AsMemory(8, length));
        using var noGrad = torch.no_grad();
        foreach ((string name, Tensor tensor) in Tensors(network, optimizer))
        {
            long begin = header.RootElement.GetProperty(name).GetProperty("data_offsets")[0].GetInt64();
            float[] values = MemoryMarshal.Cast<byte, float>(bytes.AsSpan((int)(8 + length + begin), (int)(4 * tensor.NumberOfElements))).ToArray();
            using Tensor stored = torch.tensor(values, tensor.shape);
            tensor.copy_(stored);
        }

        return int.Parse(header.RootElement.GetProperty("__metadata__").GetProperty("step").GetString()!);
    }

    private static IEnumerable<(string Name, Tensor Tensor)> Tensors(VisionTransformer network, HybridOptimizer optimizer) =>
        network.named_parameters().Select(p => ($"model.{p.name}", (Tensor)p.parameter))
            .Concat(optimizer.State.OrderBy(s => s.Key, StringComparer.Ordinal).Select(s => ($"optimizer.{s.Key}", s.Value)));
}
