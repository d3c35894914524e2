using System.Numerics;
using CorrMesh.Vision.Images;

namespace CorrMesh.Rendering.Raster;

/// <summary>How pictures are made.</summary>
public sealed record RenderOptions
{
    /// <summary>Lamps.</summary>
    public Lighting Lighting { get; init; } = Lighting.Paper;

    /// <summary>Linear RGB where nothing is, without a <see cref="BackgroundImage"/>.</summary>
    public Vector3 Background { get; init; } = Vector3.Zero;

    /// <summary>What is seen where nothing is, of the picture's size; null for <see cref="Background"/>.</summary>
    public RgbImage? BackgroundImage { get; init; }

    /// <summary>Eight samples a pixel for colour where surfaces end; without, one. Depth and mask are those of the pixel's centre either way.</summary>
    public bool IsAntialiased { get; init; } = true;

    /// <summary>What is nearer to the camera is cut away, metres, above 0.</summary>
    public double NearMetres { get; init; } = 0.01;

    /// <summary>Threads that share a picture, 1 to 256. Their number changes no byte.</summary>
    public int Threads { get; init; } = 1;

    /// <exception cref="ArgumentException">A value out of its range.</exception>
    internal void Check(int width, int height)
    {
        if (!(NearMetres > 0) || !double.IsFinite(NearMetres)) throw new ArgumentException($"near plane: above 0 m needed, {NearMetres} given");
        if (Threads is < 1 or > 256) throw new ArgumentException($"threads: 1 to 256 needed, {Threads} given");
        if (BackgroundImage is { } image && (image.Width, image.Height) != (width, height)) throw new ArgumentException($"background: {width} x {height} pixels needed, {image.Width} x {image.Height} given");
    }
}
