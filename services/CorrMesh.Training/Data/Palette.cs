using System.Numerics;
using CorrMesh.Geometry;

namespace CorrMesh.Training.Data;

/// <summary>The few related colours of one scene: mostly muted, brightness varying more than hue, sometimes grey.</summary>
internal sealed class Palette
{
    private readonly Vector4[] colours = new Vector4[7];
    private int count;
    private float jitter;

    public void Draw(SeededRandom random)
    {
        count = 3 + random.Below(5);
        jitter = random.Range(0.01f, 0.12f);
        bool grey = random.Chance(0.12f);
        float hue = DrawHue(random), hueSpread = random.Range(0.02f, 0.25f), strangers = random.Range(0, 0.5f);
        float saturation = grey ? 0 : random.Chance(0.7f) ? random.Range(0.04f, 0.38f) : random.Range(0.3f, 0.9f);
        float middle = random.Range(0.25f, 0.7f), spread = random.Range(0.1f, 0.45f);
        for (int i = 0; i < count; i++)
        {
            float value = Math.Clamp(middle + spread * random.Normal(), 0.03f, 0.98f);
            float own = random.Chance(strangers) ? DrawHue(random) : hue + hueSpread * random.Range(-0.5f, 0.5f);
            colours[i] = FromHue(own, saturation * random.Range(0.3f, 1.3f), value);
        }
    }

    /// <summary>One of the scene's colours, a little changed.</summary>
    public Vector4 Pick(SeededRandom random)
    {
        Vector4 colour = colours[random.Below(count)];
        float lift = jitter * 1.5f * random.Normal();
        float tint = jitter * 0.5f;
        return Vector4.Clamp(
            colour + new Vector4(lift + tint * random.Normal(), lift + tint * random.Normal(), lift + tint * random.Normal(), 0),
            Vector4.Zero,
            Vector4.One);
    }

    /// <summary>Earth and skin, leaves, and sky are met far more often than purple.</summary>
    private static float DrawHue(SeededRandom random)
    {
        float pick = random.Unit();
        return pick < 0.4f ? random.Range(-0.01f, 0.15f) : pick < 0.6f ? random.Range(0.15f, 0.42f) : pick < 0.82f ? random.Range(0.5f, 0.68f) : random.Unit();
    }

    /// <summary>A colour by hue (turns), saturation and brightness.</summary>
    public static Vector4 FromHue(float hue, float saturation, float value)
    {
        hue -= MathF.Floor(hue);
        saturation = Math.Clamp(saturation, 0, 1);
        float Channel(float shift)
        {
            float h = hue + shift;
            h -= MathF.Floor(h);
            float ramp = Math.Clamp(Math.Abs(h * 6 - 3) - 1, 0, 1);
            return value * (1 - saturation + saturation * ramp);
        }
        return new Vector4(Channel(0), Channel(2f / 3), Channel(1f / 3), 1);
    }
}
