using System.Text.Json;
using System.Text.Json.Serialization;
using CorrMesh.Rendering.Files;
using CorrMesh.Rendering.Meshes;
using CorrMesh.Training.Finetuning;
using CorrMesh.Vision.Backbones;
using CorrMesh.Vision.Weights;

namespace CorrMesh.Training.Jobs;

/// <summary>The weights that a job fine-tunes.</summary>
/// <param name="Path">The weight file.</param>
/// <param name="Digest">Its SHA-256, 64 hex digits.</param>
/// <param name="Heads">Attention heads, which no file tells.</param>
public sealed record JobBackbone(string Path, string Digest, int Heads);

/// <summary>A job's work, in the job's own process: from the mesh and the last checkpoint to the adapter's file and its card.</summary>
/// <param name="folder">The job's.</param>
/// <param name="checkpointSteps">Steps between checkpoints.</param>
public sealed class JobRun(JobFolder folder, int checkpointSteps)
{
    private const int Reports = 1000, LongestReport = 100;

    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) },
        WriteIndented = true,
    };

    // Checked when the job was made, against bounds that may have changed since.
    private static readonly MeshFileLimits Accepted = new() { MaxBytes = long.MaxValue, MaxVertices = int.MaxValue, MaxFaces = int.MaxValue, MaxTexturePixels = long.MaxValue };

    /// <summary>Trains to the end. Everything is written whole or not at all, so the process may be killed at any moment and the work begun again.</summary>
    /// <param name="find">Gives the weights of a model by name.</param>
    /// <param name="report">Receives progress.</param>
    /// <param name="cancellation">Looked at between steps.</param>
    /// <exception cref="InvalidDataException">The model's weights are others than when the job was made.</exception>
    public void Run(Func<string, JobBackbone> find, Action<JobProgress> report, CancellationToken cancellation)
    {
        JobManifest job = JobManifest.Read(folder.Manifest);
        JobBackbone weights = find(job.Model);
        if (weights.Digest != job.ModelDigest) throw new InvalidDataException($"model: weights sha256:{job.ModelDigest} of '{job.Model}' needed, which is now sha256:{weights.Digest}");
        var views = new MeshViews(ReadMesh(job), job.Id, job.ViewCount, job.Recipe.Seed);
        using VisionTransformer backbone = BackboneFile.Load(weights.Path, weights.Heads);
        FinetuneRecipe recipe = job.Recipe;
        int reportSteps = Math.Clamp(recipe.Iterations / Reports, 1, LongestReport);
        var trainer = new FinetuneTrainer(recipe, backbone, weights.Digest, views, folder.Checkpoints, checkpointSteps, reportSteps);
        FinetuneResult result = trainer.Run(
            progress => report(new JobProgress(
                progress.Step, progress.Loss, progress.GradientNorm, progress.StepsPerSecond, progress.Remaining.TotalSeconds, progress.LiveTensors, progress.CacheSize)),
            cancellation);
        FinetuneExport.Write(folder.Adapter, result.Adapter, recipe, weights.Digest, recipe.Iterations);
        JobFolder.Write(folder.Card, JsonSerializer.SerializeToUtf8Bytes(
            new Card(1, job.Id, job.Model, weights.Digest, job.Files, job.ViewCount, recipe), Json));
    }

    private TriangleMesh ReadMesh(JobManifest job)
    {
        byte[] content = File.ReadAllBytes(folder.Blob(job.Files[0].Digest));
        var others = job.Files.Skip(1).ToDictionary(file => file.Name, file => File.ReadAllBytes(folder.Blob(file.Digest)), StringComparer.Ordinal);
        return MeshFile.Read(content, MeshResources.Of(others), Accepted);
    }

    /// <summary>adapter.json: what made an adapter. Equal jobs give equal cards but for the job's id.</summary>
    private sealed record Card(int SchemaVersion, string Job, string Model, string ModelDigest, IReadOnlyList<JobFile> Mesh, int ViewCount, FinetuneRecipe Recipe);
}
