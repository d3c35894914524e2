using System.ComponentModel;
using System.Text.Json;
using System.Text.Json.Serialization;
using CorrMesh.Protos.Training.V1;

namespace CorrMesh.Gateway.Http;

[Description("How an adapter is trained; defaults are filled in.")]
public sealed record RecipeReply(
    [property: Description("smooth_ap, contrastive or procrustes.")] string Loss,
    uint ConvLayers, uint LoraRank, uint LoraBlocks, double LearningRate, double WeightDecay, double ClipNorm, uint Iterations, uint Tokens, uint Keypoints,
    [property: Description("Degrees.")] double MaxAngle,
    bool Augment, bool CacheTrunk, uint PoolSize, uint Seed,
    [property: Description("Whether another random scene stands behind the object in each augmented view.")] bool Backdrops)
{
    internal static RecipeReply From(FinetuneRecipe recipe) => new(
        JobNames.Of(recipe.Loss), recipe.ConvLayers, recipe.LoraRank, recipe.LoraBlocks, recipe.LearningRate, recipe.WeightDecay, recipe.ClipNorm, recipe.Iterations, recipe.Tokens, recipe.Keypoints,
        recipe.MaxAngle, recipe.Augment, recipe.CacheTrunk, recipe.PoolSize, recipe.Seed, recipe.Backdrops);
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

[Description("How well points are found again, each a mean over pairs of views, 0 to 1: ape is the distance from the true position as a fraction of the picture's longer side (less is better), pcdp_NNN the share of points nearer than 0.05, 0.1 and 0.2 of it.")]
public sealed record MatchFiguresReply(
    double Ape,
    [property: JsonPropertyName("pcdp_005")] double Pcdp005,
    [property: JsonPropertyName("pcdp_010")] double Pcdp010,
    [property: JsonPropertyName("pcdp_020")] double Pcdp020)
{
    internal static MatchFiguresReply From(MatchFigures figures) => new(figures.Ape, figures.Pcdp005, figures.Pcdp010, figures.Pcdp020);
}

[Description("What was measured on the way, after a step, of views of the job's object that are not trained on.")]
public sealed record JobMeasurementReply(uint Step, MatchFiguresReply Figures)
{
    internal static JobMeasurementReply From(JobMeasurement measurement) => new(measurement.Step, MatchFiguresReply.From(measurement.Figures));
}

[Description("How far the gate's measuring is.")]
public sealed record JobGaugeReply(
    [property: JsonPropertyName("object"), Description("The object that is measured.")] string ObjectName,
    [property: Description("Measurements done: two an object, without and with the adapter.")] uint Done,
    uint Total)
{
    internal static JobGaugeReply From(JobGauge gauge) => new(gauge.Object, gauge.Done, gauge.Total);
}

[Description("One object, or the mean of several, of the bare model and with the adapter.")]
public sealed record FigureChangeReply(
    string Name, MatchFiguresReply Before, MatchFiguresReply After,
    [property: JsonPropertyName("pcdp_010_change"), Description("PCDP@0.1 after less before.")] double Pcdp010Change,
    [property: JsonPropertyName("pcdp_010_change_error"), Description("Standard error of that under other views; absent when there were too few.")] double? Pcdp010ChangeError = null)
{
    internal static FigureChangeReply From(FigureChange change) => new(
        change.Name, MatchFiguresReply.From(change.Before), MatchFiguresReply.From(change.After), change.Pcdp010Change, change.HasPcdp010ChangeError ? change.Pcdp010ChangeError : null);
}

[Description("What the gate found; what was not measured is absent.")]
public sealed record VerdictReply(
    [property: Description("Whether the adapter may be published.")] bool Accepted,
    [property: Description("Why not; empty when it may.")] IReadOnlyList<string> Reasons,
    [property: Description("The objects of the reference set.")] IReadOnlyList<FigureChangeReply> References,
    [property: Description("How long it took, seconds.")] double ElapsedS,
    [property: Description("The job's object.")] FigureChangeReply? Own = null,
    [property: Description("The mean of the reference set.")] FigureChangeReply? ReferenceMean = null)
{
    internal static VerdictReply From(GateVerdict verdict) => new(
        verdict.Accepted, [.. verdict.Reasons], [.. verdict.References.Select(FigureChangeReply.From)], verdict.ElapsedNs / 1e9,
        verdict.Own is { } own ? FigureChangeReply.From(own) : null, verdict.ReferenceMean is { } mean ? FigureChangeReply.From(mean) : null);
}

[Description("A job: a fine-tuning, or the evaluation of an adapter.")]
public sealed record JobReply(
    string Id,
    [property: Description("queued, running, succeeded, failed or cancelled.")] string State,
    [property: Description("finetune or evaluate.")] string Kind,
    string Model, string ModelDigest,
    [property: Description("Pictures to train on: rendered of the mesh, or uploaded.")] uint ViewCount,
    [property: Description("SHA-256 of the mesh's first file or of the archive of views.")] string MeshDigest,
    [property: Description("Whether it learns from uploaded views, in place of a mesh.")] bool FromViews,
    [property: Description("Objects that are trained on, the job's own and others.")] uint ObjectCount,
    uint ThreadCount, DateTimeOffset CreateTime,
    [property: Description("Names for GET /v1/jobs/{id}/pictures/{name}, as far as there are pictures.")] IReadOnlyList<string> Pictures,
    [property: Description("How often unseen views are measured on the way.")] uint MeasureCount,
    string? DisplayName = null,
    [property: Description("Why it failed, or why its process is started again.")] string? Reason = null,
    [property: Description("Jobs that run or wait before this one, while it is queued.")] uint? QueuePosition = null,
    [property: Description("How the adapter is trained; an evaluation has none.")] RecipeReply? Recipe = null,
    [property: Description("The name that the adapter is published under if the gate accepts it.")] string? PublishAs = null,
    JobProgressReply? Progress = null,
    [property: Description("The last measurement on the way.")] JobMeasurementReply? Measurement = null,
    [property: Description("How far the gate is, while it measures.")] JobGaugeReply? Gauge = null,
    JobAdapterReply? Adapter = null,
    [property: Description("What the gate found, once the job has succeeded.")] VerdictReply? Verdict = null,
    DateTimeOffset? StartTime = null,
    DateTimeOffset? EndTime = null)
{
    internal static JobReply From(Job job) => new(
        job.Id, JobNames.Of(job.State), JobNames.Of(job.Kind), job.Model, job.ModelDigest, job.ViewCount, job.MeshDigest, job.FromViews, job.ObjectCount, job.ThreadCount, job.CreateTime.ToDateTimeOffset(), [.. job.Pictures], job.MeasureCount,
        job.DisplayName.Length > 0 ? job.DisplayName : null, job.Reason.Length > 0 ? job.Reason : null, job.State == JobState.Queued ? job.QueuePosition : null,
        job.Recipe is { } recipe ? RecipeReply.From(recipe) : null, job.PublishAs.Length > 0 ? job.PublishAs : null,
        job.Progress is { } progress ? JobProgressReply.From(progress) : null, job.Measurement is { } measurement ? JobMeasurementReply.From(measurement) : null,
        job.Gauge is { } gauge ? JobGaugeReply.From(gauge) : null, job.Adapter is { } adapter ? JobAdapterReply.From(adapter) : null,
        job.Verdict is { } verdict ? VerdictReply.From(verdict) : null, job.StartTime?.ToDateTimeOffset(), job.EndTime?.ToDateTimeOffset());
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

    // Services of before there were evaluations say nothing.
    public static string Of(JobKind kind) => kind == JobKind.Evaluate ? "evaluate" : "finetune";

    public static string Of(JobState state) => state.ToString().ToLowerInvariant();
}
