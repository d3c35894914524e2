using CorrMesh.Geometry;
using CorrMesh.Vision.Images;

namespace CorrMesh.Training.Data;

/// <summary>Random scenes to put behind an object: a model that holds on to the background finds nothing there.</summary>
public sealed class Backdrop
{
    private readonly SceneComposer composer = new();
    private readonly Raster raster = new();

    /// <summary>Forgets the pictures before: what follows is as from a new one.</summary>
    public void Restart() => composer.Restart();

    /// <summary>A square picture; the same random sequence from a new or restarted one gives the same bytes.</summary>
    /// <param name="random">Decides.</param>
    /// <param name="size">Pixels a side.</param>
    public RgbImage Make(SeededRandom random, int size)
    {
        raster.Resize(size, size);
        composer.Compose(raster, random, 0.6f);
        Photometry.Clamp(raster);
        return new RgbImage(size, size, raster.ToBytes());
    }
}
