using CorrMesh.Vision.Features;
using CorrMesh.Vision.Images;

namespace CorrMesh.Vision.Similarity;

/// <summary>The three directions in which the tokens of some maps differ most, shown as red, green and blue.</summary>
/// <remarks>
/// One basis for all maps, so that the same colour means the same feature in each picture. Deterministic: seeded iteration, each
/// direction signed so that its largest entry is positive. Values between the 2nd and the 98th percentile of a direction fill
/// the range of its channel, so that a few outliers do not grey out the rest; a direction without variance is mid-grey.
/// </remarks>
public sealed class JointPca
{
    /// <summary>Most maps that one basis may be fitted to.</summary>
    public const int MaxMaps = 16;

    private const int Components = 3;

    // Directions of variance are settled long before this many tokens; the rest is only projected.
    private const int MaxFittedTokens = 4096;

    private const double LowPercentile = 0.02, HighPercentile = 0.98;

    private readonly float[] mean;
    private readonly float[] directions;
    private readonly float[] low = new float[Components], high = new float[Components];

    private JointPca(float[] mean, float[] directions, double[] variances)
    {
        this.mean = mean;
        this.directions = directions;
        Variances = variances;
    }

    /// <summary>[3] variances along the directions, descending.</summary>
    public IReadOnlyList<double> Variances { get; }

    /// <summary>[3 * C] unit directions, one after the other.</summary>
    public ReadOnlySpan<float> Directions => directions;

    /// <summary>Fits a basis to all maps together.</summary>
    /// <param name="maps">1 to <see cref="MaxMaps"/> maps of the same channels; every value finite.</param>
    /// <exception cref="ArgumentException">Too few or too many maps, different channels, or a value that is not finite.</exception>
    public static JointPca Fit(IReadOnlyList<FeatureMap> maps)
    {
        ArgumentNullException.ThrowIfNull(maps);
        if (maps.Count is < 1 or > MaxMaps)
        {
            throw new ArgumentException($"maps: 1 to {MaxMaps} needed, {maps.Count} given", nameof(maps));
        }

        int channels = maps[0].Channels;
        for (int i = 0; i < maps.Count; i++)
        {
            if (maps[i].Channels != channels || maps[i].Values.Length != maps[i].TokenCount * channels)
            {
                throw new ArgumentException($"maps: map {i} has {maps[i].Channels} channels and {maps[i].Values.Length} values, {channels} channels needed", nameof(maps));
            }

            if (Array.Exists(maps[i].Values, value => !float.IsFinite(value)))
            {
                throw new ArgumentException($"maps: every value must be finite, map {i} holds one that is not", nameof(maps));
            }
        }

        var (mean, covariance) = Covariance(maps, channels);
        int count = Math.Min(Components, channels);
        var (values, vectors) = LeadingEigenvectors.Of(covariance, channels, count);
        double noise = 1e-12 * DotProducts.Precise(mean, mean);   // what rounding leaves of a constant
        var directions = new float[Components * channels];
        var variances = new double[Components];
        for (int i = 0; i < count; i++)
        {
            if (values[i] > Math.Max(noise, 1e-9 * values[0]))
            {
                vectors.AsSpan(i * channels, channels).CopyTo(directions.AsSpan(i * channels));
                variances[i] = values[i];
            }
        }

        var pca = new JointPca(mean, directions, variances);
        pca.FitRange(maps);
        return pca;
    }

    /// <summary>One pixel a token.</summary>
    /// <param name="map">A map of the fitted channels.</param>
    public RgbImage RenderTokens(FeatureMap map)
    {
        float[] projected = Project(map);
        var pixels = new byte[map.TokenCount * Components];
        for (int i = 0; i < pixels.Length; i++)
        {
            pixels[i] = Level(projected[i], i % Components);
        }

        return new RgbImage(map.X.Count, map.Y.Count, pixels);
    }

