using CorrMesh.Vision.Features;
using CorrMesh.Vision.Images;
using CorrMesh.Vision.Similarity;

namespace CorrMesh.Features.Store;

/// <summary>A feature map as the store keeps it, with what a reply says about it.</summary>
/// <param name="Key">See <see cref="FeatureKey"/>.</param>
/// <param name="Map">The map of the region that the network saw, in that region's own coordinates; values have gone through fp16.</param>
/// <param name="Region">That region in the whole image.</param>
/// <param name="ImageWidth">Width of the whole image, oriented.</param>
/// <param name="ImageHeight">Height of the whole image, oriented.</param>
/// <param name="Identity">The weights that made it.</param>
public sealed record StoredMap(string Key, FeatureMap Map, PixelRegion Region, int ImageWidth, int ImageHeight, MapIdentity Identity)
    : IStoredValue
{
    private readonly Lazy<TokenGram> gram = new(() => TokenGram.Create(Map));

    /// <summary>Products of neighbouring tokens: the norms between tokens. Computed once a map.</summary>
    public TokenGram Gram => gram.Value;

    /// <summary>The map's values, the five products and the bounds between tokens (estimated before they are there).</summary>
    public long SizeBytes => 4L * Map.Values.Length + 128L * Map.TokenCount + 12L * (Map.ImageWidth + Map.ImageHeight) + 512;

    /// <summary>Rounds values to fp16 and back: the canonical map, whichever tier it comes from.</summary>
    public static FeatureMap Canonical(FeatureMap map)
    {
        float[] values = map.Values;
        var rounded = new float[values.Length];
        for (int i = 0; i < values.Length; i++) rounded[i] = (float)(Half)values[i];
        return map with { Values = rounded };
    }
}

/// <summary>Descriptors sampled from a map.</summary>
/// <param name="Key">See <see cref="FeatureKey"/>.</param>
/// <param name="Values">[Count * Channels].</param>
public sealed record StoredDescriptors(string Key, int Count, int Channels, float[] Values) : IStoredValue
{
    public long SizeBytes => 4L * Values.Length + 256;
}
