using CorrMesh.Rendering.Files;
using CorrMesh.Training.Measuring;

namespace CorrMesh.Evaluation.Objects;

/// <summary>The mesh files of the shared data: whatever lies there.</summary>
internal static class SharedMeshes
{
    public const string Folder = "data/meshes";

    private static readonly string[] Endings = [".glb", ".gltf", ".obj", ".ply"];

    // Objects that a rotation maps onto themselves, as their pictures show. Not among them: WaterBottle, a solid of revolution whose two prints differ, and what a mirror alone maps.
    private static readonly string[] Symmetric =
    [
        "BoxTextured",   // a cube with the same picture on each of its faces
    ];

    /// <summary>Whether a mesh of the shared data looks alike from several sides.</summary>
    public static bool IsSymmetric(string name) => Symmetric.Contains(name);

    /// <summary>Every mesh of a folder and the folders in it, by name; seen from the places of the settings' own seed.</summary>
    /// <exception cref="InvalidDataException">There is no mesh, or two have one name.</exception>
    public static IReadOnlyList<EvaluatedObject> Find(string folder)
    {
        string[] files = [.. Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Where(file => Endings.Contains(Path.GetExtension(file), StringComparer.OrdinalIgnoreCase))];
        if (files.Length == 0) throw new InvalidDataException($"{folder}: at least 1 of {string.Join(", ", Endings)} needed, 0 found");
        EvaluatedObject[] found = [.. files.Select(file => (File: file, Name: Name(folder, file))).OrderBy(mesh => mesh.Name, StringComparer.Ordinal)
            .Select(mesh => new EvaluatedObject(mesh.Name, new EvaluationSettings().Seed, Symmetric.Contains(mesh.Name), () => MeshFile.Load(mesh.File)))];
        if (found.GroupBy(mesh => mesh.Name).FirstOrDefault(same => same.Count() > 1) is { } twice) throw new InvalidDataException($"{folder}: names that differ needed, '{twice.Key}' found {twice.Count()} times");
        return found;
    }

    // The file's; its folder's where the file is the folder's only mesh and has another name, as scans do.
    private static string Name(string folder, string file)
    {
        string own = Path.GetFileNameWithoutExtension(file), parent = Path.GetDirectoryName(file)!;
        bool isAlone = Directory.EnumerateFiles(parent).Count(other => Endings.Contains(Path.GetExtension(other), StringComparer.OrdinalIgnoreCase)) == 1;
        return isAlone && Path.GetFullPath(parent) != Path.GetFullPath(folder) ? Path.GetFileName(parent) : own;
    }
}
