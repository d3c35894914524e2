using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using CorrMesh.Metrics;
using CorrMesh.Training.Finetuning;
using CorrMesh.Training.Measuring;

namespace CorrMesh.Evaluation.Finding;

/// <summary>A finished measurement.</summary>
/// <param name="Key">Equal for measurements that must give equal figures.</param>
/// <param name="Trained">The object that was trained on; null for the bare backbone.</param>
/// <param name="Step">Updates done; null for the bare backbone.</param>
/// <param name="Measured">The object that points were found on.</param>
internal sealed record FindingCell(string Key, string? Trained, int? Step, string Measured, DenseCorrespondence Figures);

/// <summary>Finished measurements in a file of JSON lines, so that nothing is measured twice however often the run is stopped.</summary>
internal sealed class FindingCells
{
    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.Never };

    private readonly string path;
    private readonly string model;
    private readonly FinetuneRecipe recipe;
    private readonly EvaluationSettings settings;
    private readonly Dictionary<string, FindingCell> cells = new(StringComparer.Ordinal);

    /// <param name="path">Read if it is there. Lines of other models, recipes or settings stay, and are not found; a line that a kill cut off counts as not there.</param>
    /// <param name="model">Digest of the backbone.</param>
    /// <param name="recipe">Its number of steps does not count.</param>
    /// <param name="settings">Of the measurements.</param>
    public FindingCells(string path, string model, FinetuneRecipe recipe, EvaluationSettings settings)
    {
        (this.path, this.model, this.recipe, this.settings) = (path, model, recipe, settings);
        if (!File.Exists(path)) return;
        foreach (string line in File.ReadLines(path))
            if (Read(line) is { } cell) cells[cell.Key] = cell;
    }

    /// <summary>The finished measurement, or null.</summary>
    public FindingCell? Find(PlannedCell planned) => cells.GetValueOrDefault(KeyOf(planned));

    /// <summary>Keeps a measurement; when this returns, it is in the file.</summary>
    public FindingCell Add(PlannedCell planned, DenseCorrespondence figures)
    {
        var cell = new FindingCell(KeyOf(planned), planned.Trained, planned.Step, planned.Measured.Name, figures);
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        // A line that was cut off ends here, so that it does not spoil this one.
        File.AppendAllText(path, (EndsInALine() ? "" : "\n") + JsonSerializer.Serialize(cell, Json) + "\n");
        cells[cell.Key] = cell;
        return cell;
    }

    // The bare backbone knows no recipe.
    private string KeyOf(PlannedCell planned)
    {
        string all = JsonSerializer.Serialize(new
        {
            Model = model,
            Recipe = planned.Step is null ? null : recipe.Digest(),
            Settings = settings with { Seed = planned.Measured.Seed },
            planned.Trained,
            planned.Step,
            Measured = planned.Measured.Name,
        });
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(all)));
    }

    private bool EndsInALine()
    {
        if (!File.Exists(path)) return true;
        using FileStream file = File.OpenRead(path);
        if (file.Length == 0) return true;
        file.Seek(-1, SeekOrigin.End);
        return file.ReadByte() == '\n';
    }

    private static FindingCell? Read(string line)
    {
        try
        {
            return JsonSerializer.Deserialize<FindingCell>(line, Json) is { Key.Length: > 0 } cell ? cell : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
