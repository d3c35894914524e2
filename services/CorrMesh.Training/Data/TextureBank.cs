using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using CorrMesh.Geometry;

namespace CorrMesh.Training.Data;

/// <summary>Grey texture tiles that repeat without a seam, made once per process from a fixed seed.</summary>
/// <remarks>Looking a tile up costs a few nanoseconds a pixel, where evaluating the noise itself would cost a hundred.</remarks>
internal sealed class TextureBank
{
    public const int TileSize = 256;
    public const int GlyphCount = 64;
    public const int GlyphWidth = 12;
    public const int GlyphHeight = 16;
    private const int Mask = TileSize - 1;
    private static readonly Lazy<TextureBank> Instance = new(() => new TextureBank());

    private TextureBank()
    {
        var random = new SeededRandom(0xC0221E5, 1);
        var noise = new List<float[]>();
        foreach (float exponent in (ReadOnlySpan<float>)[1.0f, 1.2f, 1.4f, 1.6f, 1.8f, 2.0f, 2.2f])
            noise.Add(SpectralNoise.Tile(random, TileSize, exponent));
        Noise = [.. noise];
        Detail =
        [
            Turbulence(random, 4, ridged: false), Turbulence(random, 8, ridged: false), Turbulence(random, 4, ridged: true),
            Turbulence(random, 8, ridged: true),
            Cells(random, 24, CellTone.Distance), Cells(random, 60, CellTone.Edge), Cells(random, 40, CellTone.Flat),
            Cells(random, 160, CellTone.Flat), Cells(random, 160, CellTone.Distance), Cells(random, 20, CellTone.Edge),
            Strokes(random, 900, 6, 22, 1.3f, spread: 0.35f), Strokes(random, 1500, 2, 7, 1.6f, spread: 3.2f),
            Strokes(random, 260, 10, 60, 2.2f, spread: 1.0f), Strokes(random, 500, 0.5f, 1, 5f, spread: 3.2f),
        ];
        Glyphs = MakeGlyphs(random);
        Gaussian = new float[1 << 14];
        for (int i = 0; i < Gaussian.Length; i++) Gaussian[i] = random.Normal();
    }

    /// <summary>The bank of this process.</summary>
    public static TextureBank Shared => Instance.Value;

    /// <summary>1/f^a noise, a rising from 1 to 2.2; values in 0..1 about 0.5.</summary>
    public float[][] Noise { get; }

    /// <summary>Turbulence, ridges, cells and strokes; values in 0..1.</summary>
    public float[][] Detail { get; }

    /// <summary>[GlyphCount, GlyphHeight, GlyphWidth] coverage of made-up letters.</summary>
    public float[] Glyphs { get; }

    /// <summary>[16384] standard normal draws, for pixel noise.</summary>
    public float[] Gaussian { get; }

    /// <summary>A tile at fractional texel coordinates, bilinear, wrapping round.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sample(float[] tile, float u, float v)
    {
        float fu = MathF.Floor(u), fv = MathF.Floor(v);
        int x0 = (int)fu & Mask, y0 = ((int)fv & Mask) * TileSize;
        int x1 = (x0 + 1) & Mask, y1 = (y0 + TileSize) & (Mask * TileSize);
        u -= fu;
        v -= fv;
        // The masks keep every index inside the tile, so its bounds need no second check here.
        ref float first = ref MemoryMarshal.GetArrayDataReference(tile);
        float topLeft = Unsafe.Add(ref first, y0 + x0), bottomLeft = Unsafe.Add(ref first, y1 + x0);
        float top = topLeft + (Unsafe.Add(ref first, y0 + x1) - topLeft) * u;
        float bottom = bottomLeft + (Unsafe.Add(ref first, y1 + x1) - bottomLeft) * u;
        return top + (bottom - top) * v;
    }

    private enum CellTone { Distance, Edge, Flat }

    private static float[] Turbulence(SeededRandom random, int baseCells, bool ridged)
    {
        var tile = new float[TileSize * TileSize];
        float amplitude = 1;
        for (int cells = baseCells; cells <= 64; cells *= 2, amplitude *= 0.55f)
        {
            var lattice = new float[cells * cells];
            for (int i = 0; i < lattice.Length; i++) lattice[i] = random.Range(-1, 1);
            for (int y = 0; y < TileSize; y++)
                for (int x = 0; x < TileSize; x++)
                {
                    float value = Math.Abs(LatticeNoise(lattice, cells, x * (float)cells / TileSize, y * (float)cells / TileSize));
                    tile[y * TileSize + x] += amplitude * (ridged ? 1 - 2 * value : value);
                }
        }
        return Stretch(tile);
    }

