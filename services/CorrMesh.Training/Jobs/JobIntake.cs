using System.Security.Cryptography;
using System.Text;
using CorrMesh.Hosting.Data;
using CorrMesh.Hosting.Errors;
using CorrMesh.Models;
using CorrMesh.Rendering.Views;
using CorrMesh.Training.Finetuning;
using CorrMesh.Training.Measuring;
using CorrMesh.Vision.Adapters;
using CorrMesh.Vision.Weights;
using Microsoft.Extensions.Logging;

namespace CorrMesh.Training.Jobs;

/// <summary>A model as jobs see it.</summary>
/// <param name="Width">Channels.</param>
/// <param name="Depth">Blocks.</param>
public sealed record JobModel(string Name, string Digest, int Width, int Depth);

/// <summary>What a caller asks for, its bytes included.</summary>
/// <param name="RequestId">Empty for a job of every call.</param>
/// <param name="DisplayName">May be empty.</param>
/// <param name="Model">As it was asked for; empty for the default.</param>
/// <param name="Files">The mesh and what it names, or the zip of <see cref="Views"/>; empty for the object of <paramref name="MeshOfJob"/>.</param>
/// <param name="MeshOfJob">A job's id, or empty.</param>
/// <param name="ViewCount">Pictures to render of a mesh to train on; null for the paper's number, and for views.</param>
/// <param name="Recipe">Without threads and cache, which are the operator's.</param>
public sealed record JobOrder(
    string RequestId, string DisplayName, string Model, IReadOnlyList<(string Name, ReadOnlyMemory<byte> Content)> Files, string MeshOfJob, int? ViewCount, FinetuneRecipe Recipe)
{
    public const int DefaultMeasureCount = 10, MaxMeasureCount = 100;

    /// <summary>How often unseen views are measured while training.</summary>
    public int MeasureCount { get; init; }

    /// <summary>The name to publish under if the gate accepts; may be empty.</summary>
    public string PublishAs { get; init; } = "";

    /// <summary>That the file is a zip of posed views; null for a mesh.</summary>
    public ViewsSource? Views { get; init; }

    /// <summary>Ids of jobs whose objects are trained on as well.</summary>
    public IReadOnlyList<string> ObjectsOfJobs { get; init; } = [];

    /// <summary>Procedural objects to train on as well.</summary>
    public int MadeObjectCount { get; init; }

    /// <summary>What an evaluation measures; null for a job that trains.</summary>
    public AdapterSource? Adapter { get; init; }

    /// <summary>How an evaluation measures.</summary>
    public EvaluationSettings Settings { get; init; } = EvaluationSettings.Gate;
}

/// <summary>An adapter to be measured; one of the three is there.</summary>
/// <param name="Content">A file.</param>
/// <param name="OfJob">A job's id.</param>
/// <param name="Name">A published name.</param>
public sealed record AdapterSource(ReadOnlyMemory<byte> Content, string OfJob = "", string Name = "");

/// <summary>Something is not as a call needs it (FAILED_PRECONDITION).</summary>
/// <param name="reason">For programs.</param>
public sealed class JobConditionException(string reason, string message) : Exception(message)
{
    public const string JobEnded = "JOB_ENDED", JobNotSucceeded = "JOB_NOT_SUCCEEDED", AdapterRefused = "ADAPTER_REFUSED", AdapterDamaged = "ADAPTER_DAMAGED", ModelChanged = "MODEL_CHANGED", NoEarlierVersion = "NO_EARLIER_VERSION";

    public string Reason { get; } = reason;
}

/// <summary>The request_id was used before for something else.</summary>
public sealed class RequestIdTakenException(string requestId) : Exception($"request_id: new for each job needed, '{requestId}' was used for another one");

/// <summary>Turns what was asked for into a stored job, or says everything that is wrong with it.</summary>
public sealed class JobIntake(JobStore store, TrainingOptions options, TimeProvider time, ILogger<JobIntake> logger) : IDisposable
{
    private const int MaxFiles = 64, MaxName = 255, MaxDisplayName = 100, MaxRequestId = 128, IdDigits = 20;

    private const int MinViews = 8, MaxOtherJobs = 100, MaxMadeObjects = 1000;

    // Held in memory, 2 MB each.
    private const int MaxOtherViews = 512;

