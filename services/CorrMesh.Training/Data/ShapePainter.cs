using System.Numerics;

namespace CorrMesh.Training.Data;

/// <summary>Puts filled shapes and their shadows on a raster, antialiased.</summary>
internal static class ShapePainter
{
    /// <summary>Paints a shape over what is there.</summary>
    /// <param name="target">Receives the shape.</param>
    /// <param name="mask">[Width * Height] set to 0 wherever the shape covers a tenth or more; null where none is kept.</param>
    /// <param name="shape">Where.</param>
    /// <param name="fill">With what.</param>
    /// <param name="softness">Width of the outline's ramp, pixels, at least 1.</param>
    /// <param name="opacity">Coverage inside, 0..1.</param>
    public static void Paint(Raster target, byte[]? mask, Shape shape, Fill fill, float softness, float opacity)
    {
        float reach = shape.Reach(softness), inverse = 1 / softness;
        int firstRow = Math.Max((int)(shape.CentreY - reach), 0), lastRow = Math.Min((int)(shape.CentreY + reach), target.Height - 1);
        for (int y = firstRow; y <= lastRow; y++)
        {
            float dy = y + 0.5f - shape.CentreY;
            (float from, float to) = shape.RowSpan(dy, softness);
            int first = Math.Max((int)(shape.CentreX + from), 0), last = Math.Min((int)(shape.CentreX + to), target.Width - 1);
            for (int x = first; x <= last; x++)
            {
                (float localX, float localY) = shape.ToLocal(x + 0.5f - shape.CentreX, dy);
                float distance = shape.Distance(localX, localY);
                float cover = Math.Min(0.5f - distance * inverse, 1) * opacity;
                if (cover <= 0) continue;
                int at = y * target.Width + x;
                target.Pixels[at] = Vector4.Lerp(target.Pixels[at], fill.Colour(localX, localY, distance), cover);
                if (mask is not null && cover >= 0.1f) mask[at] = 0;
            }
        }
    }

    /// <summary>Darkens what lies where the shape, moved by an offset, would cast its shadow.</summary>
    public static void Shade(Raster target, Shape shape, float offsetX, float offsetY, float softness, float strength)
    {
        float centreX = shape.CentreX + offsetX, centreY = shape.CentreY + offsetY;
        float reach = shape.Reach(softness), inverse = 1 / softness;
        int firstRow = Math.Max((int)(centreY - reach), 0), lastRow = Math.Min((int)(centreY + reach), target.Height - 1);
        for (int y = firstRow; y <= lastRow; y++)
        {
            float dy = y + 0.5f - centreY;
            (float from, float to) = shape.RowSpan(dy, softness);
            int first = Math.Max((int)(centreX + from), 0), last = Math.Min((int)(centreX + to), target.Width - 1);
            for (int x = first; x <= last; x++)
            {
                (float localX, float localY) = shape.ToLocal(x + 0.5f - centreX, dy);
                float cover = Math.Min(0.5f - shape.Distance(localX, localY) * inverse, 1);
                if (cover > 0) target.Pixels[y * target.Width + x] *= 1 - strength * cover;
            }
        }
    }
}
