using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using CorrMesh.Vision.Features;
using CorrMesh.Vision.Images;

namespace CorrMesh.Features.Store;

/// <summary>A feature map as bytes that any language can read: the layout of protos/README.md, "Maps in Redis".</summary>
/// <remarks>
/// Little-endian: a fixed head, five texts, fp16 values, and a check over everything before it. Nothing that is read is trusted: every
/// length is held against what is there before it is used, and the key inside must be the one that was asked for.
/// </remarks>
/// <param name="signingKey">The key of the HMAC that values carry; null for a plain digest, which finds accidents only.</param>
public sealed class MapFormat(byte[]? signingKey)
{
    public const int CheckSize = 32;

    private const int HeadSize = 96, MaxSide = 1 << 20, MaxChannels = 1 << 16;

    // UTF-8 that is not is refused, as any other damage.
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private enum Check : uint
    {
        Sha256 = 1,
        HmacSha256 = 2,
    }

    private static ReadOnlySpan<byte> Magic => "CORRMAP\x01"u8;

    private Check Kind => signingKey is null ? Check.Sha256 : Check.HmacSha256;

    /// <summary>Bytes that <see cref="Write"/> makes of a map.</summary>
    public static long SizeOf(StoredMap map) =>
        HeadSize + Texts(map).Sum(text => 2L + Utf8.GetByteCount(text)) + 2L * map.Map.Values.Length + CheckSize;

    /// <param name="map">Canonical, so its values are fp16 numbers already; at most 2 GiB as bytes.</param>
    public byte[] Write(StoredMap map)
    {
        var bytes = GC.AllocateUninitializedArray<byte>(checked((int)SizeOf(map)));
        FeatureMap tokens = map.Map;
        var writer = new Writer(bytes);
        writer.Bytes(Magic);
        writer.Bytes(Convert.FromHexString(map.Key));
        foreach (int value in new[] { map.ImageWidth, map.ImageHeight, map.Region.X, map.Region.Y, map.Region.Width, map.Region.Height }) writer.Number((uint)value);
        foreach (TokenAxis axis in new[] { tokens.X, tokens.Y })
        {
            writer.Number((uint)axis.Count);
            writer.Number(axis.Scale);
            writer.Number(axis.Offset);
        }

        writer.Number((uint)tokens.Channels);
        writer.Number((uint)Kind);
        foreach (string text in Texts(map)) writer.Text(text);
        writer.Halves(tokens.Values);
        Digest(bytes.AsSpan(0, writer.At), bytes.AsSpan(writer.At, CheckSize));
        return bytes;
    }

    /// <summary>Reads a map back.</summary>
    /// <param name="key">The features key that it must be of.</param>
    /// <param name="map">Bit-equal to the one that was written.</param>
    /// <returns>False for anything but a whole, unchanged value of that key.</returns>
    public bool TryRead(string key, ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out StoredMap? map)
    {
        map = null;
        if (bytes.Length < HeadSize + CheckSize || !bytes.StartsWith(Magic)) return false;
        ReadOnlySpan<byte> content = bytes[..^CheckSize];
        Span<byte> check = stackalloc byte[CheckSize];
        Digest(content, check);
        if (!CryptographicOperations.FixedTimeEquals(check, bytes[^CheckSize..])) return false;

        // An honest writer's, if signed; otherwise anybody can make a digest that fits, so the rest is read with the same suspicion.
        var reader = new Reader(content[Magic.Length..]);
        if (Convert.ToHexStringLower(reader.Bytes(32)) != key) return false;
        (int imageWidth, int imageHeight) = (reader.Int(), reader.Int());
        var region = new PixelRegion(reader.Int(), reader.Int(), reader.Int(), reader.Int());
        TokenAxis x = reader.Axis(), y = reader.Axis();
        int channels = reader.Int();
        if ((Check)reader.Int() != Kind || !IsRegionOf(region, imageWidth, imageHeight) || !IsAxis(x) || !IsAxis(y) || channels is < 1 or > MaxChannels) return false;
        var texts = new string[5];
        for (int i = 0; i < texts.Length; i++)
        {
            if (!reader.TryText(out string? text)) return false;
            texts[i] = text;
        }

        long count = (long)x.Count * y.Count * channels;
        if (reader.Rest.Length != 2 * count || texts[4] != FeatureKey.NumericsRevision) return false;
        var tokens = new FeatureMap(region.Width, region.Height, x, y, channels, reader.Floats((int)count));
        map = new StoredMap(key, tokens, region, imageWidth, imageHeight, new MapIdentity(texts[0], texts[1], texts[2], texts[3]));
        return true;
    }

