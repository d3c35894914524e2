using CorrMesh.Training.Optimisation;
using CorrMesh.Vision.Backbones;
using CorrMesh.Vision.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace CorrMesh.Training;

/// <summary>Weights, optimizer state and step of an interrupted run, in one safetensors file that is replaced as a whole.</summary>
internal static class TrainingCheckpoint
{
    private const string StepKey = "step";

    public static void Save(string path, int step, VisionTransformer network, HybridOptimizer optimizer)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        var state = new StateDict(path);
        foreach ((string name, Tensor tensor) in Tensors(network, optimizer))
            state.Add(name, WeightArray.FromFloats(tensor.data<float>().ToArray(), tensor.shape));
        SafeTensorsFile.Write(path, state, new Dictionary<string, string> { [StepKey] = step.ToString() });
    }

    /// <returns>The step to go on from; 0 when there is no checkpoint.</returns>
    /// <exception cref="WeightFileException">The checkpoint is damaged or of another network.</exception>
    public static int Restore(string path, VisionTransformer network, HybridOptimizer optimizer)
    {
        if (!File.Exists(path)) return 0;
        SafeTensors stored = SafeTensorsFile.Read(path);
        if (!stored.Metadata.TryGetValue(StepKey, out string? text) || !int.TryParse(text, out int step)) throw new WeightFileException(path, "not a training checkpoint");
        using var noGrad = torch.no_grad();
        foreach ((string name, Tensor tensor) in Tensors(network, optimizer))
        {
            WeightArray array = stored.Arrays[name];
            if (!array.Shape.SequenceEqual(tensor.shape)) throw new WeightFileException(path, $"{name}: [{string.Join(", ", tensor.shape)}] needed, [{string.Join(", ", array.Shape)}] stored");
            using Tensor value = array.ToTensor();
            tensor.copy_(value);
        }

        return step;
    }

    private static IEnumerable<(string Name, Tensor Tensor)> Tensors(VisionTransformer network, HybridOptimizer optimizer) =>
        network.named_parameters().Select(p => ($"model.{p.name}", (Tensor)p.parameter))
            .Concat(optimizer.State.OrderBy(s => s.Key, StringComparer.Ordinal).Select(s => ($"optimizer.{s.Key}", s.Value)));
}
