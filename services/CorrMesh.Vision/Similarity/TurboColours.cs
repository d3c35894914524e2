namespace CorrMesh.Vision.Similarity;

/// <summary>The Turbo colour map, as the polynomial that Anton Mikhailov published with it (Google, 2019).</summary>
internal static class TurboColours
{
    private static readonly float[] Red = [0.13572138f, 4.61539260f, -42.66032258f, 132.13108234f, -152.94239396f, 59.28637943f];
    private static readonly float[] Green = [0.09140261f, 2.19418839f, 4.84296658f, -14.18503333f, 4.27729857f, 2.82956604f];
    private static readonly float[] Blue = [0.10667330f, 12.64194608f, -60.58204836f, 110.36276771f, -89.90310912f, 27.34824973f];

    /// <summary>Colour of a value from 0 (dark blue) to 1 (dark red); others are clamped.</summary>
    /// <returns>0 to 255 per channel.</returns>
    public static (float R, float G, float B) At(float value)
    {
        float t = Math.Clamp(value, 0f, 1f);
        return (Channel(Red, t), Channel(Green, t), Channel(Blue, t));
    }

    private static float Channel(float[] coefficients, float t)
    {
        float sum = 0;
        for (int i = coefficients.Length - 1; i >= 0; i--)
        {
            sum = (sum * t) + coefficients[i];
        }

        return Math.Clamp(sum, 0f, 1f) * 255;
    }
}
