using System.Numerics;

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
        float hue = random.Unit(), hueSpread = random.Chance(0.3f) ? 1 : random.Range(0.02f, 0.3f);
        float saturation = grey ? 0 : random.Chance(0.65f) ? random.Range(0.05f, 0.4f) : random.Range(0.3f, 0.95f);
        float middle = random.Range(0.25f, 0.7f), spread = random.Range(0.1f, 0.45f);
        for (int i = 0; i < count; i++)
        {
            float value = Math.Clamp(middle + spread * random.Normal(), 0.03f, 0.98f);
            colours[i] = FromHue(hue + hueSpread * random.Range(-0.5f, 0.5f), saturation * random.Range(0.3f, 1.3f), value);
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
