using System.Numerics;

namespace CorrMesh.Training.Data;

internal enum FillKind { Flat, Linear, Radial, Tile, Marble, Stripes, Checks, Dots, Bricks, Text }

/// <summary>What a shape is covered with: a scalar pattern mapped through three colours, grain, and soft shading.</summary>
internal sealed class Fill
{
    private float ua, ub, uc, va, vb, vc;

    public FillKind Kind { get; set; }

    public Vector4 First { get; set; }

    public Vector4 Second { get; set; }

    public Vector4 Third { get; set; }

    /// <summary>The tile of Tile and Marble, and what unevenness of the other patterns is read from.</summary>
    public float[] Tile { get; set; } = [];

    /// <summary>Slope of the pattern about its middle: above 1 hardens a tile towards two tones.</summary>
    public float Contrast { get; set; } = 1;

    /// <summary>Share of ink in stripes, dots; marble's turbulence; mortar of bricks.</summary>
    public float Duty { get; set; } = 0.5f;

    /// <summary>Pattern units per pixel, for smoothing the pattern's own edges over one pixel.</summary>
    public float Frequency { get; private set; }

    public float[] GrainTile { get; set; } = [];

    /// <summary>Strength of a fine multiplicative noise; 0 for none.</summary>
    public float Grain { get; set; }

    public float GrainScale { get; set; }

    /// <summary>Change of brightness per pixel along the shape's own axes, and towards the rim.</summary>
    public Vector2 Slope { get; set; }

    public float Rim { get; set; }

    public float RimWidth { get; set; } = 1;

    /// <summary>Sets how shape coordinates become pattern coordinates: turn, then scale, then shift.</summary>
    public void Place(float radians, float frequencyU, float frequencyV, float shiftU, float shiftV)
    {
        (float sine, float cosine) = MathF.SinCos(radians);
        (ua, ub, uc) = (cosine * frequencyU, sine * frequencyU, shiftU);
        (va, vb, vc) = (-sine * frequencyV, cosine * frequencyV, shiftV);
        Frequency = Math.Max(frequencyU, frequencyV);
    }

    /// <summary>The colour at a point of the shape.</summary>
    /// <param name="x">Along the shape's first axis from its centre, pixels.</param>
    /// <param name="y">Along the second.</param>
    /// <param name="distance">Signed distance to the outline, pixels, negative inside.</param>
    public Vector4 Colour(float x, float y, float distance)
    {
        float u = ua * x + ub * y + uc, v = va * x + vb * y + vc;
        float tone = Tone(u, v);
        tone = Math.Clamp((tone - 0.5f) * Contrast + 0.5f, 0, 1);
        Vector4 colour = tone < 0.5f ? Vector4.Lerp(First, Second, 2 * tone) : Vector4.Lerp(Second, Third, 2 * tone - 1);
        float light = 1 + Slope.X * x + Slope.Y * y;
        if (Grain > 0) light += Grain * (TextureBank.Sample(GrainTile, x * GrainScale + uc, y * GrainScale + vc) - 0.5f);
        if (Rim != 0) light += Rim * Math.Clamp(1 + distance / RimWidth, 0, 1);
        return colour * light;
    }

    private float Tone(float u, float v)
    {
        switch (Kind)
        {
            case FillKind.Linear: return u;
            case FillKind.Radial: return MathF.Sqrt(u * u + v * v);
            case FillKind.Tile: return TextureBank.Sample(Tile, u, v);
            case FillKind.Marble:
                return 0.5f + 0.5f * MathF.Sin(0.2f * u + 14 * Duty * TextureBank.Sample(Tile, u, v));
            case FillKind.Stripes:
                return Pulse(u, Duty);
            case FillKind.Checks:
                float a = Pulse(u, 0.5f), b = Pulse(v, 0.5f);
                return a + b - 2 * a * b;
            case FillKind.Dots:
                float fu = u - MathF.Floor(u) - 0.5f, fv = v - MathF.Floor(v) - 0.5f;
                float size = 0.15f + 0.3f * Duty * CellTone((int)MathF.Floor(u), (int)MathF.Floor(v));
                return Math.Clamp(0.5f + (size - MathF.Sqrt(fu * fu + fv * fv)) / Math.Max(Frequency, 0.02f), 0, 1);
            case FillKind.Bricks:
                float row = MathF.Floor(v), shifted = u + 0.5f * ((int)row & 1), column = MathF.Floor(shifted);
                float mortar = 0.04f + 0.1f * Duty;
                float edgeV = Math.Min(v - row, 1 - (v - row)), edgeU = 2 * Math.Min(shifted - column, 1 - (shifted - column));
                float inside = Math.Clamp(0.5f + (Math.Min(edgeU, edgeV) - mortar) / Math.Max(Frequency, 0.02f), 0, 1);
                return inside * (0.4f + 0.6f * CellTone((int)column, (int)row));
            case FillKind.Text:
                return Letter(u, v);
            default: return 0;
        }
    }

    private float Letter(float u, float v)
    {
        // One unit of v is a line of text; letters take two thirds of it and are as wide as 0.55.
        float line = MathF.Floor(v), within = (v - line) * 1.45f;
        float column = MathF.Floor(u * 1.8f);
        uint hash = Hash((int)column, (int)line);
        if (within >= 1 || hash % 6 == 0 || Hash((int)line, 7) % 5 == 0) return 0;
        float gx = (u * 1.8f - column) * (TextureBank.GlyphWidth - 1), gy = within * (TextureBank.GlyphHeight - 1);
        int x0 = (int)gx, y0 = (int)gy;
        gx -= x0;
        gy -= y0;
        ReadOnlySpan<float> glyph = TextureBank.Shared.Glyphs.AsSpan(
            (int)(hash / 8 % TextureBank.GlyphCount) * TextureBank.GlyphHeight * TextureBank.GlyphWidth,
            TextureBank.GlyphHeight * TextureBank.GlyphWidth);
        int at = y0 * TextureBank.GlyphWidth + x0;
        float top = glyph[at] + (glyph[at + 1] - glyph[at]) * gx;
        float bottom = glyph[at + TextureBank.GlyphWidth] + (glyph[at + TextureBank.GlyphWidth + 1] - glyph[at + TextureBank.GlyphWidth]) * gx;
        return top + (bottom - top) * gy;
    }

    private float Pulse(float u, float duty)
    {
        float phase = Math.Abs(u - MathF.Floor(u) - 0.5f);
        return Math.Clamp(0.5f + (0.5f * duty - phase) / Math.Max(Frequency, 0.02f), 0, 1);
    }

    private float CellTone(int column, int row) => (Hash(column, row) & 0xFFFF) / 65536f;

    private uint Hash(int x, int y)
    {
        uint h = (uint)x * 0x9E3779B1u ^ (uint)y * 0x85EBCA77u ^ Seed;
        h = (h ^ (h >> 15)) * 0x2C1B3C6Du;
        h = (h ^ (h >> 12)) * 0x297A2D39u;
        return h ^ (h >> 15);
    }

    /// <summary>Varies the cells of checks, dots, bricks and text.</summary>
    public uint Seed { get; set; }
}
