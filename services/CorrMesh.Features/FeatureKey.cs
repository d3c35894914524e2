using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using CorrMesh.Hosting.Routing;
using CorrMesh.Protos.Common.V1;

namespace CorrMesh.Features;

/// <summary>What an image is known by.</summary>
/// <param name="Content">Names the image's bytes, and the layout of raw pixels.</param>
/// <param name="Affinity">See <see cref="ImageAffinity"/>.</param>
public readonly record struct ImageIdentity(string Content, uint Affinity);

/// <summary>The content addresses of feature maps and descriptor sets: the image's affinity in 8 hex digits, then 56 digits of a SHA-256.</summary>
/// <remarks>
/// A key covers everything that decides the value: contents of weights (never names), the image's bytes, the resolved spec and
/// the revision of the code that does the arithmetic. Equal keys therefore mean equal values, and a re-published adapter or an
/// upgraded decoder can not meet an old map.
/// </remarks>
public static class FeatureKey
{
    private static readonly SearchValues<char> HexDigits = SearchValues.Create("0123456789abcdef");

    /// <summary>Changes whenever decoder, kernels or Torch change a map's values.</summary>
    public const string NumericsRevision = "skia-4.154 torch-2.10 corrmesh-2";

    /// <summary>The key of an image's map under a spec.</summary>
    public static string OfMap(ResolvedSpec spec, ImageIdentity image) => Key(image.Affinity, $"""
        corrmesh feature map
        numerics {NumericsRevision}
        model {spec.Model.Weights}
        adapter {spec.Adapter?.Digest ?? "none"}
        tokens {spec.Tokens}
        stride {spec.PatchStride}
        stage {spec.Stage}
        region {(spec.Region is { } r ? $"{r.X} {r.Y} {r.Width} {r.Height}" : "whole")}
        image {image.Content}
        """);

    /// <summary>The key of descriptors sampled from a map.</summary>
    /// <param name="points">Positions in the whole image, API pixels.</param>
    public static string OfDescriptors(string featuresKey, IReadOnlyList<(double X, double Y)> points, bool normalised)
    {
        var text = new StringBuilder($"corrmesh descriptor set\nmap {featuresKey}\nnormalised {normalised}\n");
        foreach ((double x, double y) in points) text.Append(BitConverter.DoubleToInt64Bits(x)).Append(' ').Append(BitConverter.DoubleToInt64Bits(y)).Append('\n');
        // A descriptor set lies with the map that it was sampled from.
        return Key(ImageAffinity.OfKey(featuresKey)!.Value, text.ToString());
    }

    /// <summary>An image's identity: of the file's bytes, or of raw pixels with their layout.</summary>
    public static ImageIdentity OfImage(Image image)
    {
        uint affinity = ImageAffinity.Of(image) ?? throw new ArgumentException("an image with content needed, none given", nameof(image));
        if (image.ContentCase == Image.ContentOneofCase.Encoded) return new("file " + Convert.ToHexStringLower(SHA256.HashData(image.Encoded.Span)), affinity);
        RawImage raw = image.Raw;
        return new($"raw {raw.Format} {raw.Width} {raw.Height} {raw.RowStride} {Convert.ToHexStringLower(SHA256.HashData(raw.Data.Span))}", affinity);
    }

    /// <summary>Whether a string could be a key.</summary>
    public static bool IsWellFormed(string key) => key.Length == 64 && !key.AsSpan().ContainsAnyExcept(HexDigits);

    private static string Key(uint affinity, string text) =>
        CallAffinity.Format(affinity) + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[ImageAffinity.KeyDigits..];
}
