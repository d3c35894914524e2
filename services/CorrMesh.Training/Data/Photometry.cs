using System.Numerics;
using CorrMesh.Geometry;

namespace CorrMesh.Training.Data;

/// <summary>What light, lens, sensor and file format do to a picture; drawn anew for each view.</summary>
internal sealed class Photometry
{
    private const int ToneSteps = 1024;
    private readonly TextureBank bank = TextureBank.Shared;
    private readonly Raster scratch = new();
    private readonly Raster small = new();
    private readonly float[] tones = new float[ToneSteps + 1];
    private readonly BlockCompression compression = new();

    /// <summary>Changes the picture in place; colours leave in 0..1.</summary>
    /// <param name="picture">Colours about 0..1.</param>
    /// <param name="random">Decides the changes.</param>
    /// <param name="difficulty">0..1: scales the size of each change and how often it happens.</param>
    public void Apply(Raster picture, SeededRandom random, float difficulty)
    {
        float growth = 0.25f + 0.75f * difficulty;
        Light(picture, random, growth);
        if (random.Chance(0.45f * growth)) Blur(picture, random, growth);
        if (random.Chance(0.2f * growth)) Resample(picture, random, growth);
        Develop(picture, random, growth);
        if (random.Chance(0.6f)) AddNoise(picture, random, growth);
        Clamp(picture);
        if (random.Chance(0.4f * growth)) compression.Apply(picture, random.PowerLaw(0.008f, 0.01f + 0.018f * growth, 1));
    }

    /// <summary>Brings every colour into 0..1.</summary>
    public static void Clamp(Raster picture)
    {
        Span<Vector4> pixels = picture.Pixels.AsSpan(0, picture.Width * picture.Height);
        foreach (ref Vector4 pixel in pixels) pixel = Vector4.Clamp(pixel, Vector4.Zero, Vector4.One);
    }

    /// <summary>Uneven light: a slope, a vignette, drifting shade, and highlights.</summary>
    private void Light(Raster picture, SeededRandom random, float growth)
    {
        float inverse = 1f / picture.Width;
        float slopeX = random.Chance(0.5f) ? 0.5f * growth * random.Range(-1, 1) : 0, slopeY = random.Chance(0.5f) ? 0.5f * growth * random.Range(-1, 1) : 0;
        float vignette = random.Chance(0.35f) ? random.Range(0.1f, 0.7f) * growth : 0;
        float drift = random.Chance(0.35f) ? random.Range(0.2f, 1) * growth : 0;
        float[] tile = bank.Noise[^1];
        float u = random.Range(0, 256), v = random.Range(0, 256), frequency = random.Range(20, 80) * inverse;
        if (slopeX != 0 || slopeY != 0 || vignette > 0 || drift > 0)
            for (int y = 0; y < picture.Height; y++)
            {
                float fy = (y + 0.5f) * inverse - 0.5f;
                Span<Vector4> row = picture.Pixels.AsSpan(y * picture.Width, picture.Width);
                for (int x = 0; x < row.Length; x++)
                {
                    float fx = (x + 0.5f) * inverse - 0.5f;
                    float gain = 1 + slopeX * fx + slopeY * fy - vignette * (fx * fx + fy * fy);
                    if (drift > 0) gain += drift * (TextureBank.Sample(tile, u + x * frequency, v + y * frequency) - 0.5f);
                    row[x] *= Math.Max(gain, 0.1f);
                }
            }
        int highlights = random.Chance(0.2f * growth) ? 1 + random.Below(3) : 0;
        for (int i = 0; i < highlights; i++) AddHighlight(picture, random);
    }

    private static void AddHighlight(Raster picture, SeededRandom random)
    {
        float centreX = random.Range(0, picture.Width), centreY = random.Range(0, picture.Height);
        float radiusX = picture.Width * random.Range(0.01f, 0.08f), radiusY = radiusX * random.Range(0.4f, 2.5f), strength = random.Range(0.3f, 1.2f);
        int reachX = (int)(2.2f * radiusX) + 1, reachY = (int)(2.2f * radiusY) + 1;
        for (int y = Math.Max((int)centreY - reachY, 0); y < Math.Min((int)centreY + reachY, picture.Height); y++)
            for (int x = Math.Max((int)centreX - reachX, 0); x < Math.Min((int)centreX + reachX, picture.Width); x++)
            {
                float dx = (x - centreX) / radiusX, dy = (y - centreY) / radiusY, near = Math.Max(1 - 0.21f * (dx * dx + dy * dy), 0);
                picture.Pixels[y * picture.Width + x] += new Vector4(strength * near * near * near);
            }
    }

    private void Blur(Raster picture, SeededRandom random, float growth)
    {
        scratch.Resize(picture.Width, picture.Height);
        float scale = picture.Width / 224f;
        if (random.Chance(0.3f))
        {
            // Motion: the mean along a short straight path.
            float angle = random.Range(0, MathF.PI), length = scale * random.Range(2, 2 + 6 * growth);
            float stepX = MathF.Cos(angle), stepY = MathF.Sin(angle);
            int taps = Math.Max((int)MathF.Ceiling(length), 2);
            for (int y = 0; y < picture.Height; y++)
                for (int x = 0; x < picture.Width; x++)
                {
                    Vector4 sum = default;
                    for (int tap = 0; tap < taps; tap++)
                    {
                        float t = (tap / (taps - 1f) - 0.5f) * length;
                        int px = Math.Clamp((int)(x + 0.5f + t * stepX), 0, picture.Width - 1), py = Math.Clamp((int)(y + 0.5f + t * stepY), 0, picture.Height - 1);
                        sum += picture.Pixels[py * picture.Width + px];
                    }
                    scratch.Pixels[y * picture.Width + x] = sum / taps;
                }
            scratch.Pixels.AsSpan(0, picture.Width * picture.Height).CopyTo(picture.Pixels);
            return;
        }
        // Three taps of weights (a, 1 - 2a, a) have variance 2a; a few rounds come close to a Gaussian.
        float variance = MathF.Pow(scale * random.Range(0.4f, 0.5f + 1.4f * growth), 2);
        int rounds = Math.Max((int)MathF.Ceiling(variance / 0.6f), 1);
        float side = variance / rounds / 2;
        for (int round = 0; round < rounds; round++)
        {
            Smooth(picture, scratch, 1, picture.Width, picture.Height, picture.Width, side);
            Smooth(scratch, picture, picture.Width, picture.Height, picture.Width, 1, side);
        }
    }

