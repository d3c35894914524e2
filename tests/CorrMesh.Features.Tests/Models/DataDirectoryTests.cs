using System.Text.Json.Serialization;
using CorrMesh.Features.Tests.Support;
using CorrMesh.Models;
using Xunit;

namespace CorrMesh.Features.Tests.Models;

public sealed partial class DataDirectoryTests : IDisposable
{
    private readonly TestData data = new();

    public void Dispose() => data.Dispose();

    [Theory]
    [InlineData("a", true)]
    [InlineData("dinov2-b.v1_x", true)]
    [InlineData("0", true)]
    [InlineData("", false)]
    [InlineData(".", false)]
    [InlineData("..", false)]
    [InlineData("-a", false)]
    [InlineData("_a", false)]
    [InlineData("A", false)]
    [InlineData("a/b", false)]
    [InlineData("../a", false)]
    [InlineData("a\\b", false)]
    [InlineData("a b", false)]
    [InlineData("a\n", false)]
    [InlineData("a\0", false)]
    [InlineData("ä", false)]
    public void IsId_Strings_AreToldApart(string id, bool expected) => Assert.Equal(expected, DataDirectory.IsId(id));

    [Fact]
    public void IsId_AtAndPastTheLength_IsOneAndIsNot()
    {
        Assert.True(DataDirectory.IsId(new string('a', 64)));
        Assert.False(DataDirectory.IsId(new string('a', 65)));
    }

    [Fact]
    public void AddBlob_AFile_LiesUnderItsDigestAndNothingElseIsLeft()
    {
        string file = data.WriteFile("w.bin", "content");
        string digest = data.Layout.AddBlob(file);
        Assert.Equal(TestData.DigestOf(file), digest);
        Assert.Equal(data.PathOf("blobs", "sha256", digest[..2], digest), data.Layout.BlobPath(digest));
        Assert.Equal("content", File.ReadAllText(data.Layout.BlobPath(digest)));
        Assert.Equal(digest, data.Layout.AddBlob(file));
        Assert.Single(Directory.GetFiles(data.PathOf("blobs"), "*", SearchOption.AllDirectories));
    }

    [Fact]
    public void AddBlob_MissingFile_LeavesNothing()
    {
        Assert.Throws<FileNotFoundException>(() => data.Layout.AddBlob(data.PathOf("nothing")));
        Assert.Empty(Directory.GetFiles(data.PathOf("blobs"), "*", SearchOption.AllDirectories));
    }

    [Fact]
    public void WriteManifest_Twice_ReplacesAndLeavesOneFile()
    {
        data.Layout.WriteManifest("things", "a", new Thing("one"), Json.Default.Thing);
        data.Layout.WriteManifest("things", "a", new Thing("two"), Json.Default.Thing);
        data.Layout.WriteManifest("things", "b", new Thing("three"), Json.Default.Thing);
        Assert.Equal(
            [(data.PathOf("things", "a"), new Thing("two")), (data.PathOf("things", "b"), new Thing("three"))],
            data.Layout.ReadManifests("things", Json.Default.Thing));
        Assert.Equal(2, Directory.GetFiles(data.PathOf("things"), "*", SearchOption.AllDirectories).Length);
    }

    [Theory]
    [InlineData("../a")]
    [InlineData("..")]
    [InlineData("/etc/a")]
    [InlineData("")]
    public void WriteManifest_NameThatWouldBeAPath_IsRefused(string id) =>
        Assert.Throws<ArgumentException>(() => data.Layout.WriteManifest("things", id, new Thing("one"), Json.Default.Thing));

    [Fact]
    public void ReadManifests_NoFolderOrNoManifest_GivesNothing()
    {
        Assert.Empty(data.Layout.ReadManifests("things", Json.Default.Thing));
        Directory.CreateDirectory(data.PathOf("things", "a"));
        Assert.Empty(data.Layout.ReadManifests("things", Json.Default.Thing));
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{\"Text\": 5}")]
    [InlineData("{\"Text\": \"x\"")]
    public void ReadManifests_Damaged_NamesTheFile(string json)
    {
        data.WriteManifest("things", "a", json);
        var error = Assert.Throws<InvalidDataException>(() => data.Layout.ReadManifests("things", Json.Default.Thing));
        Assert.StartsWith(data.PathOf("things", "a", "manifest.json"), error.Message, StringComparison.Ordinal);
    }

    internal sealed record Thing(string Text);

    [JsonSerializable(typeof(Thing))]
    internal sealed partial class Json : JsonSerializerContext;
}
