using System.Security.Cryptography;
using System.Text;
using CorrMesh.Hosting.Errors;
using CorrMesh.Rendering.Files;
using CorrMesh.Rendering.Meshes;
using CorrMesh.Training.Finetuning;
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
/// <param name="Files">The mesh and what it names; empty for the mesh of <paramref name="MeshOfJob"/>.</param>
/// <param name="MeshOfJob">A job's id, or empty.</param>
/// <param name="ViewCount">Pictures to render.</param>
/// <param name="Recipe">Without threads and cache, which are the operator's.</param>
public sealed record JobOrder(
    string RequestId, string DisplayName, string Model, IReadOnlyList<(string Name, ReadOnlyMemory<byte> Content)> Files, string MeshOfJob, int ViewCount, FinetuneRecipe Recipe);

/// <summary>The request_id was used before for something else.</summary>
public sealed class RequestIdTakenException(string requestId) : Exception($"request_id: new for each job needed, '{requestId}' was used for another one");

/// <summary>Turns what was asked for into a stored job, or says everything that is wrong with it.</summary>
public sealed class JobIntake(JobStore store, TrainingOptions options, TimeProvider time, ILogger<JobIntake> logger) : IDisposable
{
    private const int MaxFiles = 64, MaxName = 255, MaxDisplayName = 100, MaxRequestId = 128, IdDigits = 20;

    private static readonly TimeSpan QueueWait = TimeSpan.FromSeconds(30);

    // A mesh takes many times its file's bytes while it is read.
    private readonly SemaphoreSlim reading = new(1);

    private readonly MeshFileLimits limits = new() { MaxBytes = options.MeshBytes, MaxVertices = options.MeshVertices, MaxFaces = options.MeshFaces, MaxTexturePixels = options.TexturePixels };

    /// <summary>Checks an order, and stores its job unless there is one of its request_id already.</summary>
    /// <param name="find">Gives a model by name, the default one for the empty name.</param>
    /// <returns>The job, and whether it is new.</returns>
    /// <exception cref="FieldException">Something is out of bounds.</exception>
    /// <exception cref="NotFoundException">There is no such model or job.</exception>
    /// <exception cref="QueueFullException">Too many jobs wait.</exception>
    /// <exception cref="RequestIdTakenException">The request_id was used for another order.</exception>
    /// <exception cref="IOException">The data directory cannot be written.</exception>
    public async Task<(JobRecord Job, bool IsNew)> TakeAsync(JobOrder order, Func<string, Task<JobModel>> find, CancellationToken cancellation)
    {
        Check(order);
        string digest = Digest(order), id = $"job-{Id(order.RequestId)}";
        if (order.RequestId.Length > 0 && store.Find(id) is { } made) return (Same(made, digest, order), false);
        if (store.Queue().Count(job => job.Manifest.State == JobState.Queued) >= options.QueuedJobs) throw new QueueFullException("training", options.QueuedJobs, QueueWait);
        JobModel model = await find(order.Model).ConfigureAwait(false);
        CheckModel(order.Recipe, model);
        IReadOnlyList<JobFile>? earlier = order.MeshOfJob.Length > 0 ? store.Get(order.MeshOfJob).Manifest.Files : null;
        if (earlier is null) await ReadAsync(order, cancellation).ConfigureAwait(false);
        (JobRecord job, bool isNew) = store.Add(id, folder =>
        {
            DateTimeOffset now = time.GetUtcNow();
            JobFile[] files = earlier is not null ? [.. earlier] : [.. order.Files.Select(file => new JobFile(file.Name, folder.AddBlob(file.Content.Span), file.Content.Length))];
            return new JobManifest(
                1, id, digest, order.DisplayName, model.Name, model.Digest, files, order.ViewCount,
                order.Recipe with { Threads = options.Threads, CacheBytes = options.CacheBytes }, now, now);
        });
        if (isNew) JobLog.Created(logger, id, order.Recipe.Iterations, model.Name);
        return (Same(job, digest, order), isNew);
    }

    public void Dispose() => reading.Dispose();

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
        if (order.ViewCount is < MeshViews.MinCount or > MeshViews.MaxCount) faults.Add(new("view_count", $"{MeshViews.MinCount} to {MeshViews.MaxCount} allowed, {order.ViewCount} given"));
        foreach (string fault in order.Recipe.Faults())
        {
            string[] parts = fault.Split(": ", 2);
            faults.Add(new($"recipe.{parts[0]}", parts[1]));
        }

        if (order.MeshOfJob.Length == 0) CheckFiles(order.Files, faults);
        if (faults.Count > 0) throw new FieldException(faults);

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

    // In full, textures included: what is accepted here is trained on.
    private async Task ReadAsync(JobOrder order, CancellationToken cancellation)
    {
        await reading.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            await Task.Run(
                () => MeshFile.Read(order.Files[0].Content, MeshResources.Of(order.Files.Skip(1).ToDictionary(file => file.Name, file => file.Content.ToArray(), StringComparer.Ordinal)), limits).ToUnitBox(),
                cancellation).ConfigureAwait(false);
        }
        catch (MeshRejectedException exception)
        {
            throw new FieldException("mesh", exception.Message.StartsWith("mesh: ", StringComparison.Ordinal) ? exception.Message["mesh: ".Length..] : exception.Message, exception);
        }
        finally
        {
            reading.Release();
        }
    }

    // Of everything that was asked for but the request_id, each part with its length, so that no two orders give the same bytes.
    private static string Digest(JobOrder order)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (string text in new[] { order.DisplayName, order.Model, order.MeshOfJob, $"{order.ViewCount}", order.Recipe.ToJson() }) Append(Encoding.UTF8.GetBytes(text));
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
