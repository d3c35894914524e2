namespace CorrMesh.Vision.Features;

/// <summary>Keypoints moved along with an image that is scaled and centred on a square.</summary>
/// <param name="Scale">Square side over the image's long side.</param>
/// <param name="OffsetX">Pixels left of the scaled image.</param>
/// <param name="OffsetY">Pixels above the scaled image.</param>
public readonly record struct PaddedKeypoints(double Scale, int OffsetX, int OffsetY)
{
    /// <param name="imageWidth">Original image, pixels.</param>
    /// <param name="imageHeight">Original image, pixels.</param>
    /// <param name="size">Side of the square, pixels.</param>
    public static PaddedKeypoints For(int imageWidth, int imageHeight, int size)
    {
        int longSide = Math.Max(imageWidth, imageHeight), shortSide = Math.Min(imageWidth, imageHeight);
        int scaled = (int)Math.Round((double)size * shortSide / longSide, MidpointRounding.ToEven);
        int offset = imageWidth == imageHeight ? 0 : (int)((size - scaled) / 2.0);
        return new PaddedKeypoints((double)size / longSide, imageHeight > imageWidth ? offset : 0, imageWidth > imageHeight ? offset : 0);
    }

    /// <summary>Moves keypoints; those that are not visible become zero, whatever they held.</summary>
    /// <param name="keypoints">[N * 3]: x, y in pixels of the original image, visible (1 or 0).</param>
    /// <returns>[N * 3] in pixels of the square.</returns>
    /// <exception cref="ArgumentException">The length is not a multiple of 3.</exception>
    public float[] Apply(ReadOnlySpan<float> keypoints)
    {
        if (keypoints.Length % 3 != 0) throw new ArgumentException($"keypoints: three values each needed, {keypoints.Length} given", nameof(keypoints));
        var moved = new float[keypoints.Length];
        float scale = (float)Scale;
        for (int i = 0; i < moved.Length; i += 3)
        {
            float visible = keypoints[i + 2];
            moved[i] = (keypoints[i] * scale + OffsetX) * visible;
            moved[i + 1] = (keypoints[i + 1] * scale + OffsetY) * visible;
            moved[i + 2] = visible * visible;
        }
        return moved;
    }
}
