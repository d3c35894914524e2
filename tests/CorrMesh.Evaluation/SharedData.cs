namespace CorrMesh.Evaluation;

/// <summary>Finds the folder of reference data: CORRMESH_SHARED, or `shared` beside the checkout.</summary>
internal static class SharedData
{
    /// <summary>The path of a file or folder under the shared folder.</summary>
    /// <exception cref="FileNotFoundException">There is no such thing; the message says where it was looked for.</exception>
    public static string Path(string relative)
    {
        string root = (Environment.GetEnvironmentVariable("CORRMESH_SHARED") is { Length: > 0 } named ? named : null) ?? Beside(AppContext.BaseDirectory) ?? Beside(Environment.CurrentDirectory)
            ?? throw new FileNotFoundException("CORRMESH_SHARED: not set, and no folder `shared` lies beside the checkout");
        string path = System.IO.Path.Combine(root, relative);
        return File.Exists(path) || Directory.Exists(path) ? path : throw new FileNotFoundException($"CORRMESH_SHARED: {path} does not exist", path);
    }

    private static string? Beside(string start)
    {
        for (DirectoryInfo? folder = new(start); folder is not null; folder = folder.Parent)
        {
            string candidate = System.IO.Path.Combine(folder.FullName, "shared", "data");
            if (Directory.Exists(candidate)) return System.IO.Path.GetDirectoryName(candidate);
        }
        return null;
    }
}
