using CorrMesh.Vision.Images;

namespace CorrMesh.Vision.Features;

/// <summary>Resizes 8-bit images exactly as PIL's Lanczos filter does, and pads them to a square as the paper's evaluation does.</summary>
/// <remarks>Pillow works in fixed point with 22 fractional bits, columns first, and rounds and clips to 8 bits between the passes (its Resample.c); so must we for equal pixels.</remarks>
public static class LanczosResize
{
    private const int FractionBits = 32 - 8 - 2;
    private const int Half = 1 << (FractionBits - 1);

    /// <exception cref="ArgumentException">A side is below 1.</exception>
    public static RgbImage Resize(RgbImage image, int width, int height)
    {
        byte[] pixels = image.Pixels;
        // A pass that keeps the size is left out, as it is in Pillow.
        if (width != image.Width) pixels = Columns(pixels, AxisWeights.Lanczos(image.Width, width), image.Height);
        if (height != image.Height) pixels = Rows(pixels, AxisWeights.Lanczos(image.Height, height), width * 3);
        return new RgbImage(width, height, pixels);
    }

    /// <summary>Scales the long side to <paramref name="size"/> and centres the result on a square.</summary>
    /// <remarks>The short side is rounded half to even; left or top padding is the smaller half. Sides are kept at 1 pixel at least.</remarks>
    /// <param name="image">Any size.</param>
    /// <param name="size">Side of the square, pixels.</param>
    /// <param name="repeatEdges">Whether the border is repeated outwards; black otherwise.</param>
    public static RgbImage ToSquare(RgbImage image, int size, bool repeatEdges = false)
    {
        bool isPortrait = image.Height > image.Width;
        int longSide = Math.Max(image.Width, image.Height), shortSide = Math.Min(image.Width, image.Height);
        int scaled = Math.Max(1, (int)Math.Round((double)size * shortSide / longSide, MidpointRounding.ToEven));
        int before = (size - scaled) / 2, after = size - scaled - before;
        RgbImage resized = isPortrait ? Resize(image, scaled, size) : Resize(image, size, scaled);
        (int left, int right, int top, int bottom) = isPortrait ? (before, after, 0, 0) : (0, 0, before, after);
        if (repeatEdges) return new RgbImage(size, size, Resampling.PadEdges<byte>(resized.Pixels, resized.Width, resized.Height, 3, left, top, right, bottom));
        var canvas = new byte[size * size * 3];
        for (int row = 0; row < resized.Height; row++)
            resized.Pixels.AsSpan(row * resized.Width * 3, resized.Width * 3).CopyTo(canvas.AsSpan(((row + top) * size + left) * 3));
        return new RgbImage(size, size, canvas);
    }

    private static byte[] Columns(byte[] source, AxisWeights axis, int rows)
    {
        var result = new byte[rows * axis.Outputs * 3];
        for (int column = 0; column < axis.Outputs; column++)
        {
            int[] weights = Fixed(axis.Weights(column, out int first));
            for (int row = 0; row < rows; row++)
                for (int channel = 0; channel < 3; channel++)
                {
                    int sum = Half;
                    for (int k = 0; k < weights.Length; k++) sum += source[(row * axis.Inputs + first + k) * 3 + channel] * weights[k];
                    result[(row * axis.Outputs + column) * 3 + channel] = Clip(sum);
                }
        }
        return result;
    }

    private static byte[] Rows(byte[] source, AxisWeights axis, int rowLength)
    {
        var result = new byte[axis.Outputs * rowLength];
        for (int row = 0; row < axis.Outputs; row++)
        {
            int[] weights = Fixed(axis.Weights(row, out int first));
            for (int x = 0; x < rowLength; x++)
            {
                int sum = Half;
                for (int k = 0; k < weights.Length; k++) sum += source[(first + k) * rowLength + x] * weights[k];
                result[row * rowLength + x] = Clip(sum);
            }
        }
        return result;
    }

    private static int[] Fixed(ReadOnlySpan<double> weights)
    {
        var rounded = new int[weights.Length];
        for (int k = 0; k < rounded.Length; k++) rounded[k] = (int)(weights[k] * (1 << FractionBits) + (weights[k] < 0 ? -0.5 : 0.5));
        return rounded;
    }

    private static byte Clip(int sum) => (byte)Math.Clamp(sum >> FractionBits, 0, 255);
}