    /// <summary>One pixel a pixel of the image: the projection of the interpolated descriptor, not normalised.</summary>
    /// <param name="map">A map of the fitted channels.</param>
    public RgbImage RenderImage(FeatureMap map)
    {
        float[] projected = Project(map);
        int width = map.ImageWidth, height = map.ImageHeight;
        var pixels = new byte[checked(width * height * Components)];
        for (int y = 0; y < height; y++)
        {
            float rowIndex = map.Y.IndexOf(y + 0.5f);
            int top = (int)rowIndex, bottom = Math.Min(top + 1, map.Y.Count - 1);
            float v = rowIndex - top;
            for (int x = 0; x < width; x++)
            {
                float columnIndex = map.X.IndexOf(x + 0.5f);
                int left = (int)columnIndex, right = Math.Min(left + 1, map.X.Count - 1);
                float u = columnIndex - left;
                for (int c = 0; c < Components; c++)
                {
                    float upper = ((1 - u) * At(top, left, c)) + (u * At(top, right, c));
                    float lower = ((1 - u) * At(bottom, left, c)) + (u * At(bottom, right, c));
                    pixels[(((y * width) + x) * Components) + c] = Level(((1 - v) * upper) + (v * lower), c);
                }
            }
        }

        return new RgbImage(width, height, pixels);

        float At(int row, int column, int c) => projected[(((row * map.X.Count) + column) * Components) + c];
    }

    /// <summary>Coordinates of a map's tokens along the directions, [tokens * 3].</summary>
    /// <param name="map">A map of the fitted channels.</param>
    /// <exception cref="ArgumentException">Another number of channels.</exception>
    public float[] Project(FeatureMap map)
    {
        ArgumentNullException.ThrowIfNull(map);
        if (map.Channels != mean.Length)
        {
            throw new ArgumentException($"map: {mean.Length} channels needed, {map.Channels} given", nameof(map));
        }

        var projected = new float[map.TokenCount * Components];
        DotProducts.Compute(map.Values, directions, map.Channels, projected);
        var origin = new float[Components];
        DotProducts.Compute(mean, directions, map.Channels, origin);
        for (int i = 0; i < projected.Length; i++)
        {
            projected[i] -= origin[i % Components];
        }

        return projected;
    }

    private static (float[] Mean, float[] Covariance) Covariance(IReadOnlyList<FeatureMap> maps, int channels)
    {
        int total = maps.Sum(map => map.TokenCount), count = Math.Min(total, MaxFittedTokens), start = 0, next = 0;
        var samples = new float[count * channels];
        foreach (var map in maps)
        {
            // Evenly spread over all tokens of all maps.
            for (; next < count && (int)((long)next * total / count) < start + map.TokenCount; next++)
            {
                int token = (int)((long)next * total / count) - start;
                map.Values.AsSpan(token * channels, channels).CopyTo(samples.AsSpan(next * channels));
            }

            start += map.TokenCount;
        }

        var mean = new float[channels];
        var centred = new float[channels * count];   // [C, n]: one row a channel, so that covariances are products of rows
        for (int c = 0; c < channels; c++)
        {
            double sum = 0;
            for (int i = 0; i < count; i++)
            {
                sum += samples[(i * channels) + c];
            }

            mean[c] = (float)(sum / count);
            for (int i = 0; i < count; i++)
            {
                centred[(c * count) + i] = samples[(i * channels) + c] - mean[c];
            }
        }

        var covariance = new float[channels * channels];
        DotProducts.Compute(centred, centred, count, covariance);
        for (int i = 0; i < covariance.Length; i++)
        {
            covariance[i] /= count;
        }

        return (mean, covariance);
    }

    private void FitRange(IReadOnlyList<FeatureMap> maps)
    {
        var projected = maps.Select(Project).ToArray();
        for (int c = 0; c < Components; c++)
        {
            int component = c;
            float[] values = [.. projected.SelectMany(map => map.Where((_, i) => i % Components == component))];
            Array.Sort(values);
            low[c] = values[(int)((values.Length - 1) * LowPercentile)];
            high[c] = values[(int)Math.Ceiling((values.Length - 1) * HighPercentile)];
        }
    }

    private byte Level(float value, int component)
    {
        float range = high[component] - low[component];
        return range > 0 ? (byte)MathF.Round(Math.Clamp((value - low[component]) / range, 0f, 1f) * 255) : (byte)128;
    }
}
