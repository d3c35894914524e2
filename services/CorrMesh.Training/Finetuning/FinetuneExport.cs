using System.Globalization;
using CorrMesh.Vision.Adapters;

namespace CorrMesh.Training.Finetuning;

/// <summary>Writes a trained adapter as the file that the feature service loads.</summary>
public static class FinetuneExport
{
    /// <summary>Writes weights, and in the file's metadata the recipe, the backbone's digest and the steps done. Equal arguments give equal bytes.</summary>
    /// <param name="path">Ends in .safetensors; replaced when it exists.</param>
    /// <param name="backboneDigest">Of the weights that the adapter was trained on.</param>
    /// <param name="step">Updates done.</param>
    public static void Write(string path, Adapter adapter, FinetuneRecipe recipe, string backboneDigest, int step) => AdapterFile.Write(path, adapter, new Dictionary<string, string>
    {
        ["recipe"] = recipe.ToJson(),
        ["backbone"] = backboneDigest,
        ["step"] = step.ToString(CultureInfo.InvariantCulture),
    });
}
