using System.Text.Json;
using System.Text.Json.Serialization;
using CorrMesh.Training.Finetuning;
using CorrMesh.Training.Measuring;

namespace CorrMesh.Training.Jobs;

/// <summary>Where a job stands.</summary>
public enum JobState
{
    Queued,
    Running,
    Succeeded,
    Failed,
    Cancelled,
}

/// <summary>What a job is for.</summary>
public enum JobKind
{
    /// <summary>Trains an adapter, then measures and judges it.</summary>
    Finetune,

    /// <summary>Measures and judges an adapter that is there.</summary>
    Evaluate,
}

/// <summary>That a job's file is a zip of posed views.</summary>
/// <param name="ObjectId">Which object of a BOP scene; null for the only one.</param>
/// <param name="TrainingCount">Views that are trained on, once they have been read.</param>
public sealed record ViewsSource(int? ObjectId = null, int TrainingCount = 0);

/// <summary>A file of a job's object; its content is a blob of the data directory.</summary>
/// <param name="Name">As other files of the mesh name it; never part of a path.</param>
/// <param name="Digest">SHA-256, 64 hex digits.</param>
/// <param name="Size">Bytes.</param>
public sealed record JobFile(string Name, string Digest, long Size);

/// <summary>An object of another job to train on.</summary>
/// <param name="Job">That job's id.</param>
/// <param name="Files">The mesh, and then what it names; or a zip of views.</param>
/// <param name="Views">How the views are to be read; null for a mesh.</param>
public sealed record OtherObject(string Job, IReadOnlyList<JobFile> Files, ViewsSource? Views = null);

/// <summary>What came of a job.</summary>
/// <param name="Digest">SHA-256 of the adapter's file, 64 hex digits.</param>
/// <param name="Size">Bytes of it.</param>
/// <param name="Card">What made it, as JSON.</param>
/// <param name="Verdict">The gate's, without curve and recipe; null for a job from before there was a gate.</param>
public sealed record JobResult(string Digest, long Size, string Card, GateReport? Verdict = null);

/// <summary>jobs/ID/manifest.json: all that has to be known of a job when everything else has been killed.</summary>
/// <param name="SchemaVersion">1.</param>
/// <param name="Id">The folder's name.</param>
/// <param name="RequestDigest">SHA-256 of what was asked for, to tell a repeated call from another with the same request_id; 64 hex digits.</param>
/// <param name="DisplayName">For people; may be empty.</param>
/// <param name="Model">The backbone's name.</param>
/// <param name="ModelDigest">SHA-256 of its weights, 64 hex digits.</param>
/// <param name="Files">The mesh, and then what it names; or a zip of views.</param>
/// <param name="ViewCount">Pictures to train on, rendered of the mesh or uploaded; 0 for an evaluation.</param>
/// <param name="Recipe">With every default filled in, threads and cache included; of an evaluation the threads alone count.</param>
/// <param name="Created">When it was made.</param>
/// <param name="Queued">When it was last queued: the order of the queue.</param>
public sealed record JobManifest(
    int SchemaVersion, string Id, string RequestDigest, string DisplayName, string Model, string ModelDigest, IReadOnlyList<JobFile> Files, int ViewCount, FinetuneRecipe Recipe,
    DateTimeOffset Created, DateTimeOffset Queued)
{
    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) },
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        WriteIndented = true,
    };

    /// <summary>What it is for.</summary>
    public JobKind Kind { get; init; }

    /// <summary>How the views are to be read; null for a mesh.</summary>
    public ViewsSource? Views { get; init; }

    /// <summary>Further objects to train on, of earlier jobs.</summary>
    public IReadOnlyList<OtherObject> Others { get; init; } = [];

    /// <summary>Procedural objects to train on as well, drawn by the recipe's seed.</summary>
    public int MadeObjectCount { get; init; }

    /// <summary>The adapter that an evaluation measures: a blob's digest, 64 hex digits; null for the job's own.</summary>
    public string? Adapter { get; init; }

    /// <summary>How the adapter is measured; null for the gate's way.</summary>
    public EvaluationSettings? Evaluation { get; init; }

    /// <summary>How often unseen views are measured while training.</summary>
    public int MeasureCount { get; init; }

    /// <summary>The name to publish the adapter under if the gate accepts it; empty for none.</summary>
    public string PublishAs { get; init; } = "";

    /// <summary>Where it stands.</summary>
    public JobState State { get; init; } = JobState.Queued;

    /// <summary>Why it failed, or why its process had to be started again.</summary>
    public string Reason { get; init; } = "";

    /// <summary>Processes started since the job last got further.</summary>
    public int Tries { get; init; }

    /// <summary>When its first process was started.</summary>
    public DateTimeOffset? Started { get; init; }

    /// <summary>When it succeeded, failed or was cancelled.</summary>
    public DateTimeOffset? Ended { get; init; }

    /// <summary>The adapter, once the job has succeeded.</summary>
    public JobResult? Result { get; init; }

    /// <summary>Whether nothing more will happen to it by itself.</summary>
    [JsonIgnore]
    public bool IsOver => State is JobState.Succeeded or JobState.Failed or JobState.Cancelled;

    /// <exception cref="InvalidDataException">The file is no manifest of a schema that is known.</exception>
    public static JobManifest Read(string path)
    {
        try
        {
            using FileStream stream = File.OpenRead(path);
            JobManifest manifest = JsonSerializer.Deserialize<JobManifest>(stream, Json) ?? throw new JsonException("null");
            return manifest.SchemaVersion == 1 && manifest.Files.Count > 0
                ? manifest
                : throw new InvalidDataException($"{path}: schema_version 1 and at least one file needed, {manifest.SchemaVersion} and {manifest.Files.Count} given");
        }
        catch (JsonException exception)
        {
            throw new InvalidDataException($"{path}: not a manifest ({exception.Message})", exception);
        }
    }

    public byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(this, Json);
}
