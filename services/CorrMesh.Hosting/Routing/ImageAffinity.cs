using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using CorrMesh.Protos.Common.V1;

namespace CorrMesh.Hosting.Routing;

/// <summary>A number that an image always has: requests about one image go to one replica, which then holds its map.</summary>
/// <remarks>
/// The first four bytes, big-endian, of SHA-256 over one byte for the kind (1: a file, 2: raw pixels), the content's length in bytes
/// (8 bytes, little-endian) and the content's first <see cref="PrefixBytes"/> bytes. A beginning is enough, because images that
/// share it merely share a replica; and so a proxy can tell it before the rest of a message has come. It is also what feature keys
/// begin with, so that a key finds the replica of its image.
/// </remarks>
public static class ImageAffinity
{
    /// <summary>How much of an image's content counts.</summary>
    public const int PrefixBytes = 64 << 10;

    /// <summary>Hexadecimal digits of an affinity at the beginning of a feature key.</summary>
    public const int KeyDigits = 8;

    /// <summary>The affinity of an image; null when it has no content.</summary>
    public static uint? Of(Image image) => image.ContentCase switch
    {
        Image.ContentOneofCase.Encoded => OfFile(image.Encoded.Length, image.Encoded.Span),
        Image.ContentOneofCase.Raw => OfRaw(image.Raw.Data.Length, image.Raw.Data.Span),
        _ => null,
    };

    /// <summary>The affinity that a feature key carries; null when the text is no key.</summary>
    public static uint? OfKey(ReadOnlySpan<char> key) =>
        key.Length >= KeyDigits && uint.TryParse(key[..KeyDigits], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out uint affinity) ? affinity : null;

    /// <param name="length">Bytes of the whole file.</param>
    /// <param name="start">Its first bytes: all of them, or at least <see cref="PrefixBytes"/>.</param>
    public static uint OfFile(long length, ReadOnlySpan<byte> start) => Hash(1, length, start);

    /// <param name="length">Bytes of all the pixels.</param>
    /// <param name="start">The first of them: all, or at least <see cref="PrefixBytes"/>.</param>
    public static uint OfRaw(long length, ReadOnlySpan<byte> start) => Hash(2, length, start);

    private static uint Hash(byte kind, long length, ReadOnlySpan<byte> start)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> head = stackalloc byte[1 + sizeof(long)];
        head[0] = kind;
        BinaryPrimitives.WriteInt64LittleEndian(head[1..], length);
        hash.AppendData(head);
        hash.AppendData(start[..Math.Min(start.Length, PrefixBytes)]);
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        hash.GetHashAndReset(digest);
        return BinaryPrimitives.ReadUInt32BigEndian(digest);
    }
}
