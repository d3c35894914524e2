using System.Globalization;
using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Text.Json;
using CorrMesh.Gateway.OpenApi;
using CorrMesh.Gateway.Security;
using CorrMesh.Hosting.Health;
using CorrMesh.Hosting.Options;
using CorrMesh.Hosting.Security;
using CorrMesh.Protos.Training.V1;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace CorrMesh.Gateway.Http;

/// <summary>`/v1/jobs` and `/v1/evaluations`: fine-tuning and measuring over HTTP.</summary>
internal static class JobRoutes
{
    private const string Tag = "Jobs", OneJob = "/v1/jobs/{id}", EventStream = "text/event-stream", Svg = "image/svg+xml";

    // An SVG opened by itself is a page: styles of its own, and nothing that runs or is fetched.
    private const string OnlyDrawn = "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'";

    public static void MapJobs(this IEndpointRouteBuilder endpoints)
    {
        endpoints.MapPost("/v1/jobs", CreateAsync)
            .WithMetadata(new FormNames())
            .Describe(Tag, "CreateFinetuneJob", "Fine-tunes an adapter on renderings of a mesh or on posed views, then measures and judges it.", "The job is stored and queued; follow it by GET /v1/jobs/{id}/events.")
            .TakesForm(JobForm.Fields)
            .Produces<JobReply>(StatusCodes.Status201Created)
            .ProducesProblems(400, 403, 404, 409, 413, 415, 429, 503, 504, 500);
        endpoints.MapPost("/v1/evaluations", EvaluateAsync)
            .WithMetadata(new FormNames())
            .Describe(
                Tag, "EvaluateModel", "Measures an adapter on a mesh or on posed views, and on the reference set, without and with it, and judges it.",
                "A job, too: follow it by GET /v1/jobs/{id}/events. Numbers that are absent are as the gate has them; only a report with the gate's lets an adapter be published.")
            .TakesForm(EvaluationForm.Fields)
            .Produces<JobReply>(StatusCodes.Status201Created)
            .ProducesProblems(400, 404, 409, 413, 415, 429, 503, 504, 500);
        endpoints.MapGet("/v1/jobs", async (HttpContext context, TrainingService.TrainingServiceClient training, GatewayOptions options, TimeProvider time, string? page_size, string? page_token) =>
                JobsReply.From(await training.ListJobsAsync(
                    new ListJobsRequest { PageSize = FormValues.PageSize(page_size), PageToken = page_token ?? "" }, deadline: options.Deadline(time), cancellationToken: context.RequestAborted)))
            .Describe(Tag, "ListJobs", "All jobs, the newest first.", "page_size: 1 to 100, absent: 20. page_token: next_page_token of the page before.")
            .Produces<JobsReply>()
            .ProducesProblems(400, 409, 503, 504, 500);
        endpoints.MapGet(OneJob, async (string id, HttpContext context, TrainingService.TrainingServiceClient training, GatewayOptions options, TimeProvider time) =>
                JobReply.From((await training.GetJobAsync(new GetJobRequest { Id = id }, deadline: options.Deadline(time), cancellationToken: context.RequestAborted)).Job))
            .Describe(Tag, "GetJob", "A job as it is now.")
            .Produces<JobReply>()
            .ProducesProblems(404, 409, 503, 504, 500);
        endpoints.MapPost(OneJob + ":cancel", async (string id, HttpContext context, TrainingService.TrainingServiceClient training, GatewayOptions options, TimeProvider time) =>
                JobReply.From((await training.CancelJobAsync(new CancelJobRequest { Id = id }, deadline: options.Deadline(time), cancellationToken: context.RequestAborted)).Job))
            .Describe(Tag, "CancelJob", "Takes a job out of the queue, or stops it. Its checkpoints stay.")
            .Produces<JobReply>()
            .ProducesProblems(404, 409, 503, 504, 500);
        endpoints.MapPost(OneJob + ":resume", async (string id, HttpContext context, TrainingService.TrainingServiceClient training, GatewayOptions options, TimeProvider time) =>
                JobReply.From((await training.ResumeJobAsync(new ResumeJobRequest { Id = id }, deadline: options.Deadline(time), cancellationToken: context.RequestAborted)).Job))
            .Describe(Tag, "ResumeJob", "Queues a job again that was cancelled or has failed; it goes on from its last checkpoint.")
            .Produces<JobReply>()
            .ProducesProblems(404, 409, 503, 504, 500);
        endpoints.MapGet(OneJob + "/events", WatchAsync)
            .Describe(
                Tag, "WatchJob", "Follows a job by server-sent events.",
                "Events `job` (the job, first and whenever its state changes), `progress` and `measurement` (id: the step) and `gauge` (how far the gate is), until the job has ended. "
                + "Who comes back with Last-Event-ID gets what came after it.")
            .Produces<string>(StatusCodes.Status200OK, EventStream)
            .ProducesProblems(404, 409, 503, 500);
        endpoints.MapGet(OneJob + "/adapter", DownloadAsync)
            .Describe(Tag, "DownloadAdapter", "The trained adapter's file (safetensors).")
            .Produces(StatusCodes.Status200OK, contentType: Accepts.Octets)
            .ProducesProblems(404, 409, 503, 504, 500);
        endpoints.MapGet(OneJob + "/report", async (string id, HttpContext context, TrainingService.TrainingServiceClient training, GatewayOptions options, TimeProvider time) =>
                Results.Text((await training.GetReportAsync(new GetReportRequest { Id = id }, deadline: options.Deadline(time), cancellationToken: context.RequestAborted)).ReportJson, Accepts.Json))
            .Describe(Tag, "GetReport", "The gate's report of a job that has succeeded, whole.", "Verdict, reasons, limits, settings, figures of every object, recipe and curve.")
            .Produces<JsonElement>()
            .ProducesProblems(404, 409, 503, 504, 500);
        endpoints.MapGet(OneJob + "/pictures/{name}", PictureAsync)
            .Describe(Tag, "GetPicture", "A picture of a job, one of its `pictures`.", "training, view, colours_before, colours_after, matches_before, matches_after (PNG), curves and bars (SVG); new after each `measurement` event.")
            .Produces(StatusCodes.Status200OK, contentType: Accepts.Png, additionalContentTypes: Svg)
            .ProducesProblems(404, 409, 503, 504, 500);
    }

