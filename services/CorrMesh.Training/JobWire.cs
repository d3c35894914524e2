using CorrMesh.Hosting.Errors;
using CorrMesh.Metrics;
using CorrMesh.Models;
using CorrMesh.Protos.Training.V1;
using CorrMesh.Training.Jobs;
using CorrMesh.Training.Measuring;
using Google.Protobuf.WellKnownTypes;
using JobState = CorrMesh.Training.Jobs.JobState;
using Progress = CorrMesh.Training.Jobs.JobProgress;
using Recipe = CorrMesh.Training.Finetuning.FinetuneRecipe;
using Settings = CorrMesh.Training.Measuring.EvaluationSettings;
using Wire = CorrMesh.Protos.Training.V1;

namespace CorrMesh.Training;

/// <summary>Jobs between the contract's messages and this service's own types.</summary>
internal static class JobWire
{
    private const double NanosecondsPerSecond = 1e9;
    private const string NoSource = "a mesh, views or the id of a job that has either needed, none given";

    /// <exception cref="FieldException">A value is no such thing; bounds are looked at later.</exception>
    public static JobOrder ToOrder(CreateFinetuneJobRequest request)
    {
        (var files, string ofJob) = request.SourceCase switch
        {
            CreateFinetuneJobRequest.SourceOneofCase.Mesh => (Files(request.Mesh), ""),
            CreateFinetuneJobRequest.SourceOneofCase.Views => (Files(request.Views), ""),
            CreateFinetuneJobRequest.SourceOneofCase.MeshOfJob => ([], JobId(request.MeshOfJob)),
            _ => throw new FieldException("mesh", NoSource),
        };
        return new JobOrder(
            request.RequestId, request.DisplayName, request.Model, files, ofJob,
            request.HasViewCount ? Whole(request.ViewCount) : null, ToRecipe(request.Recipe ?? new Wire.FinetuneRecipe()))
        {
            Views = Source(request.Views),
            ObjectsOfJobs = [.. request.ObjectsOfJobs],
            MadeObjectCount = Whole(request.MadeObjectCount),
            MeasureCount = request.HasMeasureCount ? Whole(request.MeasureCount) : JobOrder.DefaultMeasureCount,
            PublishAs = request.PublishAs,
        };
    }

    /// <exception cref="FieldException">A value is no such thing; bounds are looked at later.</exception>
    public static JobOrder ToOrder(EvaluateModelRequest request)
    {
        AdapterSource adapter = request.AdapterCase switch
        {
            EvaluateModelRequest.AdapterOneofCase.AdapterContent when !request.AdapterContent.IsEmpty => new AdapterSource(request.AdapterContent.Memory),
            EvaluateModelRequest.AdapterOneofCase.AdapterOfJob when request.AdapterOfJob.Length > 0 => new AdapterSource(default, OfJob: request.AdapterOfJob),
            EvaluateModelRequest.AdapterOneofCase.AdapterName when request.AdapterName.Length > 0 => new AdapterSource(default, Name: request.AdapterName),
            _ => throw new FieldException("adapter", "a file, the id of a job or a published name needed, none given"),
        };
        if (request.Model.Length > 0 && adapter.Content.IsEmpty) throw new FieldException("model", "only with adapter_content allowed: other adapters know theirs");
        (var files, string ofJob) = request.SourceCase switch
        {
            EvaluateModelRequest.SourceOneofCase.Mesh => (Files(request.Mesh), ""),
            EvaluateModelRequest.SourceOneofCase.Views => (Files(request.Views), ""),
            EvaluateModelRequest.SourceOneofCase.MeshOfJob => ([], JobId(request.MeshOfJob)),
            _ when adapter.OfJob.Length > 0 => ([], ""),
            _ => throw new FieldException("mesh", NoSource),
        };
        return new JobOrder(request.RequestId, request.DisplayName, request.Model, files, ofJob, null, new Recipe())
        {
            Views = Source(request.Views),
            Adapter = adapter,
            Settings = ToSettings(request.Settings ?? new Wire.EvaluationSettings()),
        };
    }

    /// <summary>Progress or a measurement, as watchers get it.</summary>
    public static WatchJobResponse ToEvent(JobLine line) =>
        line.Progress is { } progress ? new WatchJobResponse { Progress = ToMessage(progress) } : new WatchJobResponse { Measurement = ToMessage(line.Measured!) };

    public static Wire.JobGauge ToMessage(Jobs.JobGauge gauge) => new() { Object = gauge.Name, Done = (uint)gauge.Done, Total = (uint)gauge.Total };

