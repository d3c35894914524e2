namespace CorrMesh.TestKit;

/// <summary>Paths inside the checkout that the test program was built from.</summary>
public static class Checkout
{
    /// <summary>The folder that holds Mesh.sln.</summary>
    /// <exception cref="DirectoryNotFoundException">The test program does not run from inside a checkout.</exception>
    public static string Root { get; } = Find();

    /// <summary>Full path of a golden array, present or not.</summary>
    public static string Golden(string file) => Path.Combine(Root, "tests", "golden", file);

    private static string Find()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(Path.Combine(folder.FullName, "Mesh.sln"))) return folder.FullName;
        throw new DirectoryNotFoundException($"no Mesh.sln above {AppContext.BaseDirectory}");
    }
}
