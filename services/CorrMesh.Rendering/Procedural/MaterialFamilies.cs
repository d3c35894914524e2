using System.Numerics;
using CorrMesh.Geometry;
using CorrMesh.Rendering.Meshes;

namespace CorrMesh.Rendering.Procedural;

/// <summary>How much a material helps to tell places apart.</summary>
internal enum MaterialKind
{
    Textured,
    LowTexture,
    Repeated,
}

/// <summary>Materials as functions of the place in the unit box, so that any shape carries them without seams.</summary>
internal static class MaterialFamilies
{
    public const string Plain = "plain";

    public static IReadOnlyDictionary<string, (MaterialKind Kind, Func<SeededRandom, Material> Make)> All { get; } = new Dictionary<string, (MaterialKind, Func<SeededRandom, Material>)>
    {
        [Plain] = (MaterialKind.LowTexture, random => Finish(random) with { BaseColour = Colour(random) }),
        ["faded"] = (MaterialKind.LowTexture, Faded),
        ["clouds"] = (MaterialKind.Textured, Clouds),
        ["marble"] = (MaterialKind.Textured, Marble),
        ["mosaic"] = (MaterialKind.Textured, Mosaic),
        ["spots"] = (MaterialKind.Textured, Spots),
        ["camouflage"] = (MaterialKind.Textured, Camouflage),
        ["grain"] = (MaterialKind.Textured, Grain),
        ["speckle"] = (MaterialKind.Textured, Speckle),
        ["print"] = (MaterialKind.Textured, Print),
        ["patches"] = (MaterialKind.Textured, Patches),
        ["stripes"] = (MaterialKind.Repeated, Stripes),
        ["checker"] = (MaterialKind.Repeated, Checker),
        ["tiles"] = (MaterialKind.Repeated, Tiles),
    };

    public static IReadOnlyList<string> Of(MaterialKind kind) => [.. All.Where(family => family.Value.Kind == kind).Select(family => family.Key)];

    private delegate Vector3 Solid(Vector3 position, Vector3 normal, float footprint);

    private sealed class SolidColour(Solid solid) : ISurfaceColour
    {
        public Vector3 At(in SurfacePoint point) => solid(point.Position, point.Normal, point.Footprint);
    }

    // Dull to glossy; now and then a metal.
    private static Material Finish(SeededRandom random) => new()
    {
        Roughness = random.Chance(0.35f) ? 1 : random.Range(0.25f, 0.9f),
        Metallic = random.Chance(0.12f) ? random.Range(0.2f, 0.5f) : 0,
    };

    private static Material Made(SeededRandom random, Solid solid) => Finish(random) with { Pattern = new SolidColour(solid) };

    // From hue, saturation and lightness drawn evenly, in linear light.
    private static Vector3 Colour(SeededRandom random)
    {
        float hue = random.Range(0, 6), saturation = random.Chance(0.2f) ? random.Range(0, 0.15f) : random.Range(0.25f, 0.95f), value = random.Range(0.25f, 0.95f);
        return new Vector3(Channel(5), Channel(3), Channel(1));

        float Channel(float n)
        {
            float k = (n + hue) % 6, level = value - value * saturation * Math.Clamp(MathF.Min(k, 4 - k), 0, 1);
            return Srgb.ToLinear((byte)(255 * level));
        }
    }

    // Colours that one can tell apart.
    private static Vector3[] Palette(SeededRandom random, int count)
    {
        var palette = new Vector3[count];
        for (int i = 0; i < count; i++)
        {
            palette[i] = Colour(random);
            for (int attempt = 0; attempt < 8 && i > 0 && palette[..i].Min(other => Vector3.Distance(other, palette[i])) < 0.25f; attempt++) palette[i] = Colour(random);
        }
        return palette;
    }

    private static Vector3 Axis(SeededRandom random) => SolidBuilder.Direction(random.Unit(), MathF.Acos(random.Range(-1, 1)) / MathF.PI);

    private static uint Seed(SeededRandom random) => (uint)random.NextBits();

