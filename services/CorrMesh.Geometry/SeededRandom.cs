namespace CorrMesh.Geometry;

/// <summary>Reproducible random numbers: xoshiro256** (Blackman and Vigna 2018), seeded through SplitMix64.</summary>
/// <remarks>System.Random's seeded sequence is not promised to stay the same between runtimes; recipes must.</remarks>
public sealed class SeededRandom
{
    private ulong a, b, c, d;

    public SeededRandom(ulong seed, ulong stream) => Reseed(seed, stream);

    /// <summary>Starts the sequence that belongs to a seed and a stream number.</summary>
    public void Reseed(ulong seed, ulong stream)
    {
        ulong state = seed ^ (stream * 0xD1342543DE82EF95UL);
        a = SplitMix(ref state);
        b = SplitMix(ref state);
        c = SplitMix(ref state);
        d = SplitMix(ref state);
    }

    public ulong NextBits()
    {
        ulong result = ulong.RotateLeft(b * 5, 7) * 9;
        ulong t = b << 17;
        c ^= a;
        d ^= b;
        b ^= c;
        a ^= d;
        c ^= t;
        d = ulong.RotateLeft(d, 45);
        return result;
    }

    /// <summary>Uniform in [0, 1).</summary>
    public float Unit() => (NextBits() >> 40) * (1f / (1 << 24));

    /// <summary>Uniform in [low, high).</summary>
    public float Range(float low, float high) => low + (high - low) * Unit();

    /// <summary>Uniform in 0 .. count - 1.</summary>
    public int Below(int count) => (int)(Unit() * count);

    public bool Chance(float probability) => Unit() < probability;

    /// <summary>Standard normal, by Box and Muller; one of the pair is dropped to keep the sequence easy to follow.</summary>
    public float Normal()
    {
        float radius = MathF.Sqrt(-2 * MathF.Log(1 - Unit()));
        return radius * MathF.Cos(MathF.Tau * Unit());
    }

    /// <summary>Density proportional to x^-exponent between the bounds.</summary>
    public float PowerLaw(float low, float high, float exponent)
    {
        if (MathF.Abs(exponent - 1) < 1e-3f) return low * MathF.Pow(high / low, Unit());
        float e = 1 - exponent;
        float lowPower = MathF.Pow(low, e), highPower = MathF.Pow(high, e);
        return MathF.Pow(lowPower + (highPower - lowPower) * Unit(), 1 / e);
    }

    private static ulong SplitMix(ref ulong state)
    {
        ulong z = state += 0x9E3779B97F4A7C15UL;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9UL;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBUL;
        return z ^ (z >> 31);
    }
}
