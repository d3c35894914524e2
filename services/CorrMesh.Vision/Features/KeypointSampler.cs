namespace CorrMesh.Vision.Features;

/// <summary>The paper's keypoint sampler: clamp to the grid, interpolate raw descriptors bilinearly, then normalise if asked.</summary>
public static class KeypointSampler
{
    // As torch.nn.functional.normalize: a floor of the norm, not an addition to it.
    private const float NormFloor = 1e-12f;

    /// <summary>Descriptors at points of the original image. Points outside take the border's descriptor.</summary>
    /// <param name="map">Features of one image.</param>
    /// <param name="points">[N * 2]: x, y in pixels of the original image, origin at the outer corner of its first pixel.</param>
    /// <param name="normalise">Whether each descriptor is scaled to unit length.</param>
    /// <returns>[N * C].</returns>
    /// <exception cref="ArgumentException">The length is odd, or a coordinate is not finite.</exception>
    public static float[] Sample(FeatureMap map, ReadOnlySpan<float> points, bool normalise)
    {
        if (points.Length % 2 != 0) throw new ArgumentException($"points: two values each needed, {points.Length} given", nameof(points));
        var descriptors = new float[(long)points.Length / 2 * map.Channels];
        for (int i = 0; i < points.Length / 2; i++)
        {
            float x = points[2 * i], y = points[2 * i + 1];
            if (!float.IsFinite(x) || !float.IsFinite(y)) throw new ArgumentException($"points[{i}]: finite coordinates needed, ({x}, {y}) given", nameof(points));
            Span<float> descriptor = descriptors.AsSpan(i * map.Channels, map.Channels);
            SampleIndex(map, map.X.IndexOf(x), map.Y.IndexOf(y), descriptor);
            if (normalise) Normalise(descriptor);
        }
        return descriptors;
    }

    /// <summary>The descriptor at a fractional grid position, raw.</summary>
    /// <param name="map">Features of one image.</param>
    /// <param name="column">0 to X.Count - 1.</param>
    /// <param name="row">0 to Y.Count - 1.</param>
    /// <param name="descriptor">Receives [C].</param>
    public static void SampleIndex(FeatureMap map, float column, float row, Span<float> descriptor)
    {
        int left = (int)column, top = (int)row;
        float right = column - left, down = row - top;
        descriptor.Clear();
        Add(map, top, left, (1 - down) * (1 - right), descriptor);
        Add(map, top, left + 1, (1 - down) * right, descriptor);
        Add(map, top + 1, left, down * (1 - right), descriptor);
        Add(map, top + 1, left + 1, down * right, descriptor);
    }

    /// <summary>Scales a descriptor to unit length; a zero vector stays zero.</summary>
    public static void Normalise(Span<float> descriptor)
    {
        double squares = 0;
        foreach (float value in descriptor) squares += (double)value * value;
        float norm = Math.Max((float)Math.Sqrt(squares), NormFloor);
        for (int i = 0; i < descriptor.Length; i++) descriptor[i] /= norm;
    }

    // At the last row or column the neighbour beyond has weight zero and does not exist.
    private static void Add(FeatureMap map, int row, int column, float weight, Span<float> descriptor)
    {
        if (weight != 0) Resampling.AddScaled(descriptor, map.Token(row, column), weight);
    }
}
