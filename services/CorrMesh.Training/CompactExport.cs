using System.Text.Json;
using CorrMesh.Vision.Weights;

namespace CorrMesh.Training;

/// <summary>Weights after training, by hub key, float32.</summary>
public sealed record TrainedWeights(IReadOnlyDictionary<string, (long[] Shape, float[] Values)> Arrays);

/// <summary>Writes a trained network as a model directory: fp16 weights, the manifest that serves it, the card that explains it.</summary>
public static class CompactExport
{
    /// <summary>The model's id, and the name of its folder.</summary>
    public const string Id = "compact";

    /// <summary>Tokens on the long side when a request does not say: 560 px.</summary>
    public const int DefaultTokens = 40;

    private static readonly JsonSerializerOptions Json = new() { WriteIndented = true, PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    /// <param name="threads">Of the network while training; with the processor's model it decides the last bits.</param>
    /// <param name="curve">Progress by step.</param>
    public static void Write(string directory, CompactRecipe recipe, int threads, TrainedWeights weights, IReadOnlyList<TrainingProgress> curve)
    {
        Directory.CreateDirectory(directory);
        string file = Path.Combine(directory, $"{Id}.safetensors");
        var state = new StateDict(file);
        foreach ((string name, (long[] shape, float[] values)) in weights.Arrays.OrderBy(a => a.Key, StringComparer.Ordinal))
        {
            if (name != "mask_token") state.Add(name, WeightArray.FromHalves(values, shape));   // masks are not used in training
        }

        SafeTensorsFile.Write(file, state, new Dictionary<string, string> { ["format"] = "corrmesh-backbone", ["id"] = Id });
        string digest = "sha256:" + WeightFile.Digest(file);
        WriteJson(Path.Combine(directory, "manifest.json"), new
        {
            SchemaVersion = 1,
            Id,
            Digest = digest,
            File = Path.GetFileName(file),
            recipe.Network.PatchSize,
            recipe.Network.Width,
            recipe.Network.Depth,
            recipe.Network.Heads,
            DefaultTokens,
        });
        WriteJson(Path.Combine(directory, "training.json"), new
        {
            Digest = digest,
            Command = $"CorrMesh.Host train-compact --steps {recipe.Steps} --seed {recipe.Seed} --threads {threads} --curriculum {recipe.CurriculumSteps}{(recipe.IsMixedPrecision ? "" : " --float32")}{(recipe.StartDigest is null ? "" : " --start WEIGHTS")}",
            Recipe = recipe,
            Curve = curve.Select(p => new { p.Step, Loss = Math.Round(p.Loss, 4), Hits = Math.Round(p.HitFraction, 4) }),
        });
    }

    private static void WriteJson(string path, object value) => File.WriteAllText(path, JsonSerializer.Serialize(value, Json) + "\n");
}
