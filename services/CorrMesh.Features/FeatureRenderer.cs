using System.Diagnostics;
using CorrMesh.Features.Store;
using CorrMesh.Hosting;
using CorrMesh.Hosting.Errors;
using CorrMesh.Vision.Features;
using CorrMesh.Vision.Images;
using CorrMesh.Vision.Similarity;

namespace CorrMesh.Features;

/// <summary>Draws maps in colours that mean the same in every picture of a call.</summary>
public sealed class FeatureRenderer(ComputeGate gate)
{
    /// <param name="maps">Of one number of channels.</param>
    /// <param name="longSide">Longer side of each picture, pixels.</param>
    /// <returns>One PNG a map.</returns>
    /// <exception cref="FieldException">The maps differ in channels.</exception>
    public async Task<byte[][]> RenderAsync(IReadOnlyList<StoredMap> maps, int longSide, RequestTimer timer, CancellationToken cancellation)
    {
        for (int i = 1; i < maps.Count; i++)
        {
            if (maps[i].Map.Channels != maps[0].Map.Channels)
                throw new FieldException($"sources[{i}]", $"maps of the first one's {maps[0].Map.Channels} channels needed, {maps[i].Map.Channels} given; are all from one model?");
        }

        long started = Stopwatch.GetTimestamp();
        byte[][] pictures = await gate.RunAsync(
            () =>
            {
                FeatureMap[] unit = [.. maps.Select(m => AtSize(Unit(m.Map), longSide))];
                JointPca basis = JointPca.Fit(unit);
                return unit.Select(map =>
                {
                    cancellation.ThrowIfCancellationRequested();
                    return PngEncoder.Encode(basis.RenderImage(map));
                }).ToArray();
            },
            cancellation).ConfigureAwait(false);
        timer.AddCompute(Stopwatch.GetElapsedTime(started));
        return pictures;
    }

    /// <summary>The map with every token's descriptor scaled to unit length.</summary>
    public static FeatureMap Unit(FeatureMap map)
    {
        float[] values = [.. map.Values];
        for (int i = 0; i < map.TokenCount; i++) KeypointSampler.Normalise(values.AsSpan(i * map.Channels, map.Channels));
        return map with { Values = values };
    }

    // The same tokens as of an image of another size: only the axes' scales change.
    private static FeatureMap AtSize(FeatureMap map, int longSide)
    {
        double factor = (double)longSide / Math.Max(map.ImageWidth, map.ImageHeight);
        int width = Math.Max(1, (int)Math.Round(map.ImageWidth * factor)), height = Math.Max(1, (int)Math.Round(map.ImageHeight * factor));
        return map with
        {
            ImageWidth = width,
            ImageHeight = height,
            X = map.X with { Scale = map.X.Scale * map.ImageWidth / width },
            Y = map.Y with { Scale = map.Y.Scale * map.ImageHeight / height },
        };
    }
}
