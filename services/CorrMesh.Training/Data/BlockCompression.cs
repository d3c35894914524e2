using System.Numerics;

namespace CorrMesh.Training.Data;

/// <summary>The loss of JPEG without its file: 8 x 8 cosine transforms, coefficients rounded to coarser steps at higher frequency.</summary>
internal sealed class BlockCompression
{
    private const int Side = 8;
    private static readonly Vector4[] Basis = MakeBasis();
    private readonly Vector4[] block = new Vector4[Side * Side];
    private readonly Vector4[] scratch = new Vector4[Side * Side];

    /// <summary>Rounds the picture's blocks in place; an incomplete last row or column of blocks is left alone.</summary>
    /// <param name="picture">Colours in 0..1.</param>
    /// <param name="step">Rounding step of the lowest frequencies of brightness, in units of full scale; 0.02 is a fair JPEG.</param>
    public void Apply(Raster picture, float step)
    {
        for (int top = 0; top + Side <= picture.Height; top += Side)
            for (int left = 0; left + Side <= picture.Width; left += Side)
                Round(picture, left, top, step);
        Photometry.Clamp(picture);
    }

    private void Round(Raster picture, int left, int top, float step)
    {
        for (int y = 0; y < Side; y++)
            for (int x = 0; x < Side; x++)
            {
                Vector4 p = picture.Pixels[(top + y) * picture.Width + left + x];
                float luma = 0.299f * p.X + 0.587f * p.Y + 0.114f * p.Z;
                block[y * Side + x] = new Vector4(luma, p.Z - luma, p.X - luma, 0);
            }
        Transform(block, scratch, inverse: false);
        Transform(scratch, block, inverse: false);
        for (int v = 0; v < Side; v++)
            for (int u = 0; u < Side; u++)
            {
                // The orthonormal transform's coefficients are up to 8 times a pixel; steps grow with frequency as JPEG's table does.
                float luma = 4 * step * (1 + 0.55f * (u + v)), chroma = 1.6f * luma;
                var steps = new Vector4(luma, chroma, chroma, 1);
                block[v * Side + u] = steps * Vector4.Round(block[v * Side + u] / steps);
            }
        Transform(block, scratch, inverse: true);
        Transform(scratch, block, inverse: true);
        for (int y = 0; y < Side; y++)
            for (int x = 0; x < Side; x++)
            {
                Vector4 p = block[y * Side + x];
                float red = p.X + p.Z, blue = p.X + p.Y, green = (p.X - 0.299f * red - 0.114f * blue) / 0.587f;
                picture.Pixels[(top + y) * picture.Width + left + x] = new Vector4(red, green, blue, 1);
            }
    }

    /// <summary>Transforms the rows and writes them as columns, so that calling it twice treats both axes.</summary>
    private static void Transform(Vector4[] source, Vector4[] target, bool inverse)
    {
        for (int row = 0; row < Side; row++)
            for (int k = 0; k < Side; k++)
            {
                Vector4 sum = default;
                for (int i = 0; i < Side; i++) sum += source[row * Side + i] * (inverse ? Basis[i * Side + k] : Basis[k * Side + i]);
                target[k * Side + row] = sum;
            }
    }

    private static Vector4[] MakeBasis()
    {
        var basis = new Vector4[Side * Side];
        for (int k = 0; k < Side; k++)
            for (int i = 0; i < Side; i++)
                basis[k * Side + i] = new Vector4((k == 0 ? MathF.Sqrt(0.125f) : 0.5f) * MathF.Cos(MathF.PI * (2 * i + 1) * k / (2 * Side)));
        return basis;
    }
}
