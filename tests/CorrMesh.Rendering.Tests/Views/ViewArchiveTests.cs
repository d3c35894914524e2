using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using CorrMesh.Geometry;
using CorrMesh.Rendering.Views;
using Xunit;

namespace CorrMesh.Rendering.Tests.Views;

public sealed class ViewArchiveTests : IDisposable
{
    private const long Enough = 1 << 20;

    private readonly string root = Directory.CreateTempSubdirectory("corrmesh-archive-").FullName;

    private string Folder => Directory.CreateDirectory(Path.Combine(root, "in")).FullName;

    public void Dispose() => Directory.Delete(root, recursive: true);

    [Fact]
    public void Extract_FilesOfViews_AreWrittenAndNothingElseIs()
    {
        ViewArchive.Extract(Zip(("cup/rgb/000000.png", "picture"), ("cup/scene_gt.json", "{}"), ("cup/mesh.ply", "ply"), ("__MACOSX/._x", ""), ("cup/.DS_Store", "x"), ("cup/.hidden/a.png", "x"), ("cup/", "")), Folder, Enough);
        Assert.Equal(["cup/rgb/000000.png", "cup/scene_gt.json"], Files());
        Assert.Equal("picture", File.ReadAllText(Path.Combine(Folder, "cup/rgb/000000.png")));
    }

    // Goal: no name leaves the folder. Method: names that do on some machine, beside one that is as it should be; nothing at all is written.
    [Theory]
    [InlineData("../out.png")]
    [InlineData("a/../../out.png")]
    [InlineData("/etc/out.png")]
    [InlineData("a//out.png")]
    [InlineData("./out.png")]
    [InlineData("a\\..\\..\\out.png")]
    [InlineData("C:/out.png")]
    [InlineData("a/b/c/d/e/f/g/h/out.png")]
    [InlineData("line\nbreak.png")]
    public void Extract_NameThatIsNoPlaceInTheArchive_IsRefused(string name)
    {
        Refused("a name within the archive's own folder needed", Zip(("first.png", "x"), (name, "x")));
        Refused("a name within the archive's own folder needed", Zip(("first.png", "x"), (new string('x', 300) + ".png", "x")));
    }

    [Fact]
    public void Extract_Link_IsRefused() => Refused("a file needed, a link given", Zip(links: true, ("link.png", "/etc/passwd")));

    [Fact]
    public void Extract_NameGivenTwice_IsRefused()
    {
        Refused("given twice", Zip(("a.png", "x"), ("a.png", "y")));
        Refused("a file or a folder needed, both given", Zip(("a.png", "x"), ("a.png/b.png", "y")));
        Refused("a file or a folder needed, both given", Zip(("c/a.png/b.png", "y"), ("c/a.png", "x")));
    }

    [Fact]
    public void Extract_TooManyFiles_IsRefused() =>
        Refused($"at most {ViewArchive.MaxFiles} files allowed, {ViewArchive.MaxFiles + 1} given", Zip([.. Enumerable.Range(0, ViewArchive.MaxFiles + 1).Select(i => ($"{i}.md", ""))]));

    // Goal: what is unpacked is bounded by what comes out, whatever the archive says of itself. Method: a megabyte of zeros and one byte more, then the same with sizes that claim
    // to be small, in both places where a zip says them: then no more is unpacked than was claimed.
    [Fact]
    public void Extract_Bomb_IsRefusedWhereItPassesTheBound()
    {
        byte[] bomb = Zip(("a.png", new string('\0', 1 << 19)), ("b.png", new string('\0', (1 << 19) + 1)));
        Assert.True(bomb.Length < 4096);
        Refused("b.png: at most 1,048,576 bytes of unpacked files allowed together, more given", bomb);
        for (int at = 0; at < bomb.Length - 30; at++)
        {
            if (bomb.AsSpan(at, 4).SequenceEqual("PK\u0003\u0004"u8)) BinaryPrimitives.WriteInt32LittleEndian(bomb.AsSpan(at + 22), 10);
            if (bomb.AsSpan(at, 4).SequenceEqual("PK\u0001\u0002"u8)) BinaryPrimitives.WriteInt32LittleEndian(bomb.AsSpan(at + 24), 10);
        }
        Directory.Delete(Folder, recursive: true);
        ViewArchive.Extract(bomb, Folder, Enough);
        Assert.All(Directory.GetFiles(Folder), file => Assert.Equal(10, new FileInfo(file).Length));   // no more than was claimed
    }

