using CorrMesh.Geometry;
using CorrMesh.Vision.Images;

namespace CorrMesh.Rendering.Views;

/// <summary>Cuts a view to a square around its object, so that the object fills the picture however far away it was photographed.</summary>
public static class ObjectCrop
{
    // The square's side over the longer side of the object's outline; rendered views leave about as much around theirs.
    private const double Room = 1.25;

    /// <summary>How many pixels of the object have a known depth.</summary>
    public static int CountKnown(ObjectView view) =>
        view.DepthMetres is { } depth ? Enumerable.Range(0, view.Mask.Length).Count(at => view.Mask[at] != 0 && depth[at] > 0) : 0;

    /// <summary>Cuts and scales.</summary>
    /// <param name="view">With at least one pixel of the object.</param>
    /// <param name="size">Side of the result, pixels.</param>
    /// <returns>
    /// The square: colours averaged or interpolated, black beyond the picture; depth and mask of the nearest pixel, nothing beyond it; the camera that saw just this.
    /// </returns>
    /// <exception cref="ArgumentException">No pixel of the mask is set, or the size is below 1.</exception>
    public static ObjectView Square(ObjectView view, int size)
    {
        ArgumentNullException.ThrowIfNull(view);
        ArgumentOutOfRangeException.ThrowIfLessThan(size, 1);
        (int width, int height) = (view.Image.Width, view.Image.Height);
        (int left, int top, int right, int bottom) = Outline(view, width);
        double side = Math.Min(Room * Math.Max(right - left, bottom - top), Math.Max(width, height));
        // Corner-origin position of the square, moved into the picture as far as it fits.
        double x0 = Into((left + right - side) / 2, side, width), y0 = Into((top + bottom - side) / 2, side, height), step = side / size;
        var pixels = new byte[size * size * 3];
        var depth = view.DepthMetres is null ? null : new float[size * size];
        var mask = new byte[size * size];
        int taps = Math.Max(1, (int)Math.Ceiling(step));
        for (int y = 0; y < size; y++)
            for (int x = 0; x < size; x++)
            {
                int at = y * size + x;
                Colour(view.Image, x0 + x * step, y0 + y * step, step, taps, pixels.AsSpan(3 * at, 3));
                int u = (int)Math.Floor(x0 + (x + 0.5) * step), v = (int)Math.Floor(y0 + (y + 0.5) * step);
                if (u < 0 || v < 0 || u >= width || v >= height) continue;
                mask[at] = view.Mask[v * width + u];
                if (depth is not null) depth[at] = view.DepthMetres![v * width + u];
            }
        PinholeCamera c = view.Camera;
        var camera = new PinholeCamera(size, size, c.FocalX / step, c.FocalY / step, (c.CentreX + 0.5 - x0) / step - 0.5, (c.CentreY + 0.5 - y0) / step - 0.5);
        return new ObjectView(new RgbImage(size, size, pixels), depth, mask, camera, view.ObjectToCamera);
    }

    private static (int Left, int Top, int Right, int Bottom) Outline(ObjectView view, int width)
    {
        (int left, int top, int right, int bottom) = (int.MaxValue, int.MaxValue, 0, 0);
        for (int at = 0; at < view.Mask.Length; at++)
        {
            if (view.Mask[at] == 0) continue;
            (int x, int y) = (at % width, at / width);
            (left, top, right, bottom) = (Math.Min(left, x), Math.Min(top, y), Math.Max(right, x + 1), Math.Max(bottom, y + 1));
        }
        return right > 0 ? (left, top, right, bottom) : throw new ArgumentException("view: at least 1 pixel of the object needed, 0 given", nameof(view));
    }

    private static double Into(double start, double length, int bound) => length >= bound ? (bound - length) / 2 : Math.Clamp(start, 0, bound - length);

    // The mean over one pixel of the result, from so many bilinear samples a side.
    private static void Colour(RgbImage image, double left, double top, double step, int taps, Span<byte> target)
    {
        (double red, double green, double blue) = (0, 0, 0);
        for (int j = 0; j < taps; j++)
            for (int i = 0; i < taps; i++)
            {
                double x = left + (i + 0.5) * step / taps - 0.5, y = top + (j + 0.5) * step / taps - 0.5;
                int u = (int)Math.Floor(x), v = (int)Math.Floor(y);
                double across = x - u, down = y - v;
                Add(u, v, (1 - across) * (1 - down));
                Add(u + 1, v, across * (1 - down));
                Add(u, v + 1, (1 - across) * down);
                Add(u + 1, v + 1, across * down);
            }
        double scale = 1.0 / (taps * taps);
        (target[0], target[1], target[2]) = (Byte(red), Byte(green), Byte(blue));

        void Add(int u, int v, double weight)
        {
            if (u < 0 || v < 0 || u >= image.Width || v >= image.Height) return;
            int at = 3 * (v * image.Width + u);
            red += weight * image.Pixels[at];
            green += weight * image.Pixels[at + 1];
            blue += weight * image.Pixels[at + 2];
        }

        byte Byte(double sum) => (byte)Math.Clamp(Math.Round(sum * scale), 0, 255);
    }
}