    private static string[] Texts(StoredMap map) =>
        [map.Identity.Model, map.Identity.ModelDigest, map.Identity.Adapter, map.Identity.AdapterDigest, FeatureKey.NumericsRevision];

    private static bool IsRegionOf(PixelRegion region, int width, int height) =>
        region is { X: >= 0, Y: >= 0, Width: > 0, Height: > 0 } && (long)region.X + region.Width <= width && (long)region.Y + region.Height <= height;

    private static bool IsAxis(TokenAxis axis) => axis.Count is >= 1 and <= MaxSide && float.IsFinite(axis.Scale) && axis.Scale > 0 && float.IsFinite(axis.Offset);

    private void Digest(ReadOnlySpan<byte> content, Span<byte> check)
    {
        if (signingKey is null) SHA256.HashData(content, check);
        else HMACSHA256.HashData(signingKey, content, check);
    }

    private ref struct Writer(Span<byte> target)
    {
        private readonly Span<byte> target = target;

        public int At { get; private set; }

        public void Bytes(ReadOnlySpan<byte> bytes)
        {
            bytes.CopyTo(target[At..]);
            At += bytes.Length;
        }

        public void Number(uint value)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(target[At..], value);
            At += sizeof(uint);
        }

        public void Number(float value) => Number(BitConverter.SingleToUInt32Bits(value));

        public void Text(string text)
        {
            int size = Utf8.GetBytes(text, target[(At + 2)..]);
            BinaryPrimitives.WriteUInt16LittleEndian(target[At..], checked((ushort)size));
            At += 2 + size;
        }

        public void Halves(ReadOnlySpan<float> values)
        {
            Span<byte> halves = target.Slice(At, 2 * values.Length);
            for (int i = 0; i < values.Length; i++) BinaryPrimitives.WriteHalfLittleEndian(halves[(2 * i)..], (Half)values[i]);
            At += halves.Length;
        }
    }

    private ref struct Reader(ReadOnlySpan<byte> rest)
    {
        public ReadOnlySpan<byte> Rest { get; private set; } = rest;

        public ReadOnlySpan<byte> Bytes(int count)
        {
            ReadOnlySpan<byte> taken = Rest[..count];
            Rest = Rest[count..];
            return taken;
        }

        // What does not fit an int becomes negative, and so fails every check.
        public int Int() => BinaryPrimitives.ReadInt32LittleEndian(Bytes(sizeof(int)));

        public TokenAxis Axis() => new(Int(), BitConverter.Int32BitsToSingle(Int()), BitConverter.Int32BitsToSingle(Int()));

        public bool TryText([NotNullWhen(true)] out string? text)
        {
            text = null;
            if (Rest.Length < 2) return false;
            int size = BinaryPrimitives.ReadUInt16LittleEndian(Bytes(2));
            if (size > Rest.Length) return false;
            try
            {
                text = Utf8.GetString(Bytes(size));
                return true;
            }
            catch (DecoderFallbackException)
            {
                return false;
            }
        }

        public readonly float[] Floats(int count)
        {
            var values = new float[count];
            for (int i = 0; i < count; i++) values[i] = (float)BinaryPrimitives.ReadHalfLittleEndian(Rest[(2 * i)..]);
            return values;
        }
    }
}
