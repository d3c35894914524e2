using System.Numerics;

namespace CorrMesh.Rendering.Meshes;

/// <summary>Between 8-bit sRGB (IEC 61966-2-1) and linear light, by tables.</summary>
public static class Srgb
{
    private const int Steps = 1 << 14;
    private static readonly float[] LinearOf = [.. Enumerable.Range(0, 256).Select(level => (float)Decode(level / 255.0))];
    private static readonly byte[] LevelOf = [.. Enumerable.Range(0, Steps + 1).Select(step => (byte)Math.Round(255 * Encode((double)step / Steps)))];

    /// <summary>0 to 1.</summary>
    public static float ToLinear(byte level) => LinearOf[level];

    /// <summary>The nearest level; values beyond 0 to 1 take the end.</summary>
    public static byte FromLinear(float value) => LevelOf[(int)(Math.Clamp(value, 0, 1) * Steps + 0.5f)];

    /// <summary>Linear RGB of 8-bit sRGB.</summary>
    public static Vector3 Colour(byte red, byte green, byte blue) => new(ToLinear(red), ToLinear(green), ToLinear(blue));

    private static double Decode(double value) => value <= 0.04045 ? value / 12.92 : Math.Pow((value + 0.055) / 1.055, 2.4);

    private static double Encode(double value) => value <= 0.0031308 ? value * 12.92 : 1.055 * Math.Pow(value, 1 / 2.4) - 0.055;
}