    private static async Task<IResult> CreateAsync(HttpRequest request, TrainingService.TrainingServiceClient training, MeshLimits limits, GatewayOptions options, TimeProvider time)
    {
        CreateFinetuneJobRequest call = await JobForm.ReadAsync(request, limits).ConfigureAwait(false);
        // What a name means is the same for everyone, and so for an admin to change.
        if (call.PublishAs.Length > 0 && !ApiKeys.IsOperator(request.HttpContext)) return GatewayDoors.Refuse("publish_as", "an API key with the role admin needed to publish, one with the role user given");
        var response = await training.CreateFinetuneJobAsync(call, deadline: options.Deadline(time), cancellationToken: request.HttpContext.RequestAborted).ConfigureAwait(false);
        return Results.Created($"/v1/jobs/{response.Job.Id}", JobReply.From(response.Job));
    }

    private static async Task<IResult> EvaluateAsync(HttpRequest request, TrainingService.TrainingServiceClient training, MeshLimits limits, GatewayOptions options, TimeProvider time)
    {
        EvaluateModelRequest call = await EvaluationForm.ReadAsync(request, limits).ConfigureAwait(false);
        var response = await training.EvaluateModelAsync(call, deadline: options.Deadline(time), cancellationToken: request.HttpContext.RequestAborted).ConfigureAwait(false);
        return Results.Created($"/v1/jobs/{response.Job.Id}", JobReply.From(response.Job));
    }

