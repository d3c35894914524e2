using CorrMesh.Hosting;
using CorrMesh.Hosting.Errors;
using CorrMesh.Protos.Training.V1;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace CorrMesh.Gateway.Tests;

/// <summary>A training service whose one job is always there.</summary>
internal sealed class FakeTraining : TrainingService.TrainingServiceBase, IMeshModule
{
    public string Name => MeshTopology.Training;

    public Func<CreateFinetuneJobRequest, Task> OnCreate { get; init; } = _ => Task.CompletedTask;

    public List<CreateFinetuneJobRequest> Created { get; } = [];

    /// <summary>What the gateway said of the last caller.</summary>
    public string? LastRole { get; private set; }

    public List<EvaluateModelRequest> Evaluated { get; } = [];

    public Func<EvaluateModelRequest, Task> OnEvaluate { get; init; } = _ => Task.CompletedTask;

    public PublishAdapterRequest? LastPublish { get; private set; }

    public RollBackAdapterRequest? LastRollBack { get; private set; }

    public ListJobsRequest? LastList { get; private set; }

    public WatchJobRequest? LastWatch { get; private set; }

    public int Gets { get; private set; }

    /// <summary>What a watch waits for after the job.</summary>
    public Func<CancellationToken, Task> AfterJob { get; init; } = _ => Task.CompletedTask;

    /// <summary>How many of the first GetJob calls are answered with UNAVAILABLE.</summary>
    public int UnavailableGets { get; init; }

    /// <summary>Its white space must come through, too.</summary>
    public const string ReportJson = "{ \"accepted\": false,\n  \"limits\": [0.02, 0.05] }";

    public static Job Sample(JobState state = JobState.Running) => new()
    {
        Id = "job-1",
        State = state,
        Kind = JobKind.Finetune,
        Model = "compact",
        ModelDigest = "ab",
        Recipe = new FinetuneRecipe
        {
            Loss = FinetuneLoss.Procrustes,
            ConvLayers = 1,
            LoraRank = 4,
            LoraBlocks = 4,
            LearningRate = 1e-5,
            WeightDecay = 1e-4,
            ClipNorm = 1,
            Iterations = 10,
            Tokens = 40,
            Keypoints = 100,
            MaxAngle = 120,
            Augment = true,
            CacheTrunk = false,
            PoolSize = 16,
            Seed = 42,
        },
        ViewCount = 42,
        MeshDigest = "cd",
        ThreadCount = 1,
        CreateTime = Timestamp.FromDateTimeOffset(DateTimeOffset.UnixEpoch),
        Progress = new JobProgress { Step = 3, Loss = 0.5, RemainingNs = 2_500_000_000 },
        MeasureCount = 10,
        Measurement = Measured(2),
        Gauge = state == JobState.Running ? new JobGauge { Object = "cup", Done = 3, Total = 8 } : null,
        Verdict = state == JobState.Succeeded ? Verdict() : null,
        Pictures = { "training", "matches_after" },
        Adapter = state == JobState.Succeeded ? new JobAdapter { Digest = "ef", Size = 7, CardJson = """{"schema_version":1}""" } : null,
    };

    public static Job SampleEvaluation() => new()
    {
        Id = "job-2",
        State = JobState.Queued,
        Kind = JobKind.Evaluate,
        Model = "compact",
        ModelDigest = "ab",
        MeshDigest = "cd",
        CreateTime = Timestamp.FromDateTimeOffset(DateTimeOffset.UnixEpoch),
    };

    public static GateVerdict Verdict() => new()
    {
        Accepted = false,
        Reasons = { "the cup is found no better" },
        Own = new FigureChange { Name = "own", Before = Figures(0.25), After = Figures(0.5), Pcdp010Change = 0.25, Pcdp010ChangeError = 0.125 },
        ReferenceMean = new FigureChange { Name = "mean", Before = Figures(0.5), After = Figures(0.5) },
        References = { new FigureChange { Name = "knot", Before = Figures(0.5), After = Figures(0.375), Pcdp010Change = -0.125 } },
        ElapsedNs = 1_500_000_000,
    };

    public static PublishedAdapter Published() => new()
    {
        Name = "cup",
        Digest = "ef",
        Model = "compact",
        Versions =
        {
            new AdapterVersion { Digest = "ef", Model = "compact", Job = "job-1", PublishTime = Timestamp.FromDateTimeOffset(DateTimeOffset.UnixEpoch) },
            new AdapterVersion { Digest = "01", Model = "compact" },
        },
    };

    public void AddServices(IHostApplicationBuilder builder) => builder.Services.AddSingleton(this);

    public void MapEndpoints(IEndpointRouteBuilder endpoints) => endpoints.MapGrpcService<FakeTraining>();

