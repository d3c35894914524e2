using System.Numerics;
using CorrMesh.Geometry;
using CorrMesh.Training.Data;
using CorrMesh.Vision.Images;

namespace CorrMesh.Training.Measuring;

/// <summary>Random scenes to put behind an object: a model that holds on to the background finds nothing there.</summary>
internal sealed class Backdrop
{
    private readonly SceneComposer composer = new();
    private readonly Raster raster = new();

    /// <summary>A square picture; the same random sequence gives the same bytes.</summary>
    /// <param name="random">Decides.</param>
    /// <param name="size">Pixels a side.</param>
    public RgbImage Make(SeededRandom random, int size)
    {
        raster.Resize(size, size);
        composer.Compose(raster, random, 0.6f);
        Photometry.Clamp(raster);
        var pixels = new byte[3 * size * size];
        for (int i = 0; i < size * size; i++)
        {
            Vector4 colour = raster.Pixels[i] * 255 + new Vector4(0.5f);
            (pixels[3 * i], pixels[3 * i + 1], pixels[3 * i + 2]) = ((byte)colour.X, (byte)colour.Y, (byte)colour.Z);
        }
        return new RgbImage(size, size, pixels);
    }
}
