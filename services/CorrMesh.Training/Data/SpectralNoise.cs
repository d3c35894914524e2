using System.Numerics;
using CorrMesh.Geometry;

namespace CorrMesh.Training.Data;

/// <summary>Gaussian noise whose amplitude falls as 1/f^a, as that of photographs does (a near 1; Field 1987).</summary>
internal static class SpectralNoise
{
    /// <summary>A seamless tile in 0..1, mean 0.5, standard deviation 0.2 before clamping.</summary>
    /// <param name="random">Source of the phases.</param>
    /// <param name="size">Side, a power of two.</param>
    /// <param name="exponent">a: 0 is white, 1 like a photograph, 2 cloudy.</param>
    public static float[] Tile(SeededRandom random, int size, float exponent)
    {
        var spectrum = new Complex[size * size];
        for (int y = 0; y < size; y++)
            for (int x = 0; x < size; x++)
            {
                int fx = Math.Min(x, size - x), fy = Math.Min(y, size - y);
                // Keeping out the lowest two frequencies keeps one end of the tile from being simply darker.
                double frequency = Math.Sqrt(fx * fx + fy * fy);
                double amplitude = frequency < 2 ? 0 : Math.Pow(frequency, -exponent);
                spectrum[y * size + x] = new Complex(random.Normal() * amplitude, random.Normal() * amplitude);
            }
        var line = new Complex[size];
        for (int y = 0; y < size; y++) Transform(spectrum.AsSpan(y * size, size));
        for (int x = 0; x < size; x++)
        {
            for (int y = 0; y < size; y++) line[y] = spectrum[y * size + x];
            Transform(line);
            for (int y = 0; y < size; y++) spectrum[y * size + x] = line[y];
        }
        // The real part of a field with independent complex coefficients has the same spectrum; no symmetry is needed.
        double square = 0;
        foreach (Complex value in spectrum) square += value.Real * value.Real;
        double scale = 0.2 / Math.Sqrt(square / spectrum.Length);
        var tile = new float[size * size];
        for (int i = 0; i < tile.Length; i++) tile[i] = (float)Math.Clamp(0.5 + spectrum[i].Real * scale, 0, 1);
        return tile;
    }

    /// <summary>In-place radix-2 Fourier transform (Cooley and Tukey 1965).</summary>
    private static void Transform(Span<Complex> values)
    {
        for (int i = 1, j = 0; i < values.Length; i++)
        {
            int bit = values.Length >> 1;
            for (; (j & bit) != 0; bit >>= 1) j ^= bit;
            j ^= bit;
            if (i < j) (values[i], values[j]) = (values[j], values[i]);
        }
        for (int half = 1; half < values.Length; half *= 2)
        {
            var step = Complex.FromPolarCoordinates(1, Math.PI / half);
            for (int start = 0; start < values.Length; start += 2 * half)
            {
                Complex turn = Complex.One;
                for (int k = start; k < start + half; k++, turn *= step)
                {
                    Complex odd = values[k + half] * turn;
                    values[k + half] = values[k] - odd;
                    values[k] += odd;
                }
            }
        }
    }
}