    public override async Task<CreateFinetuneJobResponse> CreateFinetuneJob(CreateFinetuneJobRequest request, ServerCallContext context)
    {
        LastRole = context.RequestHeaders.GetValue("corrmesh-caller-role");
        lock (Created) Created.Add(request);
        await OnCreate(request);
        return new CreateFinetuneJobResponse { Job = Sample(JobState.Queued) };
    }

    public override Task<GetJobResponse> GetJob(GetJobRequest request, ServerCallContext context)
    {
        if (++Gets <= UnavailableGets) throw new RpcException(new Status(StatusCode.Unavailable, "not now"));
        return Task.FromResult(new GetJobResponse { Job = request.Id == "job-1" ? Sample(JobState.Succeeded) : throw new NotFoundException("job", request.Id) });
    }

    public override Task<ListJobsResponse> ListJobs(ListJobsRequest request, ServerCallContext context)
    {
        LastList = request;
        return Task.FromResult(new ListJobsResponse { Jobs = { Sample() }, NextPageToken = "next" });
    }

    public override Task<CancelJobResponse> CancelJob(CancelJobRequest request, ServerCallContext context) => Task.FromResult(new CancelJobResponse { Job = Sample(JobState.Cancelled) });

    public override Task<ResumeJobResponse> ResumeJob(ResumeJobRequest request, ServerCallContext context) => Task.FromResult(new ResumeJobResponse { Job = Sample(JobState.Queued) });

    public override async Task WatchJob(WatchJobRequest request, IServerStreamWriter<WatchJobResponse> responseStream, ServerCallContext context)
    {
        LastWatch = request;
        if (request.Id != "job-1") throw new NotFoundException("job", request.Id);
        await responseStream.WriteAsync(new WatchJobResponse { Job = Sample() });
        await AfterJob(context.CancellationToken);
        await responseStream.WriteAsync(new WatchJobResponse { Progress = new JobProgress { Step = 4, Loss = 0.25 } });
        await responseStream.WriteAsync(new WatchJobResponse { Measurement = Measured(5) });
        await responseStream.WriteAsync(new WatchJobResponse { Gauge = new JobGauge { Object = "cup", Done = 3, Total = 8 } });
        await responseStream.WriteAsync(new WatchJobResponse { Job = Sample(JobState.Succeeded) });
    }

    public override async Task DownloadAdapter(DownloadAdapterRequest request, IServerStreamWriter<DownloadAdapterResponse> responseStream, ServerCallContext context)
    {
        await responseStream.WriteAsync(new DownloadAdapterResponse { Content = ByteString.CopyFrom(1, 2) });
        await responseStream.WriteAsync(new DownloadAdapterResponse { Content = ByteString.CopyFrom(3) });
    }

    public override async Task<EvaluateModelResponse> EvaluateModel(EvaluateModelRequest request, ServerCallContext context)
    {
        lock (Evaluated) Evaluated.Add(request);
        await OnEvaluate(request);
        return new EvaluateModelResponse { Job = SampleEvaluation() };
    }

    public override Task<GetReportResponse> GetReport(GetReportRequest request, ServerCallContext context) =>
        Task.FromResult(new GetReportResponse { ReportJson = request.Id == "job-1" ? ReportJson : throw new NotFoundException("job", request.Id) });

    public override Task<GetPictureResponse> GetPicture(GetPictureRequest request, ServerCallContext context) => Task.FromResult(request.Name switch
    {
        "training" => new GetPictureResponse { ContentType = "image/png", Content = ByteString.CopyFrom(1, 2, 3) },
        "curves" => new GetPictureResponse { ContentType = "image/svg+xml", Content = ByteString.CopyFromUtf8("<svg xmlns='http://www.w3.org/2000/svg'/>") },
        "page" => new GetPictureResponse { ContentType = "text/html", Content = ByteString.CopyFromUtf8("<script>1</script>") },
        _ => throw new NotFoundException("picture", request.Name),
    });

    public override Task<PublishAdapterResponse> PublishAdapter(PublishAdapterRequest request, ServerCallContext context)
    {
        LastPublish = request;
        return Task.FromResult(new PublishAdapterResponse { Adapter = Published() });
    }

    public override Task<RollBackAdapterResponse> RollBackAdapter(RollBackAdapterRequest request, ServerCallContext context)
    {
        LastRollBack = request;
        return Task.FromResult(new RollBackAdapterResponse { Adapter = Published() });
    }

    public override Task<ListAdaptersResponse> ListAdapters(ListAdaptersRequest request, ServerCallContext context) => Task.FromResult(new ListAdaptersResponse { Adapters = { Published() } });

    private static JobMeasurement Measured(uint step) => new() { Step = step, Figures = Figures(0.75) };

    private static MatchFigures Figures(double pcdp) => new() { Ape = 0.125, Pcdp005 = pcdp / 2, Pcdp010 = pcdp, Pcdp020 = 0.875 };
}