    private static Material Faded(SeededRandom random)
    {
        Vector3[] colours = Palette(random, 2);
        Vector3 axis = Axis(random);
        uint seed = Seed(random);
        float sharpness = random.Range(0.8f, 3);
        return Made(random, (p, _, footprint) => Vector3.Lerp(
            colours[0], colours[1],
            Math.Clamp(0.5f + sharpness * Vector3.Dot(p, axis) + 0.3f * (SolidNoise.Fractal(3 * p, 2, seed, 3 * footprint) - 0.5f), 0, 1)));
    }

    private static Material Clouds(SeededRandom random)
    {
        Vector3[] colours = Palette(random, 3);
        uint seed = Seed(random);
        float frequency = random.Range(3, 9), contrast = random.Range(2, 4);
        return Made(random, (p, _, footprint) =>
        {
            float a = Math.Clamp(0.5f + contrast * (SolidNoise.Fractal(frequency * p, 5, seed, frequency * footprint) - 0.5f), 0, 1);
            float b = Math.Clamp(0.5f + contrast * (SolidNoise.Fractal(0.7f * frequency * p, 3, seed + 40, frequency * footprint) - 0.5f), 0, 1);
            return Vector3.Lerp(Vector3.Lerp(colours[0], colours[1], a), colours[2], b * b);
        });
    }

    private static Material Marble(SeededRandom random)
    {
        Vector3[] colours = Palette(random, 2);
        Vector3 axis = Axis(random);
        uint seed = Seed(random);
        float frequency = random.Range(6, 16), warp = random.Range(0.3f, 0.8f), sharpness = random.Range(1, 4);
        return Made(random, (p, _, footprint) =>
        {
            float along = Vector3.Dot(p, axis) + warp * SolidNoise.Fractal(4 * p, 5, seed, 4 * footprint);
            return Vector3.Lerp(colours[0], colours[1], MathF.Pow(0.5f + 0.5f * MathF.Sin(MathF.Tau * frequency * along / 4), sharpness));
        });
    }

    private static Material Mosaic(SeededRandom random)
    {
        Vector3[] colours = Palette(random, 6);
        uint seed = Seed(random);
        float frequency = random.Range(4, 11), joint = random.Chance(0.5f) ? random.Range(0.03f, 0.09f) : 0;
        Vector3 jointColour = 0.15f * Colour(random);
        return Made(random, (p, _, footprint) =>
        {
            (float nearest, float second, uint cell) = SolidNoise.Cells(frequency * p, seed);
            Vector3 colour = colours[cell % 6] * (0.75f + 0.25f * (cell >> 8 & 255) / 255f);
            return joint == 0 ? colour : Vector3.Lerp(jointColour, colour, SolidNoise.Step(joint, second - nearest, 2 * frequency * footprint));
        });
    }

    private static Material Spots(SeededRandom random)
    {
        Vector3[] colours = Palette(random, 4);
        uint seed = Seed(random);
        float frequency = random.Range(3.5f, 9), size = random.Range(0.2f, 0.42f);
        return Made(random, (p, _, footprint) =>
        {
            (float nearest, float other, uint cell) = SolidNoise.Cells(frequency * p, seed);
            float radius = MathF.Min(size * (0.4f + 0.6f * (cell >> 4 & 255) / 255f), (nearest + other) / 2);
            return Vector3.Lerp(colours[1 + cell % 3], colours[0], SolidNoise.Step(radius, nearest, frequency * footprint));
        });
    }

    private static Material Camouflage(SeededRandom random)
    {
        Vector3[] colours = Palette(random, 4);
        uint seed = Seed(random);
        float frequency = random.Range(3, 7);
        return Made(random, (p, _, footprint) =>
        {
            Vector3 colour = colours[0];
            for (int i = 1; i < 4; i++)
                colour = Vector3.Lerp(colour, colours[i], SolidNoise.Step(0.55f + 0.02f * i, SolidNoise.Fractal(frequency * p + new Vector3(31f * i), 3, seed + (uint)i * 8), 1.5f * frequency * footprint));
            return colour;
        });
    }

