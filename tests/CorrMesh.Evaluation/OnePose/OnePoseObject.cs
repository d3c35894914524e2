using System.Text.Json;
using CorrMesh.Rendering.Views;

namespace CorrMesh.Evaluation.OnePose;

/// <summary>A picture of the reference sequence with points of the object in it.</summary>
/// <param name="ImagePath">Of the picture.</param>
/// <param name="Keypoints">[2 N] x, y, pixels.</param>
/// <param name="Points">[3 N] the same points in the object frame, metres.</param>
internal sealed record TemplateView(string ImagePath, float[] Keypoints, double[] Points)
{
    public int Count => Keypoints.Length / 2;
}

/// <summary>One object of OnePose-LowTex as its authors lay it out: a reference sequence NAME-1, a test sequence NAME-2, and a reconstruction of the first.</summary>
/// <remarks>
/// lowtexture_test_data/0700-toyrobot-others/toyrobot-1/{color,anno_loftr}, .../toyrobot-2/{color,poses_ba,intrin_ba}; sfm_output/outputs_softmax_loftr_loftr/0700-toyrobot-others/anno.
/// </remarks>
internal sealed class OnePoseObject
{
    private const int FrameStep = 10;
    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };
    private readonly string references, tests, reconstruction;

    private OnePoseObject(string name, string references, string tests, string reconstruction) =>
        (Name, this.references, this.tests, this.reconstruction) = (name, references, tests, reconstruction);

    public string Name { get; }

    /// <summary>All objects of a data folder, by name.</summary>
    /// <param name="data">Holds lowtexture_test_data and sfm_output.</param>
    /// <exception cref="InvalidDataException">There is none, or a folder is not named after its sequences.</exception>
    public static IReadOnlyList<OnePoseObject> Find(string data)
    {
        string root = Path.Combine(data, "lowtexture_test_data");
        string[] folders = Directory.Exists(root) ? [.. Directory.GetDirectories(root).Order(StringComparer.Ordinal)] : [];
        if (folders.Length == 0) throw new InvalidDataException($"{root}: at least 1 object needed, 0 found");
        return [.. folders.Select(folder => Open(folder, Path.Combine(data, "sfm_output", "outputs_softmax_loftr_loftr")))];
    }

    /// <summary>The annotated pictures of the reference sequence, in the order of their names as text.</summary>
    /// <exception cref="InvalidDataException">A file is missing, or not what it should be; the message names it.</exception>
    public IReadOnlyList<TemplateView> Templates()
    {
        double[] points = NpyRows.Read(Existing(Path.Combine(reconstruction, "anno", "anno_3d_average.npz")), "keypoints3d.npy");
        return [.. Files(references, "anno_loftr", "*.json").Select(path => Template(path, points))];
    }

    /// <summary>Every tenth picture of the test sequence, counted in the order of their names as text ("0", "1", "10", "11", ...).</summary>
    /// <exception cref="InvalidDataException">A file is missing, or not what it should be; the message names it.</exception>
    public IEnumerable<(string Name, ObjectView View)> Frames()
    {
        string[] asked = [.. Files(tests, "color", "*.png").Where((_, i) => i % FrameStep == 0).Select(path => Path.GetFileNameWithoutExtension(path))];
        OnePoseSequence sequence = OnePoseSequence.Open(tests);
        Dictionary<string, int> indices = Enumerable.Range(0, sequence.Poses.Count).ToDictionary(sequence.NameOf);
        foreach (string name in asked) yield return (name, sequence.Load(indices.TryGetValue(name, out int index) ? index : throw new InvalidDataException($"{tests}: a pose of {name} needed, none found")));
    }

    private static OnePoseObject Open(string folder, string reconstructions)
    {
        string name = Path.GetFileName(folder);
        string[] parts = name.Split('-');
        return parts.Length > 1
            ? new OnePoseObject(name, Path.Combine(folder, parts[1] + "-1"), Path.Combine(folder, parts[1] + "-2"), Path.Combine(reconstructions, name))
            : throw new InvalidDataException($"{folder}: a name like 0700-toyrobot-others needed");
    }

    private TemplateView Template(string path, double[] points)
    {
        Annotation read;
        try
        {
            read = JsonSerializer.Deserialize<Annotation>(File.ReadAllBytes(path), Json) ?? throw new JsonException("null");
        }
        catch (JsonException problem)
        {
            throw new InvalidDataException($"{path}: {problem.Message}", problem);
        }
        if (read.Keypoints2d is not { } seen || read.AssignMatrix is not [{ } pixels, { } rows, ..] || pixels.Length != rows.Length) throw new InvalidDataException($"{path}: keypoints2d and two rows of assign_matrix needed");
        if (pixels.Any(i => i < 0 || i >= seen.Length || seen[i] is not { Length: 2 }) || rows.Any(i => i < 0 || i >= points.Length / 3)) throw new InvalidDataException($"{path}: assign_matrix names a point that is not there");
        string image = Existing(Path.Combine(references, "color", Path.GetFileNameWithoutExtension(path) + ".png"));
        return new TemplateView(image, [.. pixels.SelectMany(i => seen[i]).Select(value => (float)value)], [.. rows.SelectMany(i => points[(3 * i)..(3 * i + 3)])]);
    }

    private static IEnumerable<string> Files(string sequence, string folder, string pattern)
    {
        string path = Path.Combine(sequence, folder);
        string[] files = Directory.Exists(path) ? Directory.GetFiles(path, pattern) : [];
        return files.Length > 0 ? files.OrderBy(file => Path.GetFileName(file), StringComparer.Ordinal) : throw new InvalidDataException($"{path}: at least 1 file {pattern} needed, 0 found");
    }

    private static string Existing(string path) => File.Exists(path) ? path : throw new InvalidDataException($"{path}: the file is not there");

    private sealed record Annotation(double[][]? Keypoints2d, int[][]? AssignMatrix);
}
