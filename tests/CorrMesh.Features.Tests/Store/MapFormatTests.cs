using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using CorrMesh.Features.Store;
using CorrMesh.Features.Tests.Support;
using CorrMesh.Vision.Images;
using Xunit;

namespace CorrMesh.Features.Tests.Store;

public sealed class MapFormatTests
{
    private static readonly StoredMap Map = Make.Map(48, 32, region: new PixelRegion(20, 10, 48, 32), wholeWidth: 96, wholeHeight: 64, key: new string('a', 62) + "0f") with
    {
        Identity = new MapIdentity("tiny", new string('b', 64), "tünéd", new string('c', 64)),
    };

    private static byte[] Key => "sixteen bytes at least"u8.ToArray();

    public static TheoryData<bool> Keyed => [true, false];

    private static MapFormat Format(bool keyed) => new(keyed ? Key : null);

    [Theory]
    [MemberData(nameof(Keyed))]
    public void TryRead_WhatWasWritten_IsEqualToTheBit(bool keyed)
    {
        byte[] bytes = Format(keyed).Write(Map);
        Assert.Equal(MapFormat.SizeOf(Map), bytes.Length);
        Assert.True(Format(keyed).TryRead(Map.Key, bytes, out StoredMap? read));
        Assert.Equal(Map.Map.Values.Select(BitConverter.SingleToInt32Bits), read.Map.Values.Select(BitConverter.SingleToInt32Bits));
        Assert.Equal(Map with { Map = Map.Map with { Values = [] } }, read with { Map = read.Map with { Values = [] } }, Same);
    }

    // Goal: what fp16 has at its ends comes back too. Method: zeros of both signs, subnormals, the largest, infinities and what is no number.
    [Fact]
    public void TryRead_ValuesAtTheEndsOfFp16_AreEqualToTheBit()
    {
        float[] ends = [0, -0f, (float)Half.Epsilon, (float)Half.MaxValue, (float)Half.MinValue, float.PositiveInfinity, float.NegativeInfinity, float.NaN, 6.1e-5f, 1e9f, -1e-9f, 1];
        float[] values = [.. Map.Map.Values];
        ends.CopyTo(values, 0);
        StoredMap canonical = Map with { Map = StoredMap.Canonical(Map.Map with { Values = values }) };
        Assert.True(Format(false).TryRead(Map.Key, Format(false).Write(canonical), out StoredMap? read));
        Assert.Equal(canonical.Map.Values.Select(BitConverter.SingleToInt32Bits), read.Map.Values.Select(BitConverter.SingleToInt32Bits));
    }

    [Theory]
    [MemberData(nameof(Keyed))]
    public void TryRead_OneBitOfAnyByteFlipped_IsRefused(bool keyed)
    {
        byte[] bytes = Format(keyed).Write(Map);
        for (int i = 0; i < bytes.Length; i++)
        {
            bytes[i] ^= (byte)(1 << i % 8);
            Assert.False(Format(keyed).TryRead(Map.Key, bytes, out _), $"byte {i}");
            bytes[i] ^= (byte)(1 << i % 8);
        }

        Assert.True(Format(keyed).TryRead(Map.Key, bytes, out _));
    }

    [Theory]
    [MemberData(nameof(Keyed))]
    public void TryRead_ShorterOrLonger_IsRefused(bool keyed)
    {
        byte[] bytes = Format(keyed).Write(Map);
        for (int size = 0; size < bytes.Length; size++) Assert.False(Format(keyed).TryRead(Map.Key, bytes.AsSpan(0, size), out _), $"{size} bytes");
        Assert.False(Format(keyed).TryRead(Map.Key, [.. bytes, 0], out _));
        Assert.False(Format(keyed).TryRead(Map.Key, [0, .. bytes], out _));
    }

    [Fact]
    public void TryRead_AnotherKeysValue_IsRefused() => Assert.False(Format(false).TryRead(new string('1', 64), Format(false).Write(Map), out _));

    // Goal: only the holder of the signing key can write, and only signed values are taken where one is set.
    [Fact]
    public void TryRead_SignedOtherwise_IsRefused()
    {
        Assert.False(new MapFormat("another key, as long"u8.ToArray()).TryRead(Map.Key, Format(true).Write(Map), out _));
        Assert.False(Format(true).TryRead(Map.Key, Format(false).Write(Map), out _));
        Assert.False(Format(false).TryRead(Map.Key, Format(true).Write(Map), out _));
    }

    // Goal: without a signing key anybody can make a digest that fits, so lengths are not to be believed. Method: every number of the head and every text's length
    // set to extremes, the digest made anew: refused, or read as a whole map; never another exception, never more than is there.
    [Fact]
    public void TryRead_HostileNumbersUnderATrueDigest_NeverThrows()
    {
        byte[] good = Format(false).Write(Map);
        int texts = 96, refused = 0;
        List<(int At, int Size)> fields = [.. Enumerable.Range(10, 14).Select(i => (4 * i, 4))];
        for (int i = 0; i < 5; i++)
        {
            fields.Add((texts, 2));
            texts += 2 + BinaryPrimitives.ReadUInt16LittleEndian(good.AsSpan(texts));
        }

        uint[] extremes = [0, 1, 2, 0xFFFF, 0x8000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x7F800000, 0xFF800000, 0x7FC00000, 0x10000, 0x100000];
        foreach ((int at, int size) in fields)
        {
            foreach (uint extreme in extremes)
            {
                byte[] bytes = [.. good];
                if (size == 4) BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(at), extreme);
                else BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(at), (ushort)extreme);
                SHA256.HashData(bytes.AsSpan(0, bytes.Length - MapFormat.CheckSize), bytes.AsSpan(bytes.Length - MapFormat.CheckSize));
                if (!Format(false).TryRead(Map.Key, bytes, out StoredMap? read)) refused++;
                else Assert.Equal(read.Map.X.Count * read.Map.Y.Count * read.Map.Channels, read.Map.Values.Length);
            }
        }

        Assert.InRange(refused, fields.Count * extremes.Length * 3 / 4, fields.Count * extremes.Length);
    }

    [Fact]
    public void TryRead_TextThatIsNotUtf8_IsRefused()
    {
        byte[] bytes = Format(false).Write(Map);
        bytes[98] = 0xFF;
        SHA256.HashData(bytes.AsSpan(0, bytes.Length - MapFormat.CheckSize), bytes.AsSpan(bytes.Length - MapFormat.CheckSize));
        Assert.False(Format(false).TryRead(Map.Key, bytes, out _));
    }

    // Goal: a map made by other arithmetic is not taken, even under its right key.
    [Fact]
    public void TryRead_AnotherNumericsRevision_IsRefused()
    {
        byte[] bytes = Format(false).Write(Map);
        int at = bytes.AsSpan().IndexOf(Encoding.UTF8.GetBytes(FeatureKey.NumericsRevision));
        bytes[at] ^= 1;
        SHA256.HashData(bytes.AsSpan(0, bytes.Length - MapFormat.CheckSize), bytes.AsSpan(bytes.Length - MapFormat.CheckSize));
        Assert.False(Format(false).TryRead(Map.Key, bytes, out _));
    }

    private static bool Same(StoredMap a, StoredMap b) =>
        (a.Key, a.Region, a.ImageWidth, a.ImageHeight, a.Identity, a.Map.ImageWidth, a.Map.ImageHeight, a.Map.X, a.Map.Y, a.Map.Channels)
        == (b.Key, b.Region, b.ImageWidth, b.ImageHeight, b.Identity, b.Map.ImageWidth, b.Map.ImageHeight, b.Map.X, b.Map.Y, b.Map.Channels);
}
