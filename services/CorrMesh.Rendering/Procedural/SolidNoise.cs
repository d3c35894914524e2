using System.Numerics;

namespace CorrMesh.Rendering.Procedural;

/// <summary>Reproducible functions of space.</summary>
internal static class SolidNoise
{
    /// <summary>A number from 0 to 1 for each whole point of space.</summary>
    public static float At(int x, int y, int z, uint seed)
    {
        uint h = seed ^ (uint)x * 0x8DA6B343u ^ (uint)y * 0xD8163841u ^ (uint)z * 0xCB1AB31Fu;
        h ^= h >> 15;
        h *= 0x2C1B3C6Du;
        h ^= h >> 12;
        h *= 0x297A2D39u;
        h ^= h >> 15;
        return (h >> 8) * (1f / (1 << 24));
    }

    /// <summary>Value noise: smooth between whole points; about 0 to 1.</summary>
    public static float Value(Vector3 p, uint seed)
    {
        var cell = new Vector3(MathF.Floor(p.X), MathF.Floor(p.Y), MathF.Floor(p.Z));
        Vector3 t = p - cell;
        t = t * t * t * (t * (t * 6 - new Vector3(15)) + new Vector3(10));   // Perlin 2002: no kinks in the second derivative
        (int x, int y, int z) = ((int)cell.X, (int)cell.Y, (int)cell.Z);
        float near = Mix(Mix(At(x, y, z, seed), At(x + 1, y, z, seed), t.X), Mix(At(x, y + 1, z, seed), At(x + 1, y + 1, z, seed), t.X), t.Y);
        float far = Mix(Mix(At(x, y, z + 1, seed), At(x + 1, y, z + 1, seed), t.X), Mix(At(x, y + 1, z + 1, seed), At(x + 1, y + 1, z + 1, seed), t.X), t.Y);
        return Mix(near, far, t.Z);
    }

    /// <summary>Octaves of value noise, each twice as fine and half as strong; those finer than the footprint stay out. About 0 to 1.</summary>
    public static float Fractal(Vector3 p, int octaves, uint seed, float footprint = 0)
    {
        float sum = 0, weight = 1, total = 0, frequency = 1;
        for (int i = 0; i < octaves; i++)
        {
            float seen = Math.Clamp(2 - 3 * frequency * footprint, 0, 1);
            sum += weight * (seen > 0 ? Mix(0.5f, Value(p * frequency + new Vector3(17.3f * i), seed + (uint)i), seen) : 0.5f);
            total += weight;
            (weight, frequency) = (weight / 2, frequency * 2);
        }
        return sum / total;
    }

    /// <summary>Worley's cells: the nearest scattered point.</summary>
    /// <returns>Distance to it, to the second nearest, and a number that belongs to it.</returns>
    public static (float Nearest, float Second, uint Cell) Cells(Vector3 p, uint seed)
    {
        (int cx, int cy, int cz) = ((int)MathF.Floor(p.X), (int)MathF.Floor(p.Y), (int)MathF.Floor(p.Z));
        float nearest = 9, second = 9;
        uint cell = 0;
        for (int z = cz - 1; z <= cz + 1; z++)
            for (int y = cy - 1; y <= cy + 1; y++)
                for (int x = cx - 1; x <= cx + 1; x++)
                {
                    var point = new Vector3(x + At(x, y, z, seed), y + At(x, y, z, seed + 1), z + At(x, y, z, seed + 2));
                    float distance = Vector3.DistanceSquared(p, point);
                    if (distance < nearest)
                    {
                        (second, nearest) = (nearest, distance);
                        cell = (uint)(At(x, y, z, seed + 3) * (1 << 24));
                    }
                    else if (distance < second) second = distance;
                }
        return (MathF.Sqrt(nearest), MathF.Sqrt(second), cell);
    }

    /// <summary>0 below an edge, 1 above it, softened over a width.</summary>
    public static float Step(float edge, float value, float width) => Math.Clamp((value - edge) / MathF.Max(width, 1e-5f) + 0.5f, 0, 1);

    private static float Mix(float a, float b, float t) => a + (b - a) * t;
}
