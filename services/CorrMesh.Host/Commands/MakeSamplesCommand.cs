using System.CommandLine;
using CorrMesh.Training.Data;

namespace CorrMesh.Host.Commands;

/// <summary>`make-samples DIR`: the two pictures that a first try needs, made by the project itself.</summary>
internal static class MakeSamplesCommand
{
    private const int Size = 560;

    // A scene that no training ever sees, with a turn and a change of light that people can still follow by eye.
    private const long Scene = PlanarPairGenerator.FirstEvaluationIndex + 1_000_023;
    private const double Difficulty = 0.3;

    public static Command Create()
    {
        var directory = new Argument<DirectoryInfo>("dir") { Description = "receives left.jpg and right.jpg" };
        var command = new Command("make-samples", "Writes the two sample pictures: one generated scene, seen from two sides.") { directory };
        command.SetAction(result => MeshCommands.Guard(() =>
        {
            string folder = result.GetRequiredValue(directory).FullName;
            Directory.CreateDirectory(folder);
            PlanarViewSet views = new PlanarPairGenerator().Generate(Scene, Difficulty, Size, viewCount: 2);
            Write(Path.Combine(folder, "left.jpg"), views.Views[0].Pixels);
            Write(Path.Combine(folder, "right.jpg"), views.Views[1].Pixels);
            Console.WriteLine($"left.jpg and right.jpg written to {folder}");
            return 0;
        }));
        return command;
    }

    private static void Write(string path, byte[] pixels)
    {
        using var bitmap = PictureFiles.ToBitmap(pixels, Size, Size);
        PictureFiles.Write(path, bitmap);
    }
}
