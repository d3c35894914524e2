using CorrMesh.TestKit;
using CorrMesh.Vision.Adapters;
using CorrMesh.Vision.Backbones;
using CorrMesh.Vision.Features;
using Xunit;

namespace CorrMesh.Vision.Tests.Features;

// Goal: the feature path is guarded in a checkout without the shared fixtures. Method: formula-made networks and pictures, results stored once parity
// with the public code was shown; tests/golden/README.md tells how. Tolerance: 1e-4 on values of order 1, ten times what other kernels change.
public class GoldenFeatureTests
{
    private const double Tolerance = 1e-4;

    private static readonly bool IsWriting = Environment.GetEnvironmentVariable("CORRMESH_WRITE_GOLDEN") == "1";

    public static TheoryData<string> Cases() => ["plain", "gated", "adapted", "stride7"];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Extract_FormulaMadeModel_MatchesStoredFeatures(string name)
    {
        (VisionTransformerConfig config, Adapter? adapter, int stride, FeatureStage stage) = name switch
        {
            "plain" => (TinyModel.Plain, null, 0, FeatureStage.Normalised),
            "gated" => (TinyModel.Gated, null, 0, FeatureStage.Normalised),
            "adapted" => (TinyModel.Gated, TinyModel.CreateAdapter(24, 2, 1), 0, FeatureStage.Normalised),
            _ => (TinyModel.Plain, TinyModel.CreateAdapter(24, 2, 1), 7, FeatureStage.PreNorm),
        };
        using VisionTransformer backbone = TinyModel.Create(config);
        using var model = new FeatureModel(backbone, adapter);
        InputGeometry geometry = InputGeometry.ForTokens(70, 45, 8, patchStride: stride);
        FeatureMap map = model.Extract([PreparedImage.From(TinyModel.Picture(70, 45), geometry)], stage)[0];
        Compare($"features_{name}.npy", map.Values, map.Y.Count, map.X.Count, map.Channels);

        float[] points = [0, 0, 12.5f, 8.25f, 69, 44, -3, 20, 35, 90, 40.75f, 22.125f];
        Compare($"keypoints_{name}.npy", KeypointSampler.Sample(map, points, normalise: true), points.Length / 2, map.Channels);
    }

    private static void Compare(string file, float[] values, params int[] shape)
    {
        string path = Checkout.Golden($"features/{file}");
        if (IsWriting)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            NpyFile.Write(path, values, shape);
        }
        NpyArray stored = NpyFile.Read(path);
        Assert.Equal(shape, stored.Shape);
        var comparison = new ArrayComparison("golden");
        comparison.Check(file, file, stored.Floats(), values, Tolerance);
        comparison.Print();
    }
}
