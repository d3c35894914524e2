using System.Globalization;
using CorrMesh.Hosting.Data;
using CorrMesh.Hosting.Errors;
using CorrMesh.Hosting.Health;
using CorrMesh.Hosting.Security;
using CorrMesh.Models;
using CorrMesh.Protos.Features.V1;
using CorrMesh.Protos.Training.V1;
using CorrMesh.Training.Jobs;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Grpc.Core;
using Contract = CorrMesh.Protos.Training.V1.TrainingService;
using JobGauge = CorrMesh.Training.Jobs.JobGauge;
using JobState = CorrMesh.Training.Jobs.JobState;

namespace CorrMesh.Training;

/// <summary>The gRPC edge of training: validate, call, map.</summary>
public sealed class TrainingService(
    FeatureService.FeatureServiceClient features, JobStore store, JobIntake intake, JobSupervisor supervisor, AdapterPublisher publisher, TrainingMetrics metrics, ModuleHealth health, TimeProvider time) : Contract.TrainingServiceBase
{
    private const int DefaultPage = 20, LargestPage = 100, PartBytes = 1 << 20;
    private const string StorageUnavailable = "STORAGE_UNAVAILABLE";

    public override async Task<CreateFinetuneJobResponse> CreateFinetuneJob(CreateFinetuneJobRequest request, ServerCallContext context)
    {
        if (request.PublishAs.Length > 0) CallerRole.RequireOperator(context, "publish_as");
        return new CreateFinetuneJobResponse { Job = await TakeAsync(JobWire.ToOrder(request), context).ConfigureAwait(false) };
    }

    public override async Task<EvaluateModelResponse> EvaluateModel(EvaluateModelRequest request, ServerCallContext context) =>
        new() { Job = await TakeAsync(JobWire.ToOrder(request), context).ConfigureAwait(false) };

    public override Task<GetJobResponse> GetJob(GetJobRequest request, ServerCallContext context) => StoringAsync(() => Task.FromResult(new GetJobResponse { Job = Message(store.Get(request.Id)) }));

    public override Task<ListJobsResponse> ListJobs(ListJobsRequest request, ServerCallContext context) => StoringAsync(() =>
    {
        if (request.PageSize > LargestPage) throw new FieldException("page_size", $"1 to {LargestPage} allowed, 0 for {DefaultPage}, {request.PageSize} given");
        int size = request.PageSize == 0 ? DefaultPage : (int)request.PageSize;
        IReadOnlyList<JobRecord> jobs = store.List();
        JobRecord[] rest = request.PageToken.Length == 0 ? [.. jobs] : [.. After(jobs, request.PageToken)];
        var response = new ListJobsResponse();
        response.Jobs.AddRange(rest.Take(size).Select(Message));
        if (rest.Length > size) response.NextPageToken = Token(rest[size - 1].Manifest);
        return Task.FromResult(response);
    });

    public override Task<CancelJobResponse> CancelJob(CancelJobRequest request, ServerCallContext context) => StoringAsync(() =>
    {
        JobRecord job = store.Get(request.Id);
        bool isNew = false;
        job.Change(manifest => manifest switch
        {
            { State: JobState.Cancelled } => manifest,
            { IsOver: true } => throw new JobConditionException(JobConditionException.JobEnded, $"id: a job that waits or runs needed, '{manifest.Id}' has ended ({manifest.State})"),
            _ => Cancelled(manifest),
        });
        if (isNew) metrics.Ended("cancelled");
        supervisor.Wake();
        return Task.FromResult(new CancelJobResponse { Job = Message(job) });

        JobManifest Cancelled(JobManifest manifest)
        {
            isNew = true;
            return manifest with { State = JobState.Cancelled, Reason = "", Ended = time.GetUtcNow() };
        }
    });

    public override Task<ResumeJobResponse> ResumeJob(ResumeJobRequest request, ServerCallContext context) => StoringAsync(() =>
    {
        JobRecord job = store.Get(request.Id);
        job.Change(manifest => manifest.State switch
        {
            JobState.Queued or JobState.Running => manifest,
            JobState.Succeeded => throw new JobConditionException(JobConditionException.JobEnded, $"id: a job that was cancelled or has failed needed, '{manifest.Id}' has succeeded"),
            _ => manifest with { State = JobState.Queued, Reason = "", Tries = 0, Ended = null, Queued = time.GetUtcNow() },
        });
        supervisor.Wake();
        return Task.FromResult(new ResumeJobResponse { Job = Message(job) });
    });

    public override async Task WatchJob(WatchJobRequest request, IServerStreamWriter<WatchJobResponse> responseStream, ServerCallContext context)
    {
        JobRecord job = await StoringAsync(() => Task.FromResult(store.Get(request.Id))).ConfigureAwait(false);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, health.Draining);
        JobManifest? seen = null;
        JobGauge? told = null;
        int from = 0;
        while (true)
        {
            Task changed = job.Changed;
            (JobManifest manifest, IReadOnlyList<JobLine> events, JobGauge? gauge) = job.Look(from);
            bool isFirst = seen is null;
            // The end comes last, so that who waits for it has seen everything.
            if (isFirst || (Shown(seen!) != Shown(manifest) && !manifest.IsOver)) await responseStream.WriteAsync(new WatchJobResponse { Job = Message(job) }, context.CancellationToken).ConfigureAwait(false);
            foreach (WatchJobResponse message in events.Select(JobWire.ToEvent).Where(message => !isFirst || (message.Progress is { } progress ? progress.Step > request.AfterStep : message.Measurement.Step >= request.AfterStep)))
                await responseStream.WriteAsync(message, context.CancellationToken).ConfigureAwait(false);
            if (gauge is not null && gauge != told) await responseStream.WriteAsync(new WatchJobResponse { Gauge = JobWire.ToMessage(gauge) }, context.CancellationToken).ConfigureAwait(false);
            told = gauge;
            if (manifest.IsOver)
            {
                if (!isFirst) await responseStream.WriteAsync(new WatchJobResponse { Job = Message(job) }, context.CancellationToken).ConfigureAwait(false);
                return;
            }

            (seen, from) = (manifest, from + events.Count);
            await changed.WaitAsync(ending.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            context.CancellationToken.ThrowIfCancellationRequested();
            if (health.Draining.IsCancellationRequested)
                throw new NotReadyException(NotReadyException.Draining, "training: shutting down; watch again with after_step, the job goes on", TimeSpan.FromSeconds(1));
        }
    }

    public override async Task DownloadAdapter(DownloadAdapterRequest request, IServerStreamWriter<DownloadAdapterResponse> responseStream, ServerCallContext context)
    {
        FileStream file = await StoringAsync(() =>
        {
            JobRecord job = Succeeded(request.Id);
            return Task.FromResult(File.OpenRead(job.Folder.AdapterOf(job.Manifest)));
        }).ConfigureAwait(false);
        await using (file.ConfigureAwait(false))
        {
            byte[] part = new byte[PartBytes];
            while (await file.ReadAtLeastAsync(part, part.Length, throwOnEndOfStream: false, context.CancellationToken).ConfigureAwait(false) is > 0 and var count)
                await responseStream.WriteAsync(new DownloadAdapterResponse { Content = ByteString.CopyFrom(part, 0, count) }, context.CancellationToken).ConfigureAwait(false);
        }
    }

    public override Task<GetReportResponse> GetReport(GetReportRequest request, ServerCallContext context) => StoringAsync(() =>
    {
        JobRecord job = Succeeded(request.Id);
        if (!File.Exists(job.Folder.Report)) throw new NotFoundException("report", request.Id, "the job is from before there were reports");
        return Task.FromResult(new GetReportResponse { ReportJson = File.ReadAllText(job.Folder.Report) });
    });

    public override Task<GetPictureResponse> GetPicture(GetPictureRequest request, ServerCallContext context) => StoringAsync(() =>
    {
        JobRecord job = store.Get(request.Id);
        (string path, string type) = RunPictures.Find(job.Folder, request.Name)
            ?? throw new NotFoundException("name", request.Name.Length <= 80 ? request.Name : request.Name[..80] + "...", $"there are: {string.Join(", ", RunPictures.NamesIn(job.Folder))}");
        return Task.FromResult(new GetPictureResponse { ContentType = type, Content = ByteString.CopyFrom(File.ReadAllBytes(path)) });
    });

    public override Task<PublishAdapterResponse> PublishAdapter(PublishAdapterRequest request, ServerCallContext context) => StoringAsync(() =>
    {
        CheckName(request.Name);
        JobRecord job = store.Get(request.Job);
        return Task.FromResult(new PublishAdapterResponse { Adapter = JobWire.ToMessage(publisher.Publish(job.Folder, job.Manifest, request.Name)) });
    });

    public override Task<RollBackAdapterResponse> RollBackAdapter(RollBackAdapterRequest request, ServerCallContext context) => StoringAsync(() =>
    {
        CheckName(request.Name);
        if (request.Digest.Length > 0 && !DataDirectory.IsDigest(request.Digest)) throw new FieldException("digest", "64 lower-case hex digits needed, or none");
        return Task.FromResult(new RollBackAdapterResponse { Adapter = JobWire.ToMessage(publisher.RollBack(request.Name, request.Digest)) });
    });

    public override Task<ListAdaptersResponse> ListAdapters(ListAdaptersRequest request, ServerCallContext context) => StoringAsync(() =>
    {
        var response = new ListAdaptersResponse();
        response.Adapters.AddRange(publisher.List().Select(JobWire.ToMessage));
        return Task.FromResult(response);
    });

    private Task<Job> TakeAsync(JobOrder order, ServerCallContext context) => StoringAsync(async () =>
    {
        try
        {
            (JobRecord job, bool isNew) = await intake.TakeAsync(order, name => FindModelAsync(name, context.CancellationToken), context.CancellationToken).ConfigureAwait(false);
            if (isNew) supervisor.Wake();
            return Message(job);
        }
        catch (RequestIdTakenException exception)
        {
            throw new RpcException(new Grpc.Core.Status(StatusCode.AlreadyExists, exception.Message));
        }
    });

    private JobRecord Succeeded(string id)
    {
        JobRecord job = store.Get(id);
        return job.Manifest.State == JobState.Succeeded ? job
            : throw new JobConditionException(JobConditionException.JobNotSucceeded, $"id: a job that has succeeded needed, '{job.Manifest.Id}' is {job.Manifest.State.ToString().ToLowerInvariant()}");
    }

    private static void CheckName(string name)
    {
        if (!DataDirectory.IsId(name))
            throw new FieldException("name", $"a-z, 0-9, dot, dash, underscore, at most 64, beginning with a letter or digit needed, '{(name.Length <= 80 ? name : name[..80] + "...")}' given");
    }

    // Which models there are is known to features alone.
    private async Task<JobModel> FindModelAsync(string name, CancellationToken cancellation)
    {
        ListModelsResponse models = await features.ListModelsAsync(new ListModelsRequest(), cancellationToken: cancellation).ConfigureAwait(false);
        Model model = models.Models.FirstOrDefault(model => model.Name == (name.Length == 0 ? models.DefaultModel : name))
            ?? throw new NotFoundException("model", name.Length <= 80 ? name : name[..80] + "...", $"there are: {string.Join(", ", models.Models.Select(model => model.Name))}");
        return new JobModel(model.Name, model.Digest, (int)model.Width, (int)model.Depth);
    }

    private static (JobState State, string Reason) Shown(JobManifest manifest) => (manifest.State, manifest.Reason);

    private Job Message(JobRecord job) =>
        JobWire.ToMessage(job, job.Manifest.State == JobState.Queued ? store.Queue().TakeWhile(other => other != job).Count(other => other.Manifest.Kind == job.Manifest.Kind) : 0);

    // A place in the list that stays where it is while jobs come and go.
    private static string Token(JobManifest last) => $"{last.Created.UtcTicks.ToString(CultureInfo.InvariantCulture)}~{last.Id}";

    private static IEnumerable<JobRecord> After(IReadOnlyList<JobRecord> jobs, string token)
    {
        string[] parts = token.Split('~');
        if (parts.Length != 2 || !long.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out long created))
            throw new FieldException("page_token", $"next_page_token of an earlier page needed, '{(token.Length <= 80 ? token : token[..80] + "...")}' given");
        return jobs.Where(job => job.Manifest.Created.UtcTicks < created || (job.Manifest.Created.UtcTicks == created && string.CompareOrdinal(job.Manifest.Id, parts[1]) < 0));
    }

    // What the disk refuses is for the operator to put right; nothing has changed.
    private static async Task<T> StoringAsync<T>(Func<Task<T>> call)
    {
        try
        {
            return await call().ConfigureAwait(false);
        }
        catch (JobConditionException exception)
        {
            throw RpcErrors.Of(StatusCode.FailedPrecondition, exception.Reason, exception.Message);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw RpcErrors.Of(StatusCode.FailedPrecondition, StorageUnavailable, $"training: the data directory cannot be read or written, and nothing was changed: {Cause(exception)}");
        }
    }

    // The system's own words, without the path that they end in.
    private static string Cause(Exception exception) => exception.Message.Split(" : ")[0].Split(" '")[0];
}