    private static Material Grain(SeededRandom random)
    {
        Vector3 light = Colour(random), axis = Axis(random);
        Vector3 dark = light * random.Range(0.2f, 0.55f);
        Vector3 side = Vector3.Normalize(Vector3.Cross(axis, Vector3.Dot(axis, Vector3.UnitX) < 0.9f ? Vector3.UnitX : Vector3.UnitY)), up = Vector3.Cross(axis, side);
        uint seed = Seed(random);
        float frequency = random.Range(8, 22);
        Vector2 middle = new(random.Range(-0.4f, 0.4f), random.Range(-0.4f, 0.4f));
        return Made(random, (p, _, footprint) =>
        {
            Vector3 drawn = p - 0.8f * Vector3.Dot(p, axis) * axis;   // stretched along the axis
            var across = new Vector2(Vector3.Dot(p, side), Vector3.Dot(p, up));
            float ring = frequency * ((across - middle).Length() + 0.25f * SolidNoise.Fractal(4 * drawn, 3, seed));
            float blurred = Math.Clamp(2 - 4 * frequency * footprint, 0, 1);
            return Vector3.Lerp(light, dark, 0.5f + blurred * (ring - MathF.Floor(ring) - 0.5f) * 0.9f) * (0.85f + 0.3f * SolidNoise.Fractal(40 * drawn, 2, seed + 9, 40 * footprint));
        });
    }

    private static Material Speckle(SeededRandom random)
    {
        Vector3[] colours = Palette(random, 3);
        uint seed = Seed(random);
        float frequency = random.Range(20, 45), share = random.Range(0.45f, 0.6f);
        return Made(random, (p, _, footprint) =>
        {
            float fine = SolidNoise.Fractal(frequency * p, 2, seed, frequency * footprint), coarse = SolidNoise.Fractal(5 * p, 2, seed + 5);
            return Vector3.Lerp(Vector3.Lerp(colours[0], colours[1], SolidNoise.Step(share, fine, 0.1f + frequency * footprint)), colours[2], 0.6f * SolidNoise.Step(0.6f, coarse, 0.3f));
        });
    }

    // A printed wrapper: rows of strokes on coloured fields, wound around the z axis. Each stroke is drawn from its cell, so no two rows are alike.
    private static Material Print(SeededRandom random)
    {
        Vector3[] colours = Palette(random, 5);
        uint seed = Seed(random);
        int fields = 3 + random.Below(4), bands = 3 + random.Below(4), letters = 6 + random.Below(8);
        float start = random.Unit();
        return Made(random, (p, _, footprint) =>
        {
            float around = (MathF.Atan2(p.Y, p.X) / MathF.Tau + 1 + start) % 1, up = Math.Clamp(p.Z + 0.5f, 0, 0.9999f);
            float fieldAt = around * fields, bandAt = up * bands;
            int field = (int)fieldAt, band = (int)bandAt;
            float pick = SolidNoise.At(field, band, 0, seed);
            Vector3 paper = colours[(int)(pick * 2.999f)], ink = colours[3 + (int)(SolidNoise.At(field, band, 1, seed) * 1.999f)];
            float u = (fieldAt - field) * letters, v = (bandAt - band) * 4;
            int letter = (int)u, line = (int)v;
            if (SolidNoise.At(letter + 64 * field, line + 16 * band, 2, seed) < 0.25f || SolidNoise.At(field, band, 3, seed) < 0.25f) return paper;
            // Inside a letter: strokes on a grid of 3 x 5, by chance.
            float x = (u - letter) * 4, y = (v - line) * 6;
            if (x > 3 || y > 5) return paper;
            bool isInked = SolidNoise.At((int)x + 4 * letter + 256 * field, (int)y + 8 * line + 64 * band, 4, seed) < 0.55f;
            float seen = Math.Clamp(1.5f - 8 * letters * fields * footprint / MathF.Tau, 0, 1);
            return Vector3.Lerp(paper, ink, isInked ? 0.45f + 0.55f * seen : 0.45f * (1 - seen));
        });
    }

