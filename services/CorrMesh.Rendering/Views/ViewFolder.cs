namespace CorrMesh.Rendering.Views;

/// <summary>Finds out what kind of views a folder holds.</summary>
public static class ViewFolder
{
    private const int MaxDepth = 8;

    /// <summary>Opens the views of a folder, or of the nearest one below it that holds some.</summary>
    /// <param name="root">Nothing above it is looked at.</param>
    /// <param name="objectId">Which object of a BOP scene; null for the only one, and for the other kinds.</param>
    /// <exception cref="InvalidDataException">There are no views, or several folders of them, or a file is not what it should be.</exception>
    /// <exception cref="ObjectChoiceException">There are several objects and none is chosen, or there is no such one.</exception>
    public static IViewSource Open(string root, int? objectId = null)
    {
        string[] level = [root];
        for (int depth = 0; depth < MaxDepth && level.Length > 0; depth++)
        {
            string[] found = [.. level.Where(folder => IsBop(folder) || IsOnePose(folder) || IsRendered(folder))];
            if (found.Length > 1) throw new InvalidDataException($"one folder of views needed, {found.Length} given: {string.Join(", ", found.Order(StringComparer.Ordinal).Take(5).Select(folder => Path.GetRelativePath(root, folder)))}");
            if (found is [var folder])
            {
                if (IsBop(folder)) return BopScene.Open(folder, Choose(BopScene.Objects(folder), objectId));
                if (objectId is { } given) throw new ObjectChoiceException($"only with a BOP scene allowed, {given} given");
                return IsOnePose(folder) ? OnePoseSequence.Open(folder) : RenderedFolder.Open(folder, Poses(folder, root));
            }
            level = [.. level.SelectMany(Directory.GetDirectories)];
        }
        throw new InvalidDataException("a BOP scene (scene_gt.json), a OnePose sequence (poses_ba) or rendered views (color_000000.png and obj_poses.npy) needed, none found");
    }

    private static bool IsBop(string folder) => File.Exists(Path.Combine(folder, "scene_gt.json"));

    private static bool IsOnePose(string folder) => Directory.Exists(Path.Combine(folder, "poses_ba")) || Directory.Exists(Path.Combine(folder, "poses"));

    private static bool IsRendered(string folder) => Directory.EnumerateFiles(folder, "color_*.png").Any();

    private static int Choose(IReadOnlyList<int> objects, int? objectId)
    {
        if (objectId is null && objects is [int only]) return only;
        if (objectId is { } chosen && objects.Contains(chosen)) return chosen;
        throw new ObjectChoiceException($"one of {string.Join(", ", objects.Take(20))} needed, {(objectId is null ? "none" : $"{objectId}")} given");
    }

    // The paper keeps them above its objects' folders.
    private static string Poses(string folder, string root)
    {
        for (string at = folder; ; at = Path.GetDirectoryName(at)!)
        {
            string path = Path.Combine(at, "obj_poses.npy");
            if (File.Exists(path)) return path;
            if (at == root) throw new InvalidDataException("obj_poses.npy: needed beside the views or above them, none found");
        }
    }
}

/// <summary>An object of a scene has to be chosen, or another one.</summary>
public sealed class ObjectChoiceException(string message) : Exception(message);