    private static float LatticeNoise(float[] lattice, int cells, float u, float v)
    {
        int x0 = (int)u, y0 = (int)v;
        float fx = u - x0, fy = v - y0;
        fx = fx * fx * (3 - 2 * fx);
        fy = fy * fy * (3 - 2 * fy);
        int x1 = (x0 + 1) % cells, y1 = (y0 + 1) % cells;
        float top = lattice[y0 * cells + x0] * (1 - fx) + lattice[y0 * cells + x1] * fx;
        float bottom = lattice[y1 * cells + x0] * (1 - fx) + lattice[y1 * cells + x1] * fx;
        return top * (1 - fy) + bottom * fy;
    }

    private static float[] Cells(SeededRandom random, int count, CellTone tone)
    {
        var seeds = new (float X, float Y, float Tone)[count];
        for (int i = 0; i < count; i++) seeds[i] = (random.Range(0, TileSize), random.Range(0, TileSize), random.Unit());
        var tile = new float[TileSize * TileSize];
        for (int y = 0; y < TileSize; y++)
            for (int x = 0; x < TileSize; x++)
            {
                float first = float.MaxValue, second = float.MaxValue, shade = 0;
                foreach ((float seedX, float seedY, float seedTone) in seeds)
                {
                    float dx = Math.Abs(x - seedX), dy = Math.Abs(y - seedY);
                    dx = Math.Min(dx, TileSize - dx);
                    dy = Math.Min(dy, TileSize - dy);
                    float distance = dx * dx + dy * dy;
                    if (distance < first) (second, first, shade) = (first, distance, seedTone);
                    else if (distance < second) second = distance;
                }
                first = MathF.Sqrt(first);
                second = MathF.Sqrt(second);
                float edge = Math.Clamp((second - first) / 5f, 0, 1);
                tile[y * TileSize + x] = tone switch
                {
                    CellTone.Distance => first,
                    CellTone.Edge => edge,
                    _ => shade * edge,
                };
            }
        return Stretch(tile);
    }

    private static float[] Strokes(SeededRandom random, int count, float shortest, float longest, float width, float spread)
    {
        var tile = new float[TileSize * TileSize];
        Array.Fill(tile, 0.4f);
        for (int i = 0; i < count; i++)
        {
            float angle = random.Range(-spread, spread), half = random.PowerLaw(shortest, longest, 1.5f) / 2, tone = random.Unit();
            float radius = width * random.Range(0.5f, 1.4f);
            (float sine, float cosine) = MathF.SinCos(angle);
            int centreX = random.Below(TileSize), centreY = random.Below(TileSize), reach = (int)(half + radius + 2);
            for (int dy = -reach; dy <= reach; dy++)
                for (int dx = -reach; dx <= reach; dx++)
                {
                    float along = Math.Max(Math.Abs(dx * cosine + dy * sine) - half, 0), across = -dx * sine + dy * cosine;
                    float cover = Math.Clamp(radius + 0.5f - MathF.Sqrt(along * along + across * across), 0, 1);
                    ref float value = ref tile[((centreY + dy) & Mask) * TileSize + ((centreX + dx) & Mask)];
                    value += (tone - value) * cover;
                }
        }
        return Stretch(tile);
    }

    private static float[] MakeGlyphs(SeededRandom random)
    {
        var glyphs = new float[GlyphCount * GlyphHeight * GlyphWidth];
        for (int glyph = 0; glyph < GlyphCount; glyph++)
        {
            int strokes = 2 + random.Below(3);
            float weight = random.Range(0.9f, 1.5f);
            for (int stroke = 0; stroke < strokes; stroke++)
            {
                // Ends lie on a 3 x 4 lattice, so that strokes meet as those of letters do.
                float x0 = 2 + 3.6f * random.Below(3), y0 = 2 + 4 * random.Below(4);
                float x1 = random.Chance(0.4f) ? x0 : 2 + 3.6f * random.Below(3), y1 = x1 == x0 || random.Chance(0.6f) ? 2 + 4 * random.Below(4) : y0;
                for (int y = 0; y < GlyphHeight; y++)
                    for (int x = 0; x < GlyphWidth; x++)
                    {
                        float dx = x1 - x0, dy = y1 - y0, length = Math.Max(dx * dx + dy * dy, 1e-6f);
                        float t = Math.Clamp(((x - x0) * dx + (y - y0) * dy) / length, 0, 1);
                        float ex = x - x0 - t * dx, ey = y - y0 - t * dy;
                        float cover = Math.Clamp(weight + 0.5f - MathF.Sqrt(ex * ex + ey * ey), 0, 1);
                        ref float value = ref glyphs[(glyph * GlyphHeight + y) * GlyphWidth + x];
                        value = Math.Max(value, cover);
                    }
            }
        }
        return glyphs;
    }

    private static float[] Stretch(float[] tile)
    {
        float low = tile.Min(), high = tile.Max(), scale = 1 / Math.Max(high - low, 1e-6f);
        for (int i = 0; i < tile.Length; i++) tile[i] = (tile[i] - low) * scale;
        return tile;
    }
}
