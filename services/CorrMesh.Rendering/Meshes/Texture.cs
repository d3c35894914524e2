using System.Numerics;
using CorrMesh.Vision.Images;

namespace CorrMesh.Rendering.Meshes;

/// <summary>How a texture goes on beyond its edges.</summary>
public enum TextureWrap
{
    Repeat,
    Mirror,
    Clamp,
}

/// <summary>An sRGB picture on a surface, filtered: bilinear between texels, linear between mipmaps, up to four probes along a slanted footprint.</summary>
public sealed class Texture : ISurfaceColour
{
    private const int MaxProbes = 4;
    private readonly (int Width, int Height, uint[] Texels)[] levels;
    private readonly TextureWrap wrapX, wrapY;

    /// <param name="picture">sRGB; row 0 is v = 0.</param>
    public Texture(RgbImage picture, TextureWrap wrapX = TextureWrap.Repeat, TextureWrap wrapY = TextureWrap.Repeat)
    {
        ArgumentNullException.ThrowIfNull(picture);
        (this.wrapX, this.wrapY, Width, Height) = (wrapX, wrapY, picture.Width, picture.Height);
        var texels = new uint[picture.Width * picture.Height];
        for (int i = 0; i < texels.Length; i++) texels[i] = picture.Pixels[3 * i] | (uint)picture.Pixels[3 * i + 1] << 8 | (uint)picture.Pixels[3 * i + 2] << 16;
        var made = new List<(int Width, int Height, uint[] Texels)> { (picture.Width, picture.Height, texels) };
        while (made[^1].Width > 1 || made[^1].Height > 1) made.Add(Halved(made[^1]));
        levels = [.. made];
    }

    public int Width { get; }

    public int Height { get; }

    /// <inheritdoc/>
    public Vector3 At(in SurfacePoint point)
    {
        var size = new Vector2(Width, Height);
        Vector2 x = point.AlongX * size, y = point.AlongY * size;
        float long2 = MathF.Max(x.LengthSquared(), y.LengthSquared());
        if (!(long2 > 1)) return Bilinear(0, point.TextureCoordinate);   // enlarged; also where the derivative is no number
        Vector2 axis = x.LengthSquared() >= y.LengthSquared() ? point.AlongX : point.AlongY;
        float major = MathF.Sqrt(long2), minor = MathF.Max(MathF.Sqrt(MathF.Min(x.LengthSquared(), y.LengthSquared())), 1e-3f);
        // As Feline (McCormack et al. 1999) does it: mipmaps by the narrow side of the footprint, probes along the wide one.
        int probes = Math.Clamp((int)MathF.Ceiling(major / minor), 1, MaxProbes);
        float level = Math.Clamp(MathF.Log2(MathF.Max(major / probes, 1)), 0, levels.Length - 1);
        Vector3 sum = Vector3.Zero;
        for (int i = 0; i < probes; i++) sum += Trilinear(level, point.TextureCoordinate + axis * ((i + 0.5f) / probes - 0.5f));
        return sum / probes;
    }

    private Vector3 Trilinear(float level, Vector2 at)
    {
        int fine = (int)level;
        float between = level - fine;
        Vector3 colour = Bilinear(fine, at);
        return between > 0 && fine + 1 < levels.Length ? Vector3.Lerp(colour, Bilinear(fine + 1, at), between) : colour;
    }

    private Vector3 Bilinear(int level, Vector2 at)
    {
        (int width, int height, uint[] texels) = levels[level];
        float x = Wrapped(at.X, wrapX) * width - 0.5f, y = Wrapped(at.Y, wrapY) * height - 0.5f;
        int x0 = (int)MathF.Floor(x), y0 = (int)MathF.Floor(y);
        float fx = x - x0, fy = y - y0;
        int x1 = Neighbour(x0 + 1, width, wrapX), y1 = Neighbour(y0 + 1, height, wrapY);
        x0 = Neighbour(x0, width, wrapX);
        y0 = Neighbour(y0, height, wrapY);
        Vector3 top = Vector3.Lerp(Linear(texels[y0 * width + x0]), Linear(texels[y0 * width + x1]), fx);
        Vector3 bottom = Vector3.Lerp(Linear(texels[y1 * width + x0]), Linear(texels[y1 * width + x1]), fx);
        return Vector3.Lerp(top, bottom, fy);
    }

    // Into 0..1; a coordinate that is no number reads the corner.
    private static float Wrapped(float at, TextureWrap wrap)
    {
        if (!float.IsFinite(at)) return 0;
        switch (wrap)
        {
            case TextureWrap.Clamp:
                return Math.Clamp(at, 0, 1);
            case TextureWrap.Mirror:
                at -= 2 * MathF.Floor(at / 2);
                return at <= 1 ? at : 2 - at;
            default:
                return at - MathF.Floor(at);
        }
    }

    private static int Neighbour(int at, int size, TextureWrap wrap) =>
        wrap == TextureWrap.Repeat ? (at < 0 ? at + size : at >= size ? at - size : at) : Math.Clamp(at, 0, size - 1);

    private static Vector3 Linear(uint texel) => new(Srgb.ToLinear((byte)texel), Srgb.ToLinear((byte)(texel >> 8)), Srgb.ToLinear((byte)(texel >> 16)));

    // Means of 2 x 2 in linear light; an odd edge is covered by three texels, of which the last is left to its neighbour.
    private static (int, int, uint[]) Halved((int Width, int Height, uint[] Texels) from)
    {
        int width = Math.Max(from.Width / 2, 1), height = Math.Max(from.Height / 2, 1);
        var texels = new uint[width * height];
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++)
            {
                int right = Math.Min(2 * x + 1, from.Width - 1), below = Math.Min(2 * y + 1, from.Height - 1);
                Vector3 mean = 0.25f * (Linear(from.Texels[2 * y * from.Width + 2 * x]) + Linear(from.Texels[2 * y * from.Width + right])
                    + Linear(from.Texels[below * from.Width + 2 * x]) + Linear(from.Texels[below * from.Width + right]));
                texels[y * width + x] = Srgb.FromLinear(mean.X) | (uint)Srgb.FromLinear(mean.Y) << 8 | (uint)Srgb.FromLinear(mean.Z) << 16;
            }
        return (width, height, texels);
    }
}
