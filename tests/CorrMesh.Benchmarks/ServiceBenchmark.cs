using System.Diagnostics;
using System.Text.Json;
using CorrMesh.Training.Data;
using CorrMesh.Vision.Features;
using CorrMesh.Vision.Images;
using CorrMesh.Vision.Similarity;
using CorrMesh.Vision.Weights;
using SkiaSharp;

namespace CorrMesh.Benchmarks;

/// <summary>
/// The whole mesh as its users meet it: the host as a process of its own, the built-in model, `POST /v1/match` of 100 points
/// between two 640 x 480 JPEG pictures through the gateway, one client. Anchors run here, in process, on the same pictures.
/// </summary>
internal static class ServiceBenchmark
{
    private const int Width = 640, Height = 480, Pictures = 20, ColdPairs = 8, CachedPairs = 200, GridSide = 10;
    private const int FirstMemoryRequest = 200, LastMemoryRequest = 2000;
    private const double StartSeconds = 5, OverheadMs = 1, MemoryGrowth = 1.05;

    public static IReadOnlyList<BenchmarkRow> Run()
    {
        using var host = HostProcess.Start();
        using var anchor = new BareMatching(host.ModelDirectory);
        byte[][] pictures = [.. Enumerable.Range(0, Pictures + 2 * ColdPairs).Select(Picture)];
        var rows = new List<BenchmarkRow>
        {
            new("start, built, to ready", "s", host.StartSeconds, StartSeconds, null, 1, true, "anchor: the bound"),
        };

        var (coldMs, coldAnchorMs) = (new List<double>(), new List<double>());
        host.Match(pictures[0], pictures[1], GridSide);   // connections and code paths, not the network, whose sizes are warm
        for (int i = Pictures; i < pictures.Length; i += 2)
        {
            coldMs.Add(Milliseconds(() => host.Match(pictures[i], pictures[i + 1], GridSide)));
            coldAnchorMs.Add(Milliseconds(() => anchor.Cold(pictures[i], pictures[i + 1])));
        }

        rows.Add(new("/v1/match, cold, p50", "ms", Percentile(coldMs, 0.5), Percentile(coldAnchorMs, 0.5), null, null, true,
            "anchor: decoding, network and matching in process; no bound is set"));

        var (cachedMs, cachedAnchorMs) = (new List<double>(), new List<double>());
        anchor.Load(pictures[0], pictures[1]);
        for (int i = 0; i < CachedPairs; i++)
        {
            cachedMs.Add(Milliseconds(() => host.Match(pictures[0], pictures[1], GridSide)));
            cachedAnchorMs.Add(Milliseconds(anchor.Cached));
        }

        double bareMs = Percentile(cachedAnchorMs, 0.5);
        rows.Add(new("/v1/match, cached, p50", "ms", Percentile(cachedMs, 0.5), bareMs, null, (bareMs + OverheadMs) / bareMs, true,
            $"anchor: the bare matching; bound: anchor + {OverheadMs} ms; p99 {Percentile(cachedMs, 0.99):F2} ms"));

        double firstMb = 0;
        for (int i = 1; i <= LastMemoryRequest; i++)
        {
            host.Match(pictures[i % Pictures], pictures[(i * 7 + 3) % Pictures], GridSide);
            if (i == FirstMemoryRequest) firstMb = host.ResidentMb();
        }

        rows.Add(new($"memory after {LastMemoryRequest} requests over {Pictures} pictures", "MB", host.ResidentMb(), firstMb, null, MemoryGrowth, true,
            $"anchor: after {FirstMemoryRequest}"));
        return rows;
    }

    internal static byte[] Picture(int index)
    {
        PlanarViewSet scene = new PlanarPairGenerator(1).Generate(PlanarPairGenerator.FirstEvaluationIndex + index, 0.3, Width, 2);
        using var bitmap = new SKBitmap(new SKImageInfo(Width, Height, SKColorType.Rgba8888, SKAlphaType.Opaque));
        Span<byte> rgba = bitmap.GetPixelSpan();
        for (int i = 0; i < Width * Height; i++)
        {
            scene.Views[0].Pixels.AsSpan(3 * i, 3).CopyTo(rgba[(4 * i)..]);
            rgba[4 * i + 3] = 255;
        }

        for (int quality = 90; ; quality -= 10)
        {
            using SKData data = bitmap.Encode(SKEncodedImageFormat.Jpeg, quality);
            if (data.Size <= 100_000 || quality <= 10) return data.ToArray();
        }
    }

    internal static double Milliseconds(Action work)
    {
        long started = Stopwatch.GetTimestamp();
        work();
        return Stopwatch.GetElapsedTime(started).TotalMilliseconds;
    }

    internal static double Percentile(List<double> values, double share)
    {
        values.Sort();
        return values[Math.Min(values.Count - 1, (int)(share * values.Count))];
    }

    /// <summary>The same work without any service.</summary>
    private sealed class BareMatching : IDisposable
    {
        private readonly Vision.Backbones.VisionTransformer network;
        private readonly FeatureModel model;
        private readonly int tokens;
        private TokenGram source = null!, target = null!;

        public BareMatching(string modelDirectory)
        {
            using JsonDocument manifest = JsonDocument.Parse(File.ReadAllText(Path.Combine(modelDirectory, "manifest.json")));
            tokens = manifest.RootElement.GetProperty("default_tokens").GetInt32();
            network = BackboneFile.Load(Path.Combine(modelDirectory, manifest.RootElement.GetProperty("file").GetString()!), manifest.RootElement.GetProperty("heads").GetInt32());
            model = new FeatureModel(network);
        }

        public void Cold(byte[] left, byte[] right)
        {
            Load(left, right);
            Cached();
        }

        public void Load(byte[] left, byte[] right)
        {
            PreparedImage[] images = [.. new[] { left, right }.Select(bytes =>
            {
                RgbImage image = ImageDecoder.Decode(bytes);
                return PreparedImage.From(image, InputGeometry.ForTokens(image.Width, image.Height, tokens));
            })];
            FeatureMap[] maps = model.Extract(images);
            (source, target) = (TokenGram.Create(maps[0]), TokenGram.Create(maps[1]));
        }

        public void Cached()
        {
            float[] points = [.. Enumerable.Range(0, GridSide * GridSide).SelectMany(i => new[]
            {
                (i % GridSide + 0.5f) * Width / GridSide, (i / GridSide + 0.5f) * Height / GridSide,
            })];
            PixelMatch[] there = BestPosition.Find(target, KeypointSampler.Sample(source.Map, points, normalise: true));
            float[] matched = [.. there.SelectMany(match => new[] { match.X + 0.5f, match.Y + 0.5f })];
            BestPosition.Find(source, KeypointSampler.Sample(target.Map, matched, normalise: true));
        }

        public void Dispose()
        {
            model.Dispose();
            network.Dispose();
        }
    }
}
