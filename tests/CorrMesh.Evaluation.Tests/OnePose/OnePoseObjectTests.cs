using System.IO.Compression;
using CorrMesh.TestKit;
using Xunit;

namespace CorrMesh.Evaluation.OnePose.Tests;

public sealed class OnePoseObjectTests : IDisposable
{
    private readonly string data = Directory.CreateTempSubdirectory("onepose").FullName;

    public OnePoseObjectTests()
    {
        Write("lowtexture_test_data/0700-cup-others/cup-1/anno_loftr/3.json", """{"keypoints2d": [[1, 2], [3.5, 4]], "scores2d": [[1], [1]], "assign_matrix": [[1, 0], [0, 1]]}""");
        Write("lowtexture_test_data/0700-cup-others/cup-1/color/3.png", "");
        string archive = Full("sfm_output/outputs_softmax_loftr_loftr/0700-cup-others/anno/anno_3d_average.npz"), array = Full("points.npy");
        NpyFile.Write(array, [0, 1, 2, 3, 4, 5], 2, 3);
        using ZipArchive zip = ZipFile.Open(archive, ZipArchiveMode.Create);
        zip.CreateEntryFromFile(array, "keypoints3d.npy");
        NpyFile.Write(array, [0, 1, 2, 3], 2, 2);
        zip.CreateEntryFromFile(array, "scores3d.npy");
    }

    public void Dispose() => Directory.Delete(data, recursive: true);

    [Fact]
    public void Templates_AssignedPoints_AreInTheOrderOfTheAssignment()
    {
        TemplateView view = Assert.Single(Assert.Single(OnePoseObject.Find(data)).Templates());
        Assert.Equal([3.5f, 4, 1, 2], view.Keypoints);
        Assert.Equal([0, 1, 2, 3, 4, 5], view.Points);
    }

    [Theory]
    [InlineData("""{"keypoints2d": [[1, 2]], "assign_matrix": [[1], [0]]}""", "not there")]
    [InlineData("""{"keypoints2d": [[1, 2]], "assign_matrix": [[0], [2]]}""", "not there")]
    [InlineData("""{"keypoints2d": [[1, 2, 3]], "assign_matrix": [[0], [0]]}""", "not there")]
    [InlineData("""{"keypoints2d": [[1, 2]], "assign_matrix": [[0], []]}""", "two rows")]
    [InlineData("""{"keypoints2d": [[1, 2]]}""", "two rows")]
    [InlineData("""{"keypoints2d": """, "3.json")]
    [InlineData("null", "3.json")]
    public void Templates_DamagedAnnotation_IsNamed(string annotation, string named)
    {
        Write("lowtexture_test_data/0700-cup-others/cup-1/anno_loftr/3.json", annotation);
        string message = Assert.Throws<InvalidDataException>(() => OnePoseObject.Find(data)[0].Templates()).Message;
        Assert.Contains("3.json", message, StringComparison.Ordinal);
        Assert.Contains(named, message, StringComparison.Ordinal);
    }

    [Fact]
    public void Find_WithoutObjects_SaysSo()
    {
        Directory.Delete(Full("lowtexture_test_data"), recursive: true);
        Assert.Contains("at least 1 object", Assert.Throws<InvalidDataException>(() => OnePoseObject.Find(data)).Message, StringComparison.Ordinal);
        Directory.CreateDirectory(Full("lowtexture_test_data/cup"));
        Assert.Contains("0700-toyrobot-others", Assert.Throws<InvalidDataException>(() => OnePoseObject.Find(data)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Frames_WithoutPictures_SaysSo() => Assert.Contains("cup-2", Assert.Throws<InvalidDataException>(() => OnePoseObject.Find(data)[0].Frames().ToList()).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("scores3d.npy", "N x 3")]
    [InlineData("absent.npy", "none found")]
    public void Read_OtherArray_IsRefused(string entry, string named)
    {
        string archive = Full("sfm_output/outputs_softmax_loftr_loftr/0700-cup-others/anno/anno_3d_average.npz");
        Assert.Contains(named, Assert.Throws<InvalidDataException>(() => NpyRows.Read(archive, entry)).Message, StringComparison.Ordinal);
    }

    private void Write(string relative, string text) => File.WriteAllText(Full(relative), text);

    private string Full(string relative)
    {
        string path = Path.Combine(data, relative);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        return path;
    }
}
