using CorrMesh.Geometry;
using CorrMesh.Vision.Images;

namespace CorrMesh.Rendering.Augmentation;

/// <summary>A changed picture.</summary>
/// <param name="Image">Of the same size.</param>
/// <param name="Mask">The object in it, not 0 where it is.</param>
/// <param name="Movement">Where a position of the old picture went, pixels of both with the origin in the first one's centre.</param>
public sealed record AugmentedView(RgbImage Image, byte[] Mask, Homography Movement)
{
    /// <summary>Moves points along; those that leave the picture are dropped.</summary>
    /// <param name="points">Positions in the old picture.</param>
    /// <returns>Positions in the new one, with their places in the list.</returns>
    public IReadOnlyList<(int Index, double X, double Y)> Move(IReadOnlyList<(double X, double Y)> points)
    {
        ArgumentNullException.ThrowIfNull(points);
        var moved = new List<(int, double, double)>();
        for (int i = 0; i < points.Count; i++)
        {
            (double x, double y) = Movement.Apply(points[i].X, points[i].Y);
            if (x >= 0 && y >= 0 && x < Image.Width && y < Image.Height) moved.Add((i, x, y));
        }
        return moved;
    }
}

/// <summary>The paper's augmentations: shift, scale and turn; blur, sensor noise, Gaussian noise, local equalisation, brightness and contrast, in this order.</summary>
public static class ViewAugmenter
{
    /// <summary>Changes a picture; the same random sequence gives the same bytes.</summary>
    /// <param name="image">Stays as it is.</param>
    /// <param name="mask">[height * width]: not 0 where the object is.</param>
    /// <param name="random">Decides.</param>
    /// <param name="options">Strengths; the paper's when null.</param>
    /// <exception cref="ArgumentException">The mask has another size.</exception>
    public static AugmentedView Apply(RgbImage image, byte[] mask, SeededRandom random, AugmentationOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(mask);
        ArgumentNullException.ThrowIfNull(random);
        if (mask.Length != image.Width * image.Height) throw new ArgumentException($"mask: {image.Width * image.Height} pixels needed, {mask.Length} given", nameof(mask));
        options ??= new AugmentationOptions();
        (int width, int height) = (image.Width, image.Height);
        Homography movement = random.Chance(options.GeometricProbability) ? Draw(width, height, random, options) : Homography.Identity;
        (byte[] pixels, byte[] moved) = movement == Homography.Identity ? ((byte[])image.Pixels.Clone(), (byte[])mask.Clone()) : Warp(image, mask, movement);
        if (random.Chance(options.ColourProbability) && random.Chance(0.5f)) ColourChanges.Blur(pixels, width, height);   // a kernel of 1 or 3: half of the blurs change nothing
        if (random.Chance(options.ColourProbability)) ColourChanges.AddIsoNoise(pixels, Within(random, options.IsoColourShift), Within(random, options.IsoIntensity), random);
        if (random.Chance(options.ColourProbability)) ColourChanges.AddGaussianNoise(pixels, MathF.Sqrt(Within(random, options.NoiseVariance)), random);
        if (random.Chance(options.ColourProbability)) Clahe.Apply(pixels, width, height, random.Range(1, options.ClipLimit));
        if (random.Chance(options.ColourProbability))
        {
            float contrast = 1 + options.BrightnessContrastLimit * random.Range(-1, 1), brightness = options.BrightnessContrastLimit * random.Range(-1, 1);
            ColourChanges.ScaleAndShift(pixels, contrast, 255 * brightness);
        }
        if (options.IsBackgroundBlack)
            for (int i = 0; i < moved.Length; i++)
                if (moved[i] == 0) pixels.AsSpan(3 * i, 3).Clear();
        return new AugmentedView(new RgbImage(width, height, pixels), moved, movement);
    }

    private static float Within(SeededRandom random, (float Least, float Greatest) range) => random.Range(range.Least, range.Greatest);

    // Turned and scaled about the picture's middle, then shifted.
    private static Homography Draw(int width, int height, SeededRandom random, AugmentationOptions options)
    {
        double angle = options.RotateLimitDegrees * random.Range(-1, 1) * Math.PI / 180, scale = 1 + options.ScaleLimit * random.Range(-1, 1);
        double shiftX = options.ShiftLimit * random.Range(-1, 1) * width, shiftY = options.ShiftLimit * random.Range(-1, 1) * height;
        double middleX = (width - 1) / 2.0, middleY = (height - 1) / 2.0;
        return Homography.Translation(middleX + shiftX, middleY + shiftY) * Homography.Rotation(angle) * Homography.Scaling(scale, scale) * Homography.Translation(-middleX, -middleY);
    }

    // Bilinear colours and nearest mask; black from beyond the edge.
    private static (byte[] Pixels, byte[] Mask) Warp(RgbImage image, byte[] mask, Homography movement)
    {
        (int width, int height) = (image.Width, image.Height);
        Homography back = movement.Inverse();
        var pixels = new byte[image.Pixels.Length];
        var moved = new byte[mask.Length];
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++)
            {
                (double fromX, double fromY) = back.Apply(x, y);
                if (!(fromX > -1 && fromY > -1 && fromX < width && fromY < height)) continue;
                int at = y * width + x, nearX = (int)Math.Floor(fromX + 0.5), nearY = (int)Math.Floor(fromY + 0.5);
                if (nearX >= 0 && nearY >= 0 && nearX < width && nearY < height) moved[at] = mask[nearY * width + nearX];
                int x0 = (int)Math.Floor(fromX), y0 = (int)Math.Floor(fromY);
                float tx = (float)(fromX - x0), ty = (float)(fromY - y0);
                for (int channel = 0; channel < 3; channel++)
                {
                    float top = (1 - tx) * Level(x0, y0, channel) + tx * Level(x0 + 1, y0, channel), bottom = (1 - tx) * Level(x0, y0 + 1, channel) + tx * Level(x0 + 1, y0 + 1, channel);
                    pixels[3 * at + channel] = (byte)((1 - ty) * top + ty * bottom + 0.5f);
                }
            }
        return (pixels, moved);

        float Level(int x, int y, int channel) => (uint)x < (uint)width && (uint)y < (uint)height ? image.Pixels[3 * (y * width + x) + channel] : 0;
    }
}
