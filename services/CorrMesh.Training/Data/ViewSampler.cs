using System.Numerics;
using CorrMesh.Geometry;

namespace CorrMesh.Training.Data;

/// <summary>Photographs a canvas through a homography, with a backdrop wherever the canvas ends.</summary>
internal sealed class ViewSampler
{
    private const int LevelCount = 4;
    private readonly Raster[] levels = [new(), new(), new(), new()];

    /// <summary>Full resolution; paint here, then call <see cref="BuildLevels"/>.</summary>
    public Raster Canvas => levels[0];

    /// <summary>Makes the halved copies that reduced views are read from (Williams 1983, "Pyramidal Parametrics").</summary>
    public void BuildLevels()
    {
        for (int level = 1; level < LevelCount; level++) levels[level].HalveFrom(levels[level - 1]);
    }

    /// <summary>Renders one view.</summary>
    /// <param name="canvasToView">Corner-origin canvas coordinates to corner-origin view pixels.</param>
    /// <param name="backdrop">Seen where the canvas ends.</param>
    /// <param name="backdropShift">Where in the backdrop the view's first pixel reads, backdrop pixels; it is mirrored at its borders.</param>
    /// <param name="target">Receives the view; its size is the view's.</param>
    /// <param name="mask">[Width * Height] receives 1 where the pixel's centre shows canvas, else 0.</param>
    public void Render(Homography canvasToView, Raster backdrop, (float X, float Y) backdropShift, Raster target, byte[] mask)
    {
        Homography map = canvasToView.Inverse();
        // Depth at the canvas' middle is positive by construction; the inverse must keep the sign that means "in front".
        double side = Canvas.Width;
        (double middleX, double middleY) = canvasToView.Apply(side / 2, side / 2);
        double sign = Math.Sign(map.Depth(middleX, middleY));
        for (int y = 0; y < target.Height; y++)
        {
            double rowY = y + 0.5;
            float span = 1;
            for (int x = 0; x < target.Width; x++)
            {
                double columnX = x + 0.5;
                double depth = map.M31 * columnX + map.M32 * rowY + map.M33, w = 1 / depth;
                double canvasX = (map.M11 * columnX + map.M12 * rowY + map.M13) * w;
                double canvasY = (map.M21 * columnX + map.M22 * rowY + map.M23) * w;
                if ((x & 7) == 0)
                {
                    // Derivatives of the quotient; their root mean square says how many canvas pixels a pixel spans. It
                    // changes slowly, so one in eight pixels is asked.
                    double xx = (map.M11 - canvasX * map.M31) * w, xy = (map.M12 - canvasX * map.M32) * w;
                    double yx = (map.M21 - canvasY * map.M31) * w, yy = (map.M22 - canvasY * map.M32) * w;
                    span = MathF.Sqrt((float)(0.5 * (xx * xx + xy * xy + yx * yx + yy * yy)));
                }
                double inset = Math.Min(Math.Min(canvasX, side - canvasX), Math.Min(canvasY, side - canvasY));
                bool inside = depth * sign > 0 && inset >= 0;
                int at = y * target.Width + x;
                mask[at] = inside ? (byte)1 : (byte)0;
                float cover = depth * sign > 0 ? Math.Clamp((float)inset / span + 0.5f, 0, 1) : 0;
                Vector4 colour = default;
                if (cover > 0) colour = cover * Read((float)canvasX, (float)canvasY, span);
                if (cover < 1) colour += (1 - cover) * Mirrored(backdrop, x + backdropShift.X, y + backdropShift.Y);
                target.Pixels[at] = colour;
            }
        }
    }

    private Vector4 Read(float x, float y, float span)
    {
        if (span <= 1.05f) return levels[0].Sample(x, y);
        float level = Math.Min(MathF.Log2(span), LevelCount - 1.001f);
        int fine = (int)level;
        float scale = 1f / (1 << fine);
        return Vector4.Lerp(levels[fine].Sample(x * scale, y * scale), levels[fine + 1].Sample(0.5f * scale * x, 0.5f * scale * y), level - fine);
    }

    private static Vector4 Mirrored(Raster raster, float x, float y)
    {
        int px = (int)x % (2 * raster.Width), py = (int)y % (2 * raster.Height);
        if (px >= raster.Width) px = 2 * raster.Width - 1 - px;
        if (py >= raster.Height) py = 2 * raster.Height - 1 - py;
        return raster.Pixels[py * raster.Width + px];
    }
}
