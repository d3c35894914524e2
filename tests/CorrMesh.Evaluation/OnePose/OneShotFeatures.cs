using CorrMesh.Vision.Adapters;
using CorrMesh.Vision.Backbones;
using CorrMesh.Vision.Features;
using CorrMesh.Vision.Images;
using CorrMesh.Vision.Weights;

namespace CorrMesh.Evaluation.OnePose;

/// <summary>Descriptors as the paper's one-shot pose makes them: a token for every 8 pixels; used from the thread that made it.</summary>
internal sealed class OneShotFeatures : IDisposable
{
    private const int PixelsPerToken = 8, PatchSize = 14, MinSide = 16;

    // Added to a norm, where the samplers elsewhere have a floor.
    private const float NormOffset = 1e-9f;

    private readonly VisionTransformer backbone;
    private readonly FeatureModel model;

    /// <param name="path">.safetensors or .pth with DINOv2 hub key names.</param>
    /// <param name="adapter">Path of a fine-tuning's .ckpt or .safetensors, or null.</param>
    /// <param name="heads">Attention heads; null for the public checkpoints' head width of 64.</param>
    /// <exception cref="ArgumentException">The adapter does not fit, or patches are not of 14 pixels.</exception>
    public OneShotFeatures(string path, string? adapter = null, int? heads = null)
    {
        backbone = BackboneFile.Load(path, heads);
        backbone.eval();
        if (backbone.Config.PatchSize != PatchSize) throw new ArgumentException($"--model: patches of {PatchSize} pixels needed, {backbone.Config.PatchSize} given");
        model = new FeatureModel(backbone, adapter is null ? null : AdapterFile.Read(adapter));
        Title = string.Join(", ", new[] { path, adapter }.OfType<string>().Select(file => $"{Path.GetFileName(file)} sha256:{WeightFile.Digest(file)}"));
    }

    public int Channels => backbone.Config.Width;

    /// <summary>For headings.</summary>
    public string Title { get; }

    /// <summary>The descriptors of points in a picture, in float32, of unit length.</summary>
    /// <param name="image">Sides of at least 16 pixels; what is over a multiple of 8 is squeezed in.</param>
    /// <param name="points">[2 N] x, y, pixels; beyond the outermost tokens' centres these count.</param>
    /// <returns>[N * Channels].</returns>
    /// <exception cref="ArgumentException">The picture is too small.</exception>
    public float[] Describe(RgbImage image, ReadOnlySpan<float> points)
    {
        if (image.Width < MinSide || image.Height < MinSide) throw new ArgumentException($"image: sides of at least {MinSide} pixels needed, {image.Width} x {image.Height} given", nameof(image));
        int columns = image.Width / PixelsPerToken, rows = image.Height / PixelsPerToken;
        // The script resizes with OpenCV, which never antialiases. From 16 pixels on this enlarges, where nobody does.
        PreparedImage prepared = PreparedImage.From(image, new InputGeometry(image.Width, image.Height, columns * PatchSize, rows * PatchSize, PatchSize, PatchSize));
        // Keypoints are scaled by 14 / 8 and not by the picture's own factor: a token is 8 pixels, whatever was squeezed in.
        FeatureMap map = model.Extract([prepared])[0] with { X = Axis(columns), Y = Axis(rows) };
        float[] descriptors = KeypointSampler.Sample(map, points, normalise: false);
        for (int i = 0; i < descriptors.Length; i += Channels) Normalise(descriptors.AsSpan(i, Channels));
        return descriptors;
    }

    public void Dispose()
    {
        model.Dispose();
        backbone.Dispose();
    }

    private static TokenAxis Axis(int count) => new(count, 1f / PixelsPerToken, -0.5f);

    private static void Normalise(Span<float> descriptor)
    {
        double squares = 0;
        foreach (float value in descriptor) squares += (double)value * value;
        float norm = (float)Math.Sqrt(squares) + NormOffset;
        for (int i = 0; i < descriptor.Length; i++) descriptor[i] /= norm;
    }
}
