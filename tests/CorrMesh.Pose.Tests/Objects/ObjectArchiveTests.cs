using System.IO.Compression;
using CorrMesh.Pose.Objects;
using CorrMesh.Pose.Tests.Support;
using Xunit;

namespace CorrMesh.Pose.Tests.Objects;

public sealed class ObjectArchiveTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Read_WhatWasWritten_IsTheSame(bool withMesh)
    {
        ObjectModel model = Made.Model(withMesh: withMesh);
        ObjectModel read = ObjectArchive.Read(new MemoryStream(Bytes(model)));
        Assert.Equal(model.Pictures, read.Pictures);
        foreach ((DescriptorRows expected, DescriptorRows rows) in new[] { (model.Wide, read.Wide), (model.Close, read.Close) })
        {
            Assert.Equal(expected.Channels, rows.Channels);
            Assert.Equal(expected.Points, rows.Points);
            Assert.Equal(expected.Descriptors, rows.Descriptors);
            Assert.Equal(expected.Colours, rows.Colours);
            Assert.Equal(expected.RowsOfPicture, rows.RowsOfPicture);
        }
        Assert.Equal(model.Surface?.Positions, read.Surface?.Positions);
        Assert.Equal(model.Surface?.Indices, read.Surface?.Indices);
    }

    // Goal: an object's digest says what it is, not when it was made.
    [Fact]
    public void Write_EqualObjects_AreEqualFiles()
    {
        Assert.Equal(Bytes(Made.Model()), Bytes(Made.Model()));
        Assert.NotEqual(Bytes(Made.Model()), Bytes(Made.Model(seed: 1)));
    }

    // Goal: NumPy finds its own header: a multiple of 64 bytes, ending in a line feed.
    [Fact]
    public void Write_Arrays_AreNpy()
    {
        using var zip = new ZipArchive(new MemoryStream(Bytes(Made.Model())));
        foreach (ZipArchiveEntry entry in zip.Entries)
        {
            using Stream stream = entry.Open();
            byte[] head = new byte[10];
            stream.ReadExactly(head);
            int length = BitConverter.ToUInt16(head, 8);
            byte[] header = new byte[length];
            stream.ReadExactly(header);
            Assert.Equal(0, (10 + length) % 64);
            Assert.Equal((byte)'\n', header[^1]);
        }
    }

    [Fact]
    public void Read_CutOrStrangeFiles_IsRefused()
    {
        byte[] whole = Bytes(Made.Model());
        Assert.ThrowsAny<InvalidDataException>(() => ObjectArchive.Read(new MemoryStream(whole[..(whole.Length / 2)])));
        using var other = new MemoryStream();
        using (var zip = new ZipArchive(other, ZipArchiveMode.Create, leaveOpen: true)) zip.CreateEntry("pictures.npy");
        Assert.ThrowsAny<InvalidDataException>(() => ObjectArchive.Read(other));
    }

    private static byte[] Bytes(ObjectModel model)
    {
        using var stream = new MemoryStream();
        ObjectArchive.Write(stream, model);
        return stream.ToArray();
    }
}