    // Large fields, each with a pattern of its own.
    private static Material Patches(SeededRandom random)
    {
        Vector3[] colours = Palette(random, 6);
        uint seed = Seed(random);
        float frequency = random.Range(2, 3.5f);
        return Made(random, (p, _, footprint) =>
        {
            uint cell = SolidNoise.Cells(frequency * p, seed).Cell;
            Vector3 first = colours[cell % 6], second = colours[(cell >> 8) % 6];
            float fine = 10 + 20 * ((cell >> 16 & 255) / 255f);
            return ((cell >> 4) % 4) switch
            {
                0 => first,
                1 => Vector3.Lerp(first, second, Wave(fine * Vector3.Dot(p, SolidBuilder.Direction((cell & 15) / 16f, (cell >> 12 & 15) / 16f)), fine * footprint)),
                2 => Vector3.Lerp(second, first, SolidNoise.Step(0.3f, SolidNoise.Cells(fine * p, seed + 7).Nearest, fine * footprint)),
                _ => Vector3.Lerp(first, second, SolidNoise.Fractal(fine * p, 3, seed + 11, fine * footprint)),
            };
        });
    }

    private static Material Stripes(SeededRandom random)
    {
        Vector3[] colours = Palette(random, 2);
        Vector3 axis = random.Chance(0.5f) ? Vector3.UnitZ : Axis(random);
        float frequency = random.Range(4, 14);
        return Made(random, (p, _, footprint) => Vector3.Lerp(colours[0], colours[1], Wave(frequency * Vector3.Dot(p, axis), frequency * footprint)));
    }

    private static Material Checker(SeededRandom random)
    {
        Vector3[] colours = Palette(random, 2);
        float frequency = random.Range(3, 9);
        var offset = new Vector3(random.Unit(), random.Unit(), random.Unit());
        return Made(random, (p, _, footprint) =>
        {
            Vector3 q = frequency * p + offset;
            float x = 2 * Wave(q.X / 2, frequency * footprint) - 1, y = 2 * Wave(q.Y / 2, frequency * footprint) - 1, z = 2 * Wave(q.Z / 2, frequency * footprint) - 1;
            return Vector3.Lerp(colours[0], colours[1], 0.5f + 0.5f * x * y * z);
        });
    }

    // Courses of bricks around the z axis.
    private static Material Tiles(SeededRandom random)
    {
        Vector3[] colours = Palette(random, 2);
        uint seed = Seed(random);
        int around = 8 + random.Below(12);
        float courses = random.Range(6, 14), joint = random.Range(0.08f, 0.16f), variation = random.Range(0, 0.25f);
        return Made(random, (p, _, footprint) =>
        {
            float v = courses * p.Z, course = MathF.Floor(v);
            float u = around * (MathF.Atan2(p.Y, p.X) / MathF.Tau + 1) + ((int)course & 1) * 0.5f, tile = MathF.Floor(u);
            float edge = MathF.Min(MathF.Min(u - tile, tile + 1 - u), MathF.Min(v - course, course + 1 - v));
            float level = 1 - variation * SolidNoise.At((int)tile % around, (int)course, 0, seed);
            return Vector3.Lerp(colours[1], colours[0] * level, SolidNoise.Step(joint / 2, edge, courses * footprint));
        });
    }

    // A square wave of period 1 with edges softened to the footprint: 0 or 1, grey where it is too fine to see.
    private static float Wave(float at, float footprint)
    {
        float phase = at - MathF.Floor(at), distance = MathF.Min(MathF.Abs(phase - 0.5f), MathF.Min(phase, 1 - phase));
        float seen = Math.Clamp(2 - 4 * footprint, 0, 1), soft = 0.5f + 0.5f * Math.Clamp(2 * distance / MathF.Max(footprint, 1e-5f), 0, 1) * (phase < 0.5f ? -1 : 1);
        return 0.5f + seen * (soft - 0.5f);
    }
}
