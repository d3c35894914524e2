using System.Text.Json.Nodes;
using CorrMesh.Metrics;

namespace CorrMesh.Evaluation;

/// <summary>Figures of dense correspondence as JSON of tables.</summary>
internal static class FigureJson
{
    /// <summary>Fractions 0 to 1 to five digits.</summary>
    public static JsonObject Of(DenseCorrespondence figures) => new()
    {
        ["ape"] = Math.Round(figures.Ape, 5),
        ["pcdp_05"] = Math.Round(figures.Pcdp05, 5),
        ["pcdp_10"] = Math.Round(figures.Pcdp10, 5),
        ["pcdp_20"] = Math.Round(figures.Pcdp20, 5),
    };
}