    public static PublishedAdapter ToMessage(AdapterManifest manifest)
    {
        var message = new PublishedAdapter { Name = manifest.Id, Model = manifest.Model, Digest = Hex(manifest.Digest) };
        message.Versions.AddRange(manifest.Versions!.Select(version => new Wire.AdapterVersion
        {
            Digest = Hex(version.Digest),
            Model = version.Model,
            Job = version.Origin,
            PublishTime = version.Published > DateTimeOffset.UnixEpoch ? Timestamp.FromDateTimeOffset(version.Published) : null,
        }));
        return message;

        static string Hex(string digest) => digest["sha256:".Length..];
    }

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
            Kind = manifest.Kind == Jobs.JobKind.Evaluate ? Wire.JobKind.Evaluate : Wire.JobKind.Finetune,
            MeasureCount = (uint)manifest.MeasureCount,
            PublishAs = manifest.PublishAs,
            Pictures = { RunPictures.NamesIn(job.Folder) },
            ViewCount = (uint)manifest.ViewCount,
            FromViews = manifest.Views is not null,
            ObjectCount = manifest.Kind == Jobs.JobKind.Evaluate ? 0 : (uint)(1 + manifest.Others.Count + manifest.MadeObjectCount),
            MeshDigest = manifest.Files[0].Digest,
            ThreadCount = (uint)manifest.Recipe.Threads,
            QueuePosition = (uint)queuePosition,
            CreateTime = Timestamp.FromDateTimeOffset(manifest.Created),
        };
        if (manifest.Kind == Jobs.JobKind.Finetune) message.Recipe = ToMessage(manifest.Recipe);
        if (job.LastMeasurement is { } measured) message.Measurement = ToMessage(measured);
        if (job.Gauge is { } gauge) message.Gauge = ToMessage(gauge);
        if (manifest.Result?.Verdict is { } verdict) message.Verdict = ToMessage(verdict);
        if (manifest.Started is { } started) message.StartTime = Timestamp.FromDateTimeOffset(started);
        if (manifest.Ended is { } ended) message.EndTime = Timestamp.FromDateTimeOffset(ended);
        if (job.LastProgress is { } progress) message.Progress = ToMessage(progress);
        if (manifest.Result is { } result) message.Adapter = new JobAdapter { Digest = result.Digest, Size = result.Size, CardJson = result.Card };
        return message;
    }

    private static Wire.JobProgress ToMessage(Progress progress) => new()
    {
        Step = (uint)progress.Step,
        Loss = progress.Loss,
        GradientNorm = progress.GradientNorm,
        StepsPerSecond = progress.StepsPerSecond,
        RemainingNs = (long)(progress.RemainingSeconds * NanosecondsPerSecond),
        LiveTensorCount = progress.LiveTensors,
        CacheSize = progress.CacheSize,
    };

    private static Wire.JobMeasurement ToMessage(Jobs.JobMeasurement measured) => new() { Step = (uint)measured.Step, Figures = ToMessage(measured.Figures) };

    private static MatchFigures ToMessage(DenseCorrespondence figures) => new() { Ape = figures.Ape, Pcdp005 = figures.Pcdp05, Pcdp010 = figures.Pcdp10, Pcdp020 = figures.Pcdp20 };

    private static GateVerdict ToMessage(GateReport report)
    {
        var message = new GateVerdict { Accepted = report.IsAccepted, Reasons = { report.Reasons }, ElapsedNs = (long)(report.Seconds * NanosecondsPerSecond) };
        if (report.Own is { } own) message.Own = Change(own.Name, own.Before, own.After, own.Pcdp10Change, own.Pcdp10ChangeError);
        if (report.Others is not { } others) return message;
        message.ReferenceMean = Change(others.Set, others.Before, others.After, others.Pcdp10Change, others.Pcdp10ChangeError);
        message.References.AddRange(others.Objects.Select(other => Change(other.Name, other.Before, other.After, other.Pcdp10Change, other.Pcdp10ChangeError)));
        return message;

        static FigureChange Change(string name, DenseCorrespondence before, DenseCorrespondence after, double change, double? error)
        {
            var figures = new FigureChange { Name = name, Before = ToMessage(before), After = ToMessage(after), Pcdp010Change = change };
            if (error is { } known) figures.Pcdp010ChangeError = known;
            return figures;
        }
    }

    private static IReadOnlyList<(string Name, ReadOnlyMemory<byte> Content)> Files(MeshUpload mesh) => [.. mesh.Files.Select(file => (file.Name, file.Content.Memory))];

    private static IReadOnlyList<(string Name, ReadOnlyMemory<byte> Content)> Files(ViewsUpload views) =>
        views.Archive.IsEmpty ? throw new FieldException("views.archive", "a zip file needed, none given") : [("views.zip", views.Archive.Memory)];

    private static ViewsSource? Source(ViewsUpload? views) => views is null ? null : new ViewsSource(views.HasObjectId ? Whole(views.ObjectId) : null);

    private static string JobId(string id) => id.Length > 0 ? id : throw new FieldException("mesh_of_job", "a job's id needed, none given");

    // What is absent is the gate's.
    private static Settings ToSettings(Wire.EvaluationSettings given)
    {
        Settings gate = Settings.Gate;
        return gate with
        {
            ViewCount = given.HasViewCount ? Whole(given.ViewCount) : gate.ViewCount,
            MaxAngle = given.HasMaxAngle ? given.MaxAngle : gate.MaxAngle,
            Tokens = given.HasTokens ? Whole(given.Tokens) : gate.Tokens,
            PointCount = given.HasPointCount ? Whole(given.PointCount) : gate.PointCount,
            Seed = given.HasSeed ? Whole(given.Seed) : gate.Seed,
        };
    }

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
            Backdrops = given.HasBackdrops ? given.Backdrops : recipe.Backdrops,
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
        Backdrops = recipe.Backdrops,
        CacheTrunk = recipe.CacheTrunk,
        PoolSize = (uint)recipe.PoolSize,
        Seed = (uint)recipe.Seed,
    };

    // Beyond an int every bound has long been passed; -1 is outside of all of them.
    private static int Whole(uint value) => value <= int.MaxValue ? (int)value : -1;
}
