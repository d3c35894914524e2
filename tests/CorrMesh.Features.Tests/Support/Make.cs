using CorrMesh.Features.Execution;
using CorrMesh.Features.Store;
using CorrMesh.Models;
using CorrMesh.Protos.Common.V1;
using CorrMesh.Protos.Features.V1;
using CorrMesh.Vision.Features;
using CorrMesh.Vision.Images;
using Google.Protobuf;
using FeatureStage = CorrMesh.Vision.Features.FeatureStage;

namespace CorrMesh.Features.Tests.Support;

/// <summary>Pictures, messages and parts of the service, for tests to start from.</summary>
internal static class Make
{
    public static ModelEntry Model(int width = 12, int patchSize = 14, int heads = 2) => new("tiny", new string('a', 64), "/nowhere", patchSize, width, 2, heads, 16, []);

    public static ResolvedSpec Spec(int tokens = 16, int stride = 14, ModelEntry? model = null, AdapterEntry? adapter = null, FeatureStage stage = FeatureStage.Normalised, PixelRegion? region = null) =>
        new(model ?? Model(), adapter, tokens, stride, stage, region);

    /// <summary>A seeded picture of soft blobs under fine noise: every place looks different.</summary>
    public static RgbImage Picture(int width, int height, int seed = 1)
    {
        var random = new Random(seed);
        double[] phase = [.. Enumerable.Range(0, 18).Select(_ => random.NextDouble() * 6.28)];
        var pixels = new byte[width * height * 3];
        for (int i = 0; i < pixels.Length; i++)
        {
            int c = i % 3, x = i / 3 % width, y = i / 3 / width;
            double value = 0;
            for (int k = 0; k < 3; k++) value += Math.Sin((0.05 + 0.04 * k) * x * (1 + c) + phase[c * 6 + k]) + Math.Cos((0.06 + 0.03 * k) * y + phase[c * 6 + 3 + k]);
            pixels[i] = (byte)Math.Clamp(128 + 18 * value + random.Next(-20, 21), 0, 255);
        }

        return new RgbImage(width, height, pixels);
    }

    public static byte[] Png(int width, int height, int seed = 1) => PngEncoder.Encode(Picture(width, height, seed));

    public static Image Encoded(byte[] file) => new() { Encoded = ByteString.CopyFrom(file) };

    public static Image Raw(RgbImage picture) => new()
    {
        Raw = new RawImage { Format = PixelFormat.Rgb8, Width = (uint)picture.Width, Height = (uint)picture.Height, Data = ByteString.CopyFrom(picture.Pixels) },
    };

    public static FeatureSource Source(byte[] file) => new() { Image = Encoded(file) };

    public static FeatureSource Source(int width = 96, int height = 64, int seed = 1) => Source(Png(width, height, seed));

    public static FeatureSource Key(string key) => new() { FeaturesKey = key };

    public static PointSelection Points(params (double X, double Y)[] points)
    {
        var list = new PointList();
        list.Points.Add(points.Select(p => new Point { X = p.X, Y = p.Y }));
        return new PointSelection { Points = list };
    }

    public static PointSelection Grid(uint columns, uint rows) => new() { Grid = new Grid { Columns = columns, Rows = rows } };

    /// <summary>What the engine is asked for a picture.</summary>
    public static ExtractionRequest Request(RgbImage picture, ResolvedSpec? spec = null)
    {
        spec ??= Spec();
        InputGeometry geometry = InputGeometry.ForTokens(picture.Width, picture.Height, spec.Tokens, spec.Model.PatchSize, spec.PatchStride);
        return new ExtractionRequest(PreparedImage.From(picture, geometry), spec);
    }

    /// <summary>A stored map of the fake network.</summary>
    public static StoredMap Map(int width = 96, int height = 64, int seed = 1, PixelRegion? region = null, int? wholeWidth = null, int? wholeHeight = null, string? key = null)
    {
        ResolvedSpec spec = Spec(region: region);
        FeatureMap map = StoredMap.Canonical(FakeEngine.MapOf(Request(Picture(width, height, seed), spec)));
        return new StoredMap(
            key ?? new string('1', 64), map, region ?? new PixelRegion(0, 0, width, height), wholeWidth ?? width, wholeHeight ?? height, MapIdentity.Of(spec));
    }
}
