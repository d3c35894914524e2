namespace CorrMesh.Evaluation;

/// <summary>The model that the product ships, and what it was before.</summary>
internal static class BuiltInModel
{
    /// <exception cref="FileNotFoundException">It does not lie beside the program.</exception>
    public static string Path()
    {
        string path = System.IO.Path.Combine(AppContext.BaseDirectory, "models", "compact", "compact.safetensors");
        return File.Exists(path) ? path : throw new FileNotFoundException($"--model: the path of a .safetensors file needed, as there is no {path}");
    }

    /// <summary>The first version, which was trained on flat scenes alone.</summary>
    /// <exception cref="FileNotFoundException">It does not lie beside the program.</exception>
    public static string FirstVersion()
    {
        string path = System.IO.Path.Combine(AppContext.BaseDirectory, "models", "compact-planar.safetensors");
        return File.Exists(path) ? path : throw new FileNotFoundException($"first version: {path} needed, it does not exist", path);
    }
}
