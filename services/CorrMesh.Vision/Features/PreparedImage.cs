using CorrMesh.Vision.Images;

namespace CorrMesh.Vision.Features;

/// <summary>Per-channel mean and deviation that a backbone was trained with, on values of 0 to 1.</summary>
public sealed record ImageNormalisation(float[] Mean, float[] Deviation)
{
    /// <summary>DINOv2, MAE, DeiT III, ConvNeXt.</summary>
    public static ImageNormalisation ImageNet { get; } = new([0.485f, 0.456f, 0.406f], [0.229f, 0.224f, 0.225f]);
}

/// <summary>An image at the network's input size, channel-normalised, in plain arrays; made on any thread.</summary>
/// <param name="Geometry">Sizes.</param>
/// <param name="Planes">[3 * InputHeight * InputWidth]: the red plane first.</param>
public sealed record PreparedImage(InputGeometry Geometry, float[] Planes)
{
    // A division: multiplying by 1/255 changes the last bit of about half of the 256 levels.
    private static readonly float[] Levels = [.. Enumerable.Range(0, 256).Select(level => level / 255f)];

    /// <summary>Antialiased bilinear resize of the 0..1 image, then mean and deviation: the paper's order.</summary>
    /// <exception cref="ArgumentException">The geometry is of another image.</exception>
    public static PreparedImage From(RgbImage image, InputGeometry geometry, ImageNormalisation? normalisation = null)
    {
        normalisation ??= ImageNormalisation.ImageNet;
        float[] pixels = Resized(image, geometry);
        int count = geometry.InputWidth * geometry.InputHeight;
        var planes = new float[3 * count];
        for (int channel = 0; channel < 3; channel++)
        {
            float mean = normalisation.Mean[channel], deviation = normalisation.Deviation[channel];
            for (int i = 0; i < count; i++) planes[channel * count + i] = (pixels[3 * i + channel] - mean) / deviation;
        }
        return new PreparedImage(geometry, planes);
    }

    /// <summary>The image at the network's input size, values 0 to 1, before normalisation.</summary>
    /// <returns>[InputHeight * InputWidth * 3], channels innermost.</returns>
    /// <exception cref="ArgumentException">The geometry is of another image.</exception>
    public static float[] Resized(RgbImage image, InputGeometry geometry)
    {
        if (image.Width != geometry.ImageWidth || image.Height != geometry.ImageHeight)
            throw new ArgumentException($"image: {geometry.ImageWidth} x {geometry.ImageHeight} needed, {image.Width} x {image.Height} given", nameof(image));
        if (image.Width == geometry.InputWidth && image.Height == geometry.InputHeight) return Array.ConvertAll(image.Pixels, level => Levels[level]);
        AxisWeights x = AxisWeights.Triangle(image.Width, geometry.InputWidth), y = AxisWeights.Triangle(image.Height, geometry.InputHeight);
        var row = new float[image.Width * 3];
        int rowOut = geometry.InputWidth * 3;
        var wide = new float[(long)image.Height * rowOut];
        for (int i = 0; i < image.Height; i++)
        {
            ReadOnlySpan<byte> levels = image.Pixels.AsSpan(i * row.Length, row.Length);
            for (int k = 0; k < row.Length; k++) row[k] = Levels[levels[k]];
            Resampling.ResizeRow(row, wide.AsSpan(i * rowOut, rowOut), 3, x);
        }
        return Resampling.ResizeColumns(wide, rowOut, y);
    }
}
