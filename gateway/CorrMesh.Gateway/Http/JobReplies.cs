using System.ComponentModel;
using System.Text.Json;
using CorrMesh.Protos.Training.V1;

namespace CorrMesh.Gateway.Http;

[Description("How an adapter is trained; defaults are filled in.")]
public sealed record RecipeReply(
    [property: Description("smooth_ap, contrastive or procrustes.")] string Loss,
    uint ConvLayers, uint LoraRank, uint LoraBlocks, double LearningRate, double WeightDecay, double ClipNorm, uint Iterations, uint Tokens, uint Keypoints,
    [property: Description("Degrees.")] double MaxAngle,
    bool Augment, bool CacheTrunk, uint PoolSize, uint Seed)
{
    internal static RecipeReply From(FinetuneRecipe recipe) => new(
        JobNames.Of(recipe.Loss), recipe.ConvLayers, recipe.LoraRank, recipe.LoraBlocks, recipe.LearningRate, recipe.WeightDecay, recipe.ClipNorm, recipe.Iterations, recipe.Tokens, recipe.Keypoints,
        recipe.MaxAngle, recipe.Augment, recipe.CacheTrunk, recipe.PoolSize, recipe.Seed);
}

[Description("Progress at one step; means are since the report before.")]
public sealed record JobProgressReply(
    uint Step, double Loss, double GradientNorm, double StepsPerSecond,
    [property: Description("Seconds left at that rate.")] double RemainingS,
    long LiveTensorCount,
    [property: Description("Bytes that the cache of views holds.")] long CacheSize)
{
    internal static JobProgressReply From(JobProgress progress) => new(
        progress.Step, progress.Loss, progress.GradientNorm, progress.StepsPerSecond, progress.RemainingNs / 1e9, progress.LiveTensorCount, progress.CacheSize);
}

[Description("A trained adapter: the SHA-256 and the bytes of its file, and what made it.")]
public sealed record JobAdapterReply(string Digest, long Size, JsonElement Card)
{
    internal static JobAdapterReply From(JobAdapter adapter)
    {
        using var card = JsonDocument.Parse(adapter.CardJson);
        return new JobAdapterReply(adapter.Digest, adapter.Size, card.RootElement.Clone());
    }
}

[Description("A fine-tuning job.")]
public sealed record JobReply(
    string Id,
    [property: Description("queued, running, succeeded, failed or cancelled.")] string State,
    string Model, string ModelDigest, RecipeReply Recipe, uint ViewCount, string MeshDigest, uint ThreadCount, DateTimeOffset CreateTime,
    string? DisplayName = null,
    [property: Description("Why it failed, or why its process is started again.")] string? Reason = null,
    [property: Description("Jobs that run or wait before this one, while it is queued.")] uint? QueuePosition = null,
    JobProgressReply? Progress = null,
    JobAdapterReply? Adapter = null,
    DateTimeOffset? StartTime = null,
    DateTimeOffset? EndTime = null)
{
    internal static JobReply From(Job job) => new(
        job.Id, JobNames.Of(job.State), job.Model, job.ModelDigest, RecipeReply.From(job.Recipe), job.ViewCount, job.MeshDigest, job.ThreadCount, job.CreateTime.ToDateTimeOffset(),
        job.DisplayName.Length > 0 ? job.DisplayName : null, job.Reason.Length > 0 ? job.Reason : null, job.State == JobState.Queued ? job.QueuePosition : null,
        job.Progress is { } progress ? JobProgressReply.From(progress) : null, job.Adapter is { } adapter ? JobAdapterReply.From(adapter) : null,
        job.StartTime?.ToDateTimeOffset(), job.EndTime?.ToDateTimeOffset());
}

[Description("A page of jobs, the newest first; next_page_token is absent on the last one.")]
public sealed record JobsReply(IReadOnlyList<JobReply> Jobs, string? NextPageToken = null)
{
    internal static JobsReply From(ListJobsResponse response) =>
        new([.. response.Jobs.Select(JobReply.From)], response.NextPageToken.Length > 0 ? response.NextPageToken : null);
}

/// <summary>The contract's enums as JSON spells them.</summary>
internal static class JobNames
{
    public static readonly IReadOnlyDictionary<string, FinetuneLoss> Losses = new Dictionary<string, FinetuneLoss>
    {
        ["smooth_ap"] = FinetuneLoss.SmoothAp,
        ["contrastive"] = FinetuneLoss.Contrastive,
        ["procrustes"] = FinetuneLoss.Procrustes,
    };

    public static string Of(FinetuneLoss loss) => Losses.First(pair => pair.Value == loss).Key;

    public static string Of(JobState state) => state.ToString().ToLowerInvariant();
}
