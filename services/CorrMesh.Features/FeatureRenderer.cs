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
                FeatureMap[] unit = [.. maps.Select(m => m.Map.Unit().AtSize(longSide))];
                JointPca basis = JointPca.Fit(unit);
                IEnumerable<RgbImage> pictures = unit.Select(map =>
                {
                    cancellation.ThrowIfCancellationRequested();
                    return basis.RenderImage(map);
                });
                return sideBySide ? [PngEncoder.Encode(RgbImage.SideBySide([.. pictures]))] : pictures.Select(PngEncoder.Encode).ToArray();
            },
            timer, cancellation).ConfigureAwait(false);
    }
}