    private static readonly TimeSpan QueueWait = TimeSpan.FromSeconds(30);

    private readonly UploadReader reader = new(options, Path.Combine(store.Data, "cache"));

    /// <summary>Checks an order, and stores its job unless there is one of its request_id already.</summary>
    /// <param name="find">Gives a model by name, the default one for the empty name.</param>
    /// <returns>The job, and whether it is new.</returns>
    /// <exception cref="FieldException">Something is out of bounds.</exception>
    /// <exception cref="NotFoundException">There is no such model or job.</exception>
    /// <exception cref="QueueFullException">Too many jobs wait.</exception>
    /// <exception cref="RequestIdTakenException">The request_id was used for another order.</exception>
    /// <exception cref="JobConditionException">The job that is to give the adapter has not succeeded, or the stored adapter's file is damaged.</exception>
    /// <exception cref="IOException">The data directory cannot be written.</exception>
    public async Task<(JobRecord Job, bool IsNew)> TakeAsync(JobOrder order, Func<string, Task<JobModel>> find, CancellationToken cancellation)
    {
        Check(order);
        string digest = Digest(order), id = $"job-{Id(order.RequestId)}";
        if (order.RequestId.Length > 0 && store.Find(id) is { } made) return (Same(made, digest, order), false);
        JobKind kind = order.Adapter is null ? JobKind.Finetune : JobKind.Evaluate;
        if (store.Queue().Count(job => job.Manifest.State == JobState.Queued && job.Manifest.Kind == kind) >= options.QueuedJobs) throw new QueueFullException("training", options.QueuedJobs, QueueWait);
        (string modelName, Func<JobFolder, string>? storeAdapter, Adapter? adapter, JobManifest? origin) = order.Adapter is { } source ? FindAdapter(source, order.Model) : (order.Model, null, null, null);
        JobModel model = await find(modelName).ConfigureAwait(false);
        if (adapter is null) CheckModel(order.Recipe, model);
        else CheckFit(adapter, model);
        JobManifest? earlier = order.MeshOfJob.Length > 0 ? store.Get(order.MeshOfJob).Manifest : order.Files.Count == 0 ? origin : null;
        ViewsSource? views = earlier is null ? order.Views : earlier.Views;
        if (views is not null && order.ViewCount is { } asked) throw new FieldException("view_count", $"only with a mesh allowed, {asked} given");
        if (earlier is null && views is not null) views = views with { TrainingCount = await reader.ReadViewsAsync(order.Files[0].Content, views, order.Settings, cancellation).ConfigureAwait(false) };
        else if (earlier is null) await reader.ReadMeshAsync(order.Files, cancellation).ConfigureAwait(false);
        OtherObject[] others = [.. order.ObjectsOfJobs.Select(other => store.Get(other).Manifest).Select(other => new OtherObject(other.Id, other.Files, other.Views))];
        int othersViews = others.Sum(other => other.Views?.TrainingCount ?? 0);
        if (othersViews > MaxOtherViews) throw new FieldException("objects_of_jobs", $"at most {MaxOtherViews} uploaded views together allowed, {othersViews} given");
        (JobRecord job, bool isNew) = store.Add(id, folder =>
        {
            DateTimeOffset now = time.GetUtcNow();
            JobFile[] files = earlier is not null ? [.. earlier.Files] : [.. order.Files.Select(file => new JobFile(file.Name, folder.AddBlob(file.Content.Span), file.Content.Length))];
            return new JobManifest(
                1, id, digest, order.DisplayName, model.Name, model.Digest, files, kind == JobKind.Evaluate ? 0 : views?.TrainingCount ?? order.ViewCount ?? RenderedMesh.PaperCount,
                order.Recipe with { Threads = options.Threads, CacheBytes = options.CacheBytes }, now, now)
            {
                Kind = kind,
                Views = views,
                Others = others,
                MadeObjectCount = order.MadeObjectCount,
                Adapter = storeAdapter?.Invoke(folder),
                Evaluation = kind == JobKind.Evaluate ? order.Settings : null,
                MeasureCount = order.MeasureCount,
                PublishAs = order.PublishAs,
            };
        });
        if (isNew) JobLog.Created(logger, id, kind, model.Name);
        return (Same(job, digest, order), isNew);
    }

    public void Dispose() => reader.Dispose();