    // Goal: a damaged archive is refused as such, never with another fault. Method: cut anywhere, and every byte changed in turn.
    [Fact]
    public void Extract_DamagedArchive_IsRefusedOrReadButNeverFailsOtherwise()
    {
        byte[] whole = Zip(("a/color.png", "some picture, some picture, some picture"), ("a/poses.txt", "1 2 3"));
        Refused("a zip file needed", []);
        Refused("a zip file needed", "PK"u8.ToArray());
        Refused("a zip file needed", Encoding.UTF8.GetBytes(new string('x', 1000)));
        for (int length = 0; length < whole.Length; length++) Assert.Throws<InvalidDataException>(() => ViewArchive.Extract(whole.AsMemory(0, length), Folder, Enough));
        for (int at = 0; at < whole.Length; at++)
        {
            byte[] broken = [.. whole];
            broken[at] ^= 0xFF;
            string folder = Directory.CreateDirectory(Path.Combine(root, $"{at}")).FullName;
            try
            {
                ViewArchive.Extract(broken, folder, Enough);
            }
            catch (InvalidDataException)
            {
            }
            Assert.True(Directory.GetFiles(folder, "*", SearchOption.AllDirectories).All(file => new FileInfo(file).Length < 200), $"byte {at}");
        }
    }

    [Fact]
    public void Open_FolderInFolder_IsFoundAndWhatIsNoneOrTwoIsNot()
    {
        string Sub(string name) => Directory.CreateDirectory(Path.Combine(root, name)).FullName;
        Assert.Contains("none found", Assert.Throws<InvalidDataException>(() => ViewFolder.Open(root)).Message, StringComparison.Ordinal);
        string scene = Sub("data/test/000001");
        File.WriteAllText(Path.Combine(scene, "scene_gt.json"), "{\"0\": [{\"obj_id\": 5, \"cam_R_m2c\": [1, 0, 0, 0, 1, 0, 0, 0, 1], \"cam_t_m2c\": [0, 0, 1]}, {\"obj_id\": 7, \"cam_R_m2c\": [1, 0, 0, 0, 1, 0, 0, 0, 1], \"cam_t_m2c\": [0, 0, 1]}]}");
        File.WriteAllText(Path.Combine(scene, "scene_camera.json"), "{\"0\": {\"cam_K\": [1, 0, 0, 0, 1, 0, 0, 0, 1]}}");
        Assert.Equal("one of 5, 7 needed, none given", Assert.Throws<ObjectChoiceException>(() => ViewFolder.Open(root)).Message);
        Assert.Equal("one of 5, 7 needed, 6 given", Assert.Throws<ObjectChoiceException>(() => ViewFolder.Open(root, 6)).Message);
        Assert.Single(Assert.IsType<BopScene>(ViewFolder.Open(root, 7)).Poses);

        string second = Sub("data/test/000002");
        File.Copy(Path.Combine(scene, "scene_gt.json"), Path.Combine(second, "scene_gt.json"));
        Assert.Equal("one folder of views needed, 2 given: data/test/000001, data/test/000002", Assert.Throws<InvalidDataException>(() => ViewFolder.Open(root)).Message);

        // The paper's folders: the poses above the object's.
        string paper = Sub("paper"), cup = Sub("paper/cup");
        File.WriteAllText(Path.Combine(cup, "color_000000.png"), "");
        Assert.Contains("obj_poses.npy", Assert.Throws<InvalidDataException>(() => ViewFolder.Open(paper)).Message, StringComparison.Ordinal);
        NpyPoses.Write(Path.Combine(paper, "obj_poses.npy"), [RigidPose.Identity]);
        Assert.IsType<RenderedFolder>(ViewFolder.Open(paper));
        Assert.Throws<ObjectChoiceException>(() => ViewFolder.Open(paper, 3));
    }

    private void Refused(string message, byte[] zip)
    {
        Assert.Contains(message, Assert.Throws<InvalidDataException>(() => ViewArchive.Extract(zip, Folder, Enough)).Message, StringComparison.Ordinal);
        if (!message.Contains("unpacked", StringComparison.Ordinal)) Assert.Empty(Files());
    }

    private string[] Files() => [.. Directory.GetFiles(Folder, "*", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(Folder, file)).Order(StringComparer.Ordinal)];

    private static byte[] Zip(params (string Name, string Content)[] entries) => Zip(false, entries);

    private static byte[] Zip(bool links, params (string Name, string Content)[] entries)
    {
        using var stream = new MemoryStream();
        using (var archive = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
            foreach ((string name, string content) in entries)
            {
                ZipArchiveEntry entry = archive.CreateEntry(name);
                if (links) entry.ExternalAttributes = 0xA1FF << 16;
                using Stream to = entry.Open();
                to.Write(Encoding.UTF8.GetBytes(content));
            }
        return stream.ToArray();
    }
}
