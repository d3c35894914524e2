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

    public ListJobsRequest? LastList { get; private set; }

    public WatchJobRequest? LastWatch { get; private set; }

    public int Gets { get; private set; }

    /// <summary>What a watch waits for after the job.</summary>
    public Func<CancellationToken, Task> AfterJob { get; init; } = _ => Task.CompletedTask;

    /// <summary>How many of the first GetJob calls are answered with UNAVAILABLE.</summary>
    public int UnavailableGets { get; init; }

    public static Job Sample(JobState state = JobState.Running) => new()
    {
        Id = "job-1",
        State = state,
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
        Adapter = state == JobState.Succeeded ? new JobAdapter { Digest = "ef", Size = 7, CardJson = """{"schema_version":1}""" } : null,
    };

    public void AddServices(IHostApplicationBuilder builder) => builder.Services.AddSingleton(this);

    public void MapEndpoints(IEndpointRouteBuilder endpoints) => endpoints.MapGrpcService<FakeTraining>();

    public override async Task<CreateFinetuneJobResponse> CreateFinetuneJob(CreateFinetuneJobRequest request, ServerCallContext context)
    {
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
        await responseStream.WriteAsync(new WatchJobResponse { Job = Sample(JobState.Succeeded) });
    }

    public override async Task DownloadAdapter(DownloadAdapterRequest request, IServerStreamWriter<DownloadAdapterResponse> responseStream, ServerCallContext context)
    {
        await responseStream.WriteAsync(new DownloadAdapterResponse { Content = ByteString.CopyFrom(1, 2) });
        await responseStream.WriteAsync(new DownloadAdapterResponse { Content = ByteString.CopyFrom(3) });
    }
}