    private static async Task<IResult> PictureAsync(string id, string name, HttpContext context, TrainingService.TrainingServiceClient training, GatewayOptions options, TimeProvider time)
    {
        var picture = await training.GetPictureAsync(new GetPictureRequest { Id = id, Name = name }, deadline: options.Deadline(time), cancellationToken: context.RequestAborted).ConfigureAwait(false);
        if (picture.ContentType is not (Accepts.Png or Svg)) throw new InvalidDataException($"{name}: {Accepts.Png} or {Svg} needed, '{picture.ContentType}' came from the service");
        var headers = context.Response.Headers;
        headers.XContentTypeOptions = "nosniff";
        // The next measurement draws another under the same name.
        headers.CacheControl = "no-store";
        if (picture.ContentType == Svg) headers.ContentSecurityPolicy = OnlyDrawn;
        return Results.Bytes(picture.Content.Memory, picture.ContentType);
    }

    private static async Task<IResult> WatchAsync(string id, HttpContext context, TrainingService.TrainingServiceClient training, ModuleHealth health)
    {
        uint afterStep = uint.TryParse(context.Request.Headers["Last-Event-ID"], NumberStyles.None, CultureInfo.InvariantCulture, out uint step) ? step : 0;
        var ending = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, health.Draining);
        context.Response.RegisterForDispose(ending);
        var call = training.WatchJob(new WatchJobRequest { Id = id, AfterStep = afterStep }, cancellationToken: ending.Token);
        context.Response.RegisterForDispose(call);
        // What is wrong with the call shows before its first message, when there can still be another answer.
        bool isGoing = await call.ResponseStream.MoveNext(ending.Token).ConfigureAwait(false);
        // A proxy in front must not hold events back.
        context.Response.Headers["X-Accel-Buffering"] = "no";
        return TypedResults.ServerSentEvents(Events(call.ResponseStream, isGoing, ending.Token));
    }

    // Ends without an error when the stream breaks off: the browser comes back by itself, and goes on after the last event that it has.
    private static async IAsyncEnumerable<SseItem<object>> Events(IAsyncStreamReader<WatchJobResponse> stream, bool isGoing, [EnumeratorCancellation] CancellationToken cancellation)
    {
        while (isGoing)
        {
            WatchJobResponse message = stream.Current;
            switch (message.EventCase)
            {
                case WatchJobResponse.EventOneofCase.Job:
                    yield return new SseItem<object>(JobReply.From(message.Job), "job");
                    break;
                case WatchJobResponse.EventOneofCase.Progress:
                    yield return new SseItem<object>(JobProgressReply.From(message.Progress), "progress") { EventId = Id(message.Progress.Step) };
                    break;
                case WatchJobResponse.EventOneofCase.Measurement:
                    yield return new SseItem<object>(JobMeasurementReply.From(message.Measurement), "measurement") { EventId = Id(message.Measurement.Step) };
                    break;
                case WatchJobResponse.EventOneofCase.Gauge:
                    yield return new SseItem<object>(JobGaugeReply.From(message.Gauge), "gauge");
                    break;
            }

            try
            {
                isGoing = await stream.MoveNext(cancellation).ConfigureAwait(false);
            }
            catch (RpcException exception) when (exception.StatusCode is StatusCode.Unavailable or StatusCode.Cancelled)
            {
                isGoing = false;
            }
        }

        static string Id(uint step) => step.ToString(CultureInfo.InvariantCulture);
    }

    private static Task<IResult> DownloadAsync(string id, HttpContext context, TrainingService.TrainingServiceClient training, GatewayOptions options, TimeProvider time) => Downloads.StreamAsync(
        context, training.DownloadAdapter(new DownloadAdapterRequest { Id = id }, deadline: options.Deadline(time), cancellationToken: context.RequestAborted), part => part.Content, Accepts.Octets, $"{id}.safetensors");
}
