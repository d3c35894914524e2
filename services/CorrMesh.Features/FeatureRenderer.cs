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
    /// <param name="sideBySide">All in one picture.</param>
    /// <returns>One PNG a map; or one of all.</returns>
    /// <exception cref="FieldException">The maps differ in channels.</exception>
    public async Task<byte[][]> RenderAsync(IReadOnlyList<StoredMap> maps, int longSide, bool sideBySide, RequestTimer timer, CancellationToken cancellation)
    {
        for (int i = 1; i < maps.Count; i++)
        {
            if (maps[i].Map.Channels != maps[0].Map.Channels)
                throw new FieldException($"sources[{i}]", $"maps of the first one's {maps[0].Map.Channels} channels needed, {maps[i].Map.Channels} given; are all from one model?");
        }

        return await gate.RunAsync(
            () =>
            {
                FeatureMap[] unit = [.. maps.Select(m => AtSize(Unit(m.Map), longSide))];
                JointPca basis = JointPca.Fit(unit);
                IEnumerable<RgbImage> pictures = unit.Select(map =>
                {
                    cancellation.ThrowIfCancellationRequested();
                    return basis.RenderImage(map);
                });
                return sideBySide ? [PngEncoder.Encode(SideBySide([.. pictures]))] : pictures.Select(PngEncoder.Encode).ToArray();
            },
            timer, cancellation).ConfigureAwait(false);
    }

    /// <summary>Pictures from left to right, aligned at the top, on white.</summary>
    public static RgbImage SideBySide(IReadOnlyList<RgbImage> pictures)
    {
        int width = pictures.Sum(picture => picture.Width), height = pictures.Max(picture => picture.Height), left = 0;
        byte[] pixels = new byte[3 * width * height];
        Array.Fill(pixels, (byte)255);
        foreach (RgbImage picture in pictures)
        {
            for (int y = 0; y < picture.Height; y++)
                picture.Pixels.AsSpan(3 * y * picture.Width, 3 * picture.Width).CopyTo(pixels.AsSpan(3 * (y * width + left)));
            left += picture.Width;
        }

        return new RgbImage(width, height, pixels);
    }

    /// <summary>The map with every token's descriptor scaled to unit length.</summary>
    public static FeatureMap Unit(FeatureMap map)
    {
        float[] values = [.. map.Values];
        for (int i = 0; i < map.TokenCount; i++) KeypointSampler.Normalise(values.AsSpan(i * map.Channels, map.Channels));
        return map with { Values = values };
    }

    /// <summary>The same tokens as of an image of another size: only the axes' scales change.</summary>
    /// <param name="longSide">Longer side of that image, pixels.</param>
    public static FeatureMap AtSize(FeatureMap map, int longSide)
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
