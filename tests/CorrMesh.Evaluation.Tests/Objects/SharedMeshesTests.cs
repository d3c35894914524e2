using CorrMesh.Training.Measuring;
using Xunit;

namespace CorrMesh.Evaluation.Objects.Tests;

public sealed class SharedMeshesTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("corrmesh-meshes-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    // Goal: every mesh is found, in folders, too, by name, and nothing else. Method: files without content, as finding reads none.
    [Fact]
    public void Find_FilesInFolders_AreTheMeshesByName()
    {
        foreach (string file in (string[])["b.glb", "plain/a.obj", "plain/c.PLY", "scan/textured.obj", "scan/textured.mtl", "scan/map.png", "Named/Named.gltf", "Named/Named.bin"])
        {
            string path = Path.Combine(folder, file);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, "");
        }
        IReadOnlyList<EvaluatedObject> found = SharedMeshes.Find(folder);
        Assert.Equal(["Named", "a", "b", "c", "scan"], found.Select(one => one.Name));
        Assert.All(found, one => Assert.Equal(new EvaluationSettings().Seed, one.Seed));
        Assert.DoesNotContain(found, one => one.IsSymmetric);
    }

    [Fact]
    public void Find_NoMesh_SaysWhatIsNeeded()
    {
        File.WriteAllText(Path.Combine(folder, "picture.png"), "");
        Assert.Contains("at least 1 of .glb, .gltf, .obj, .ply needed, 0 found", Assert.Throws<InvalidDataException>(() => SharedMeshes.Find(folder)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Find_OneNameTwice_IsRefused()
    {
        foreach (string file in (string[])["duck.obj", "duck.glb"]) File.WriteAllText(Path.Combine(folder, file), "");
        Assert.Contains("'duck' found 2 times", Assert.Throws<InvalidDataException>(() => SharedMeshes.Find(folder)).Message, StringComparison.Ordinal);
    }

    // Goal: of the shared meshes those are marked that a rotation maps onto themselves, and each can be read.
    [Fact]
    public void Find_SharedMeshes_MarksTheSymmetricAndReadsAll()
    {
        IReadOnlyList<EvaluatedObject> found = SharedMeshes.Find(TestKit.SharedData.Require(SharedMeshes.Folder));
        Assert.Equal(["BoxTextured"], found.Where(one => one.IsSymmetric).Select(one => one.Name));
        Assert.Empty(((string[])["Avocado", "BoomBox", "Duck", "WaterBottle", "cow", "ycb_banana"]).Except(found.Select(one => one.Name)));
        Assert.All(found, one => Assert.NotEmpty(one.Make().Indices));
    }
}