    private static JobRecord Same(JobRecord job, string digest, JobOrder order) => job.Manifest.RequestDigest == digest ? job : throw new RequestIdTakenException(order.RequestId);

    // A caller's id decides the job's, so that a repeated call finds it whatever has happened in between.
    private static string Id(string requestId) => requestId.Length == 0
        ? Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(IdDigits / 2))
        : Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(requestId)))[..IdDigits];

    private static void Check(JobOrder order)
    {
        var faults = new List<FieldViolation>();
        Length("request_id", order.RequestId, MaxRequestId);
        Length("display_name", order.DisplayName, MaxDisplayName);
        if (order.DisplayName.Any(char.IsControl)) faults.Add(new("display_name", "no control characters allowed, at least one given"));
        if (order.Adapter is null)
        {
            if (order.ViewCount is < MinViews or > UploadedViews.MostViews) faults.Add(new("view_count", $"{MinViews} to {UploadedViews.MostViews} allowed, {order.ViewCount} given"));
            if (order.MeasureCount is < 0 or > JobOrder.MaxMeasureCount) faults.Add(new("measure_count", $"0 to {JobOrder.MaxMeasureCount} allowed, {order.MeasureCount} given"));
            if (order.PublishAs.Length > 0 && !DataDirectory.IsId(order.PublishAs))
                faults.Add(new("publish_as", $"a-z, 0-9, dot, dash, underscore, at most 64, beginning with a letter or digit needed, '{(order.PublishAs.Length <= 80 ? order.PublishAs : order.PublishAs[..80] + "...")}' given"));
            if (order.ObjectsOfJobs.Count > MaxOtherJobs) faults.Add(new("objects_of_jobs", $"at most {MaxOtherJobs} allowed, {order.ObjectsOfJobs.Count} given"));
            if (order.ObjectsOfJobs.Distinct(StringComparer.Ordinal).Count() < order.ObjectsOfJobs.Count) faults.Add(new("objects_of_jobs", "each job once allowed, one given twice"));
            if (order.MadeObjectCount is < 0 or > MaxMadeObjects) faults.Add(new("made_object_count", $"0 to {MaxMadeObjects} allowed, {order.MadeObjectCount} given"));
            Under("recipe", order.Recipe.Faults());
        }
        else
        {
            Under("settings", order.Settings.Faults());
        }

        if (order.Views is { ObjectId: < 0 } views) faults.Add(new("views.object_id", $"0 to {int.MaxValue} allowed, {views.ObjectId} given"));
        if (order.MeshOfJob.Length == 0 && order.Views is null && !(order.Files.Count == 0 && order.Adapter?.OfJob.Length > 0)) CheckFiles(order.Files, faults);
        if (faults.Count > 0) throw new FieldException(faults);

        void Under(string message, IReadOnlyList<string> found) => faults.AddRange(found.Select(fault => fault.Split(": ", 2)).Select(parts => new FieldViolation($"{message}.{parts[0]}", parts[1])));

        void Length(string field, string text, int most)
        {
            if (text.Length > most) faults.Add(new(field, $"at most {most} characters allowed, {text.Length} given"));
        }
    }

    private static void CheckFiles(IReadOnlyList<(string Name, ReadOnlyMemory<byte> Content)> files, List<FieldViolation> faults)
    {
        if (files.Count is 0 or > MaxFiles) faults.Add(new("mesh.files", $"1 to {MaxFiles} needed, {files.Count} given"));
        var names = new HashSet<string>(StringComparer.Ordinal);
        for (int i = 0; i < Math.Min(files.Count, MaxFiles); i++)
        {
            string name = files[i].Name;
            if (name.Length > MaxName) faults.Add(new($"mesh.files[{i}].name", $"at most {MaxName} characters allowed, {name.Length} given"));
            else if (i > 0 && name.Length == 0) faults.Add(new($"mesh.files[{i}].name", "a name needed for what the mesh refers to, none given"));
            else if (i > 0 && !names.Add(name)) faults.Add(new($"mesh.files[{i}].name", $"each name once allowed, '{name}' given twice"));
        }
    }

    private static void CheckModel(FinetuneRecipe recipe, JobModel model)
    {
        var faults = new List<FieldViolation>();
        if (recipe.LoraBlocks > model.Depth) faults.Add(new("recipe.lora_blocks", $"at most {model.Depth} allowed, the blocks of '{model.Name}', {recipe.LoraBlocks} given"));
        if (recipe.LoraBlocks > 0 && recipe.LoraRank > model.Width) faults.Add(new("recipe.lora_rank", $"at most {model.Width} allowed, the channels of '{model.Name}', {recipe.LoraRank} given"));
        if (faults.Count > 0) throw new FieldException(faults);
    }

    private static void CheckFit(Adapter adapter, JobModel model)
    {
        if (adapter.Width != model.Width || adapter.Blocks.Count > model.Depth)
            throw new FieldException("adapter", $"one for {model.Width} channels and at most {model.Depth} blocks needed, those of '{model.Name}', {adapter.Width} and {adapter.Blocks.Count} given");
    }

    // The model that it belongs to, what makes a blob of it once the job is taken, the adapter, and the job that made it.
    private (string Model, Func<JobFolder, string> Store, Adapter Adapter, JobManifest? Origin) FindAdapter(AdapterSource source, string model)
    {
        if (source.OfJob.Length > 0)
        {
            JobRecord job = store.Get(source.OfJob);
            JobManifest manifest = job.Manifest;
            if (manifest.State != JobState.Succeeded) throw new JobConditionException(JobConditionException.JobNotSucceeded, $"adapter_of_job: a job that has succeeded needed, '{manifest.Id}' is {manifest.State.ToString().ToLowerInvariant()}");
            string file = job.Folder.AdapterOf(manifest);
            return (manifest.Model, folder => folder.AddBlob(File.ReadAllBytes(file)), ReadStored(file, $"adapter_of_job: the file of '{manifest.Id}'"), manifest);
        }

        if (source.Name.Length > 0)
        {
            AdapterManifest named = new AdapterNames(new DataDirectory(store.Data)).Get(source.Name);
            string digest = named.Digest["sha256:".Length..];
            return (named.Model, _ => digest, ReadStored(new DataDirectory(store.Data).BlobPath(digest), $"adapter_name: the file of '{source.Name}'"), null);
        }

        // The reader takes files alone.
        string temporary = Path.GetTempFileName();
        try
        {
            using (FileStream stream = File.Create(temporary)) stream.Write(source.Content.Span);
            return (model, folder => folder.AddBlob(source.Content.Span), AdapterFile.Read(temporary), null);
        }
        catch (WeightFileException exception)
        {
            throw new FieldException("adapter_content", exception.Message.Replace(Path.GetFileName(temporary) + ": ", "", StringComparison.Ordinal), exception);
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    private static Adapter ReadStored(string path, string what)
    {
        try
        {
            return AdapterFile.Read(path);
        }
        catch (Exception exception) when (exception is WeightFileException or FileNotFoundException)
        {
            throw new JobConditionException(JobConditionException.AdapterDamaged, $"{what} is damaged: {exception.Message}");
        }
    }

    // Of everything that was asked for but the request_id, each part with its length, so that no two orders give the same bytes.
    private static string Digest(JobOrder order)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (string text in new[] { order.DisplayName, order.Model, order.MeshOfJob, $"{order.ViewCount ?? (order.Adapter is null ? RenderedMesh.PaperCount : 0)}", order.Recipe.ToJson(), $"{order.MeasureCount}", order.PublishAs, order.Adapter?.OfJob ?? "", order.Adapter?.Name ?? "", $"{order.Settings}" }) Append(Encoding.UTF8.GetBytes(text));
        Append((order.Adapter?.Content ?? default).Span);
        // What programs before this one did not know adds nothing where it is not asked for: their calls can be repeated.
        if (order.Views is not null) Append(Encoding.UTF8.GetBytes($"{order.Views}"));
        if (order.ObjectsOfJobs.Count > 0 || order.MadeObjectCount > 0) Append(Encoding.UTF8.GetBytes($"{string.Join('\n', order.ObjectsOfJobs)}\n{order.MadeObjectCount}"));
        foreach ((string name, ReadOnlyMemory<byte> content) in order.Files)
        {
            Append(Encoding.UTF8.GetBytes(name));
            Append(content.Span);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());

        void Append(ReadOnlySpan<byte> part)
        {
            hash.AppendData(BitConverter.GetBytes(part.Length));
            hash.AppendData(part);
        }
    }
}
