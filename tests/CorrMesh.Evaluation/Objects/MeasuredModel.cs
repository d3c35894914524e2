using CorrMesh.Metrics;
using CorrMesh.Training.Measuring;
using CorrMesh.Vision.Adapters;
using CorrMesh.Vision.Backbones;
using CorrMesh.Vision.Features;
using CorrMesh.Vision.Weights;

namespace CorrMesh.Evaluation.Objects;

/// <summary>A model file, ready to be measured; used from the thread that made it.</summary>
internal sealed class MeasuredModel : IDisposable
{
    /// <param name="path">.safetensors or .pth with DINOv2 hub key names.</param>
    public MeasuredModel(string path) => (FilePath, Digest, Backbone) = (path, WeightFile.Digest(path), BackboneFile.Load(path));

    public string FilePath { get; }

    /// <summary>SHA-256 of the file, hex.</summary>
    public string Digest { get; }

    public VisionTransformer Backbone { get; }

    /// <summary>For headings.</summary>
    public string Title => $"{Path.GetFileName(FilePath)} sha256:{Digest}";

    /// <summary>The object's mean figures.</summary>
    /// <param name="adapter">Fits the backbone; null for the bare one.</param>
    public DenseCorrespondence Measure(ObjectProbe probe, EvaluationSettings settings, Adapter? adapter = null)
    {
        using var model = new FeatureModel(Backbone, adapter);
        return ModelEvaluator.Evaluate(model, probe, settings).Mean;
    }

    public void Dispose() => Backbone.Dispose();
}
