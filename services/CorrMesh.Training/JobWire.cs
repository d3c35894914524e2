using CorrMesh.Hosting.Errors;
using CorrMesh.Protos.Training.V1;
using CorrMesh.Training.Jobs;
using Google.Protobuf.WellKnownTypes;
using JobState = CorrMesh.Training.Jobs.JobState;
using Progress = CorrMesh.Training.Jobs.JobProgress;
using Recipe = CorrMesh.Training.Finetuning.FinetuneRecipe;
using Wire = CorrMesh.Protos.Training.V1;

namespace CorrMesh.Training;

/// <summary>Jobs between the contract's messages and this service's own types.</summary>
internal static class JobWire
{
    private const double NanosecondsPerSecond = 1e9;

    /// <exception cref="FieldException">A value is no such thing; bounds are looked at later.</exception>
    public static JobOrder ToOrder(CreateFinetuneJobRequest request) => request.SourceCase switch
    {
        CreateFinetuneJobRequest.SourceOneofCase.Mesh => Order(request, [.. request.Mesh.Files.Select(file => (file.Name, file.Content.Memory))], ""),
        CreateFinetuneJobRequest.SourceOneofCase.MeshOfJob when request.MeshOfJob.Length > 0 => Order(request, [], request.MeshOfJob),
        CreateFinetuneJobRequest.SourceOneofCase.MeshOfJob => throw new FieldException("mesh_of_job", "a job's id needed, none given"),
        _ => throw new FieldException("mesh", "a mesh or the id of a job that has one needed, none given"),
    };

    public static Wire.Job ToMessage(JobRecord job, int queuePosition)
    {
        JobManifest manifest = job.Manifest;
        var message = new Wire.Job
        {
            Id = manifest.Id,
            DisplayName = manifest.DisplayName,
            State = manifest.State switch
            {
                JobState.Queued => Wire.JobState.Queued,
                JobState.Running => Wire.JobState.Running,
                JobState.Succeeded => Wire.JobState.Succeeded,
                JobState.Failed => Wire.JobState.Failed,
                _ => Wire.JobState.Cancelled,
            },
            Reason = manifest.Reason,
            Model = manifest.Model,
            ModelDigest = manifest.ModelDigest,
            Recipe = ToMessage(manifest.Recipe),
            ViewCount = (uint)manifest.ViewCount,
            MeshDigest = manifest.Files[0].Digest,
            ThreadCount = (uint)manifest.Recipe.Threads,
            QueuePosition = (uint)queuePosition,
            CreateTime = Timestamp.FromDateTimeOffset(manifest.Created),
        };
        if (manifest.Started is { } started) message.StartTime = Timestamp.FromDateTimeOffset(started);
        if (manifest.Ended is { } ended) message.EndTime = Timestamp.FromDateTimeOffset(ended);
        if (job.LastProgress is { } progress) message.Progress = ToMessage(progress);
        if (manifest.Result is { } result) message.Adapter = new JobAdapter { Digest = result.Digest, Size = result.Size, CardJson = result.Card };
        return message;
    }

    public static Wire.JobProgress ToMessage(Progress progress) => new()
    {
        Step = (uint)progress.Step,
        Loss = progress.Loss,
        GradientNorm = progress.GradientNorm,
        StepsPerSecond = progress.StepsPerSecond,
        RemainingNs = (long)(progress.RemainingSeconds * NanosecondsPerSecond),
        LiveTensorCount = progress.LiveTensors,
        CacheSize = progress.CacheSize,
    };

    private static JobOrder Order(CreateFinetuneJobRequest request, IReadOnlyList<(string Name, ReadOnlyMemory<byte> Content)> files, string meshOfJob) => new(
        request.RequestId, request.DisplayName, request.Model, files, meshOfJob,
        request.HasViewCount ? Whole(request.ViewCount) : MeshViews.PaperCount, ToRecipe(request.Recipe ?? new Wire.FinetuneRecipe()));

    // What is absent is the recipe's own default, the paper's.
    private static Recipe ToRecipe(Wire.FinetuneRecipe given)
    {
        var recipe = new Recipe();
        return recipe with
        {
            Loss = given.Loss switch
            {
                FinetuneLoss.Unspecified or FinetuneLoss.SmoothAp => Finetuning.FinetuneLoss.SmoothAp,
                FinetuneLoss.Contrastive => Finetuning.FinetuneLoss.Contrastive,
                FinetuneLoss.Procrustes => Finetuning.FinetuneLoss.Procrustes,
                _ => throw new FieldException("recipe.loss", $"0 to 3 allowed, {(int)given.Loss} given"),
            },
            ConvLayers = given.HasConvLayers ? Whole(given.ConvLayers) : recipe.ConvLayers,
            LoraRank = given.HasLoraRank ? Whole(given.LoraRank) : recipe.LoraRank,
            LoraBlocks = given.HasLoraBlocks ? Whole(given.LoraBlocks) : recipe.LoraBlocks,
            LearningRate = given.HasLearningRate ? given.LearningRate : recipe.LearningRate,
            WeightDecay = given.HasWeightDecay ? given.WeightDecay : recipe.WeightDecay,
            ClipNorm = given.HasClipNorm ? given.ClipNorm : recipe.ClipNorm,
            Iterations = given.HasIterations ? Whole(given.Iterations) : recipe.Iterations,
            Tokens = given.HasTokens ? Whole(given.Tokens) : recipe.Tokens,
            Keypoints = given.HasKeypoints ? Whole(given.Keypoints) : recipe.Keypoints,
            MaxAngle = given.HasMaxAngle ? given.MaxAngle : recipe.MaxAngle,
            Augment = given.HasAugment ? given.Augment : recipe.Augment,
            CacheTrunk = given.HasCacheTrunk ? given.CacheTrunk : recipe.CacheTrunk,
            PoolSize = given.HasPoolSize ? Whole(given.PoolSize) : recipe.PoolSize,
            Seed = given.HasSeed ? Whole(given.Seed) : recipe.Seed,
        };
    }

    private static Wire.FinetuneRecipe ToMessage(Recipe recipe) => new()
    {
        Loss = recipe.Loss switch
        {
            Finetuning.FinetuneLoss.Contrastive => FinetuneLoss.Contrastive,
            Finetuning.FinetuneLoss.Procrustes => FinetuneLoss.Procrustes,
            _ => FinetuneLoss.SmoothAp,
        },
        ConvLayers = (uint)recipe.ConvLayers,
        LoraRank = (uint)recipe.LoraRank,
        LoraBlocks = (uint)recipe.LoraBlocks,
        LearningRate = recipe.LearningRate,
        WeightDecay = recipe.WeightDecay,
        ClipNorm = recipe.ClipNorm,
        Iterations = (uint)recipe.Iterations,
        Tokens = (uint)recipe.Tokens,
        Keypoints = (uint)recipe.Keypoints,
        MaxAngle = recipe.MaxAngle,
        Augment = recipe.Augment,
        CacheTrunk = recipe.CacheTrunk,
        PoolSize = (uint)recipe.PoolSize,
        Seed = (uint)recipe.Seed,
    };

    // Beyond an int every bound has long been passed; -1 is outside of all of them.
    private static int Whole(uint value) => value <= int.MaxValue ? (int)value : -1;
}
