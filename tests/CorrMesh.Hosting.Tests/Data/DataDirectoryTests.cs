using System.Security.Cryptography;
using System.Text.Json.Serialization;
using CorrMesh.Hosting.Data;
using Xunit;

namespace CorrMesh.Hosting.Tests.Data;

public sealed partial class DataDirectoryTests : IDisposable
{
    private readonly string root = Directory.CreateTempSubdirectory("corrmesh-data-").FullName;

    private DataDirectory Layout => new(root);

    public void Dispose() => Directory.Delete(root, recursive: true);

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
        string file = PathOf("w.bin");
        File.WriteAllText(file, "content");
        string digest = Layout.AddBlob(file);
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData("content"u8)), digest);
        Assert.Equal(PathOf("blobs", "sha256", digest[..2], digest), Layout.BlobPath(digest));
        Assert.Equal("content", File.ReadAllText(Layout.BlobPath(digest)));
        Assert.Equal(digest, Layout.AddBlob(file));
        Assert.Single(Directory.GetFiles(PathOf("blobs"), "*", SearchOption.AllDirectories));
    }

    [Fact]
    public void AddBlob_MissingFile_LeavesNothing()
    {
        Assert.Throws<FileNotFoundException>(() => Layout.AddBlob(PathOf("nothing")));
        Assert.False(Directory.Exists(PathOf("blobs")));
    }

    [Fact]
    public void WriteManifest_Twice_ReplacesAndLeavesOneFile()
    {
        Layout.WriteManifest("things", "a", new Thing("one"), Json.Default.Thing);
        Layout.WriteManifest("things", "a", new Thing("two"), Json.Default.Thing);
        Layout.WriteManifest("things", "b", new Thing("three"), Json.Default.Thing);
        Assert.Equal(
            [(PathOf("things", "a"), new Thing("two")), (PathOf("things", "b"), new Thing("three"))],
            Layout.ReadManifests("things", Json.Default.Thing));
        Assert.Equal(2, Directory.GetFiles(PathOf("things"), "*", SearchOption.AllDirectories).Length);
    }

    [Theory]
    [InlineData("../a")]
    [InlineData("..")]
    [InlineData("/etc/a")]
    [InlineData("")]
    public void WriteManifest_NameThatWouldBeAPath_IsRefused(string id) =>
        Assert.Throws<ArgumentException>(() => Layout.WriteManifest("things", id, new Thing("one"), Json.Default.Thing));

    [Fact]
    public void ReadManifests_NoFolderOrNoManifest_GivesNothing()
    {
        Assert.Empty(Layout.ReadManifests("things", Json.Default.Thing));
        Directory.CreateDirectory(PathOf("things", "a"));
        Assert.Empty(Layout.ReadManifests("things", Json.Default.Thing));
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{\"Text\": 5}")]
    [InlineData("{\"Text\": \"x\"")]
    public void ReadManifests_Damaged_NamesTheFile(string json)
    {
        Directory.CreateDirectory(PathOf("things", "a"));
        File.WriteAllText(PathOf("things", "a", "manifest.json"), json);
        var error = Assert.Throws<InvalidDataException>(() => Layout.ReadManifests("things", Json.Default.Thing));
        Assert.StartsWith(PathOf("things", "a", "manifest.json"), error.Message, StringComparison.Ordinal);
    }

    private string PathOf(params string[] parts) => Path.Combine([root, .. parts]);

    internal sealed record Thing(string Text);

    [JsonSerializable(typeof(Thing))]
    internal sealed partial class Json : JsonSerializerContext;
}
