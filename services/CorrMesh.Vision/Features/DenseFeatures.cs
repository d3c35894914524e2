namespace CorrMesh.Vision.Features;

/// <summary>The paper's dense output: the feature map resized to the image, one descriptor per pixel.</summary>
/// <remarks>Half-pixel positions with antialias, so it does not agree exactly with the keypoint sampler. Only for callers who ask for height x width x channels.</remarks>
public static class DenseFeatures
{
    /// <param name="map">Features of one image.</param>
    /// <param name="width">Columns of the output; the paper: the image's width.</param>
    /// <param name="height">Rows of the output; the paper: the image's height.</param>
    /// <param name="normalise">Whether each descriptor is scaled to unit length afterwards.</param>
    /// <returns>[height * width * C], channels innermost.</returns>
    /// <exception cref="ArgumentException">A size is below 1, or the output does not fit one array.</exception>
    public static float[] Resize(FeatureMap map, int width, int height, bool normalise)
    {
        float[] dense = Resampling.Resize(map.Values, map.Channels, AxisWeights.Triangle(map.X.Count, width), AxisWeights.Triangle(map.Y.Count, height));
        if (normalise)
            for (int i = 0; i < dense.Length; i += map.Channels) KeypointSampler.Normalise(dense.AsSpan(i, map.Channels));
        return dense;
    }
}