    private static void Smooth(Raster source, Raster target, int step, int length, int lines, int lineStep, float side)
    {
        Vector4[] from = source.Pixels, to = target.Pixels;
        float middle = 1 - 2 * side;
        for (int line = 0; line < lines; line++)
        {
            int at = line * lineStep;
            Vector4 before = from[at], here = before;
            for (int i = 0; i < length; i++, at += step)
            {
                Vector4 after = i + 1 < length ? from[at + step] : here;
                to[at] = middle * here + side * (before + after);
                (before, here) = (here, after);
            }
        }
    }

    /// <summary>Down to fewer pixels and up again, as pictures that went round the net once more.</summary>
    private void Resample(Raster picture, SeededRandom random, float growth)
    {
        float factor = random.Range(1.2f, 1.4f + 1.0f * growth);
        small.Resize((int)(picture.Width / factor), (int)(picture.Height / factor));
        float toPictureX = picture.Width / (float)small.Width, toPictureY = picture.Height / (float)small.Height;
        for (int y = 0; y < small.Height; y++)
            for (int x = 0; x < small.Width; x++)
            {
                float px = (x + 0.5f) * toPictureX, py = (y + 0.5f) * toPictureY, spread = 0.25f * factor;
                small.Pixels[y * small.Width + x] = 0.5f * (picture.Sample(px - spread, py - spread) + picture.Sample(px + spread, py + spread));
            }
        for (int y = 0; y < picture.Height; y++)
            for (int x = 0; x < picture.Width; x++)
                picture.Pixels[y * picture.Width + x] = small.Sample((x + 0.5f) / toPictureX, (y + 0.5f) / toPictureY);
    }

    /// <summary>Exposure, contrast, tint, saturation and gamma.</summary>
    private void Develop(Raster picture, SeededRandom random, float growth)
    {
        float contrast = MathF.Exp(0.28f * growth * random.Normal()), brightness = 0.12f * growth * random.Normal();
        float gamma = MathF.Exp(0.28f * growth * random.Normal());
        float saturation = random.Chance(0.12f * growth) ? 0 : Math.Clamp(1 + 0.4f * growth * random.Normal(), 0, 2.2f);
        var tint = new Vector4(1 + 0.1f * growth * random.Normal(), 1 + 0.06f * growth * random.Normal(), 1 + 0.12f * growth * random.Normal(), 1);
        var weights = new Vector4(0.299f, 0.587f, 0.114f, 0);
        Span<Vector4> pixels = picture.Pixels.AsSpan(0, picture.Width * picture.Height);
        // A camera meters: the middle stays within reach of grey, or half of the scenes would end up black or white.
        var sum = Vector4.Zero;
        foreach (Vector4 pixel in pixels) sum += pixel;
        float mean = Math.Clamp(Vector4.Dot(sum, weights) / pixels.Length, 0.05f, 0.95f);
        float exposed = Math.Clamp(mean + brightness, 0.2f, 0.8f);
        float normalise = exposed / MathF.Pow(exposed, gamma);
        for (int i = 0; i <= ToneSteps; i++)
        {
            float tone = Math.Clamp((i / (float)ToneSteps - mean) * contrast + exposed, 0, 1);
            tones[i] = Math.Min(normalise * MathF.Pow(tone, gamma), 1);
        }
        foreach (ref Vector4 pixel in pixels)
        {
            var grey = new Vector4(Vector4.Dot(pixel, weights));
            Vector4 colour = Vector4.Clamp((grey + saturation * (pixel - grey)) * tint, Vector4.Zero, Vector4.One) * ToneSteps;
            pixel = new Vector4(tones[(int)colour.X], tones[(int)colour.Y], tones[(int)colour.Z], 1);
        }
    }

    /// <summary>Sensor noise: a constant part, and one that grows with the root of the light (shot noise).</summary>
    private void AddNoise(Raster picture, SeededRandom random, float growth)
    {
        float constant = random.PowerLaw(0.002f, 0.006f + 0.05f * growth, 1), shot = random.Chance(0.5f) ? random.Range(0, 0.06f) * growth : 0;
        bool coloured = random.Chance(0.6f);
        float[] normal = bank.Gaussian;
        int mask = normal.Length - 1;
        for (int y = 0; y < picture.Height; y++)
        {
            // A fresh place in the table for each row: no two rows share their noise, at one draw a row.
            int at = (int)(random.NextBits() & (ulong)mask);
            Span<Vector4> row = picture.Pixels.AsSpan(y * picture.Width, picture.Width);
            foreach (ref Vector4 pixel in row)
            {
                float strength = constant + (shot > 0 ? shot * MathF.Sqrt(Math.Max(pixel.Y, 0)) : 0);
                Vector4 noise = coloured ? new Vector4(normal[at], normal[(at + 1) & mask], normal[(at + 2) & mask], 0) : new Vector4(normal[at]);
                pixel += strength * noise;
                at = (at + 3) & mask;
            }
        }
    }
}
