using System.Net;
using CorrMesh.Hosting.Errors;
using CorrMesh.Protos.Training.V1;
using Grpc.Core;
using Xunit;

namespace CorrMesh.Gateway.Tests.Http;

public sealed class JobRoutesTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task PostJobs_EveryField_ReachesTheService()
    {
        var training = new FakeTraining();
        await using var mesh = await FakeMesh.StartAsync(training: training);

        var answer = await mesh.PostAsync(
            "/v1/jobs", ("mesh", new byte[] { 1, 2 }), ("resource", new byte[] { 3 }), ("resource", new byte[] { 4 }), ("model", "big"), ("display_name", "cup"), ("request_id", "mine"), ("view_count", "12"), ("measure_count", "0"), ("publish_as", "my-cup"),
            ("loss", "contrastive"), ("conv_layers", "0"), ("lora_rank", "2"), ("lora_blocks", "3"), ("learning_rate", "1e-4"), ("weight_decay", "0"), ("clip_norm", "2.5"), ("iterations", "7"),
            ("tokens", "40"), ("keypoints", "64"), ("max_angle", "90"), ("augment", "false"), ("cache_trunk", "true"), ("pool_size", "3"), ("seed", "5"), ("backdrops", "true"));

        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
        Assert.Equal("/v1/jobs/job-1", answer.Headers.Location?.ToString());
        var job = await answer.JsonAsync();
        Assert.Equal(("job-1", "queued", 0), (job.GetProperty("id").GetString(), job.GetProperty("state").GetString(), job.GetProperty("queue_position").GetInt32()));
        var call = Assert.Single(training.Created);
        Assert.Equal(["", "resource.png", "resource.png"], call.Mesh.Files.Select(file => file.Name));
        Assert.Equal([[1, 2], [3], [4]], call.Mesh.Files.Select(file => file.Content.ToByteArray()));
        Assert.Equal(("big", "cup", "mine", 12u, true, 0u, "my-cup"), (call.Model, call.DisplayName, call.RequestId, call.ViewCount, call.HasMeasureCount, call.MeasureCount, call.PublishAs));
        Assert.Equal(
            new FinetuneRecipe
            {
                Loss = FinetuneLoss.Contrastive,
                ConvLayers = 0,
                LoraRank = 2,
                LoraBlocks = 3,
                LearningRate = 1e-4,
                WeightDecay = 0,
                ClipNorm = 2.5,
                Iterations = 7,
                Tokens = 40,
                Keypoints = 64,
                MaxAngle = 90,
                Augment = false,
                CacheTrunk = true,
                PoolSize = 3,
                Seed = 5,
                Backdrops = true,
            },
            call.Recipe);
    }

    [Fact]
    public async Task PostJobs_NothingButAMesh_LeavesDefaultsToTheServiceAndHasARequestId()
    {
        var training = new FakeTraining();
        await using var mesh = await FakeMesh.StartAsync(training: training);

        await mesh.PostAsync("/v1/jobs", ("mesh", new byte[] { 1 }));
        await mesh.PostAsync("/v1/jobs", ("mesh_of_job", "job-1"));
        await mesh.PostAsync("/v1/jobs", ("views", new byte[] { 1, 2 }), ("object_id", "7"), ("objects_of_jobs", "job-1, job-2"), ("made_object_count", "9"));

        Assert.Equal("AQI=", training.Created[2].Views.Archive.ToBase64());
        Assert.Equal((7u, 9u), (training.Created[2].Views.ObjectId, training.Created[2].MadeObjectCount));
        Assert.Equal(["job-1", "job-2"], training.Created[2].ObjectsOfJobs);
        Assert.Equal(new FinetuneRecipe(), training.Created[0].Recipe);
        Assert.False(training.Created[0].HasViewCount || training.Created[0].HasMeasureCount);
        Assert.Empty(training.Created[0].PublishAs);
        Assert.Equal("job-1", training.Created[1].MeshOfJob);
        Assert.All(training.Created, call => Assert.NotEmpty(call.RequestId));
        Assert.NotEqual(training.Created[0].RequestId, training.Created[1].RequestId);
    }

    [Theory]
    [InlineData("tokens", "many")]
    [InlineData("learning_rate", "fast")]
    [InlineData("augment", "maybe")]
    [InlineData("loss", "mse")]
    [InlineData("view_count", "-1")]
    [InlineData("measure_count", "few")]
    public async Task PostJobs_TextThatIsNone_BlamesTheField(string field, string value)
    {
        var training = new FakeTraining();
        await using var mesh = await FakeMesh.StartAsync(training: training);

        var (_, fields) = await (await mesh.PostAsync("/v1/jobs", ("mesh", new byte[] { 1 }), (field, value))).ProblemAsync(400);

        Assert.Equal([field], fields);
        Assert.Empty(training.Created);
    }

    [Fact]
    public async Task PostJobs_ServiceBlamesTheContractsFields_FormsOwnAreNamed()
    {
        await using var mesh = await FakeMesh.StartAsync(training: new FakeTraining
        {
            OnCreate = _ => throw new FieldException([new("recipe.tokens", "8 to 160 allowed, 161 given"), new("mesh", "mesh faces: at least 1 needed, 0 given"), new("mesh.files[1].name", "none given")]),
        });

        var (_, fields) = await (await mesh.PostAsync("/v1/jobs", ("mesh", new byte[] { 1 }))).ProblemAsync(400);

        Assert.Equal(["tokens", "mesh", "mesh"], fields);
    }

    [Fact]
    public async Task PostJobs_MeshAndJobOrNeitherOrTooLarge_AreRefused()
    {
        await using var mesh = await FakeMesh.StartAsync(settings: [("CorrMesh:Limits:EncodedBytes", "1024"), ("CorrMesh:Limits:MessageBytes", "131072")]);

        Assert.Equal(["mesh"], (await (await mesh.PostAsync("/v1/jobs", ("mesh", new byte[] { 1 }), ("mesh_of_job", "job-1"))).ProblemAsync(400)).Fields);
        Assert.Equal(["mesh"], (await (await mesh.PostAsync("/v1/jobs", ("seed", "1"))).ProblemAsync(400)).Fields);
        Assert.Equal(["mesh"], (await (await mesh.PostAsync("/v1/jobs", ("mesh", new byte[] { 1 }), ("views", new byte[] { 1 }))).ProblemAsync(400)).Fields);
        Assert.Equal(["views"], (await (await mesh.PostAsync("/v1/jobs", ("views", new byte[] { 1 }), ("mesh_of_job", "job-1"))).ProblemAsync(400)).Fields);
        Assert.Equal(["resource"], (await (await mesh.PostAsync("/v1/jobs", ("views", new byte[] { 1 }), ("resource", new byte[] { 1 }))).ProblemAsync(400)).Fields);
        Assert.Equal(["object_id"], (await (await mesh.PostAsync("/v1/jobs", ("mesh", new byte[] { 1 }), ("object_id", "1"))).ProblemAsync(400)).Fields);
        Assert.Equal(["object_id"], (await (await mesh.PostAsync("/v1/jobs", ("views", new byte[] { 1 }), ("object_id", "cup"))).ProblemAsync(400)).Fields);
        Assert.Equal(["views"], (await (await mesh.PostAsync("/v1/jobs", ("views", new byte[131072]))).ProblemAsync(413)).Fields);
        Assert.Equal(["mesh"], (await (await mesh.PostAsync("/v1/jobs", ("mesh", new byte[131072]))).ProblemAsync(413)).Fields);
        // A mesh may be larger than an image.
        Assert.Equal(HttpStatusCode.Created, (await mesh.PostAsync("/v1/jobs", ("mesh", new byte[2048]))).StatusCode);
    }

    [Fact]
    public async Task GetJobs_Pages_PassOn()
    {
        var training = new FakeTraining();
        await using var mesh = await FakeMesh.StartAsync(training: training);

        var page = await (await mesh.Http.GetAsync("/v1/jobs?page_size=3&page_token=abc", Token)).JsonAsync();

        Assert.Equal(new ListJobsRequest { PageSize = 3, PageToken = "abc" }, training.LastList);
        Assert.Equal(("next", 1), (page.GetProperty("next_page_token").GetString(), page.GetProperty("jobs").GetArrayLength()));
        Assert.Equal(2.5, page.GetProperty("jobs")[0].GetProperty("progress").GetProperty("remaining_s").GetDouble());
        Assert.Equal(["page_size"], (await (await mesh.Http.GetAsync("/v1/jobs?page_size=0", Token)).ProblemAsync(400)).Fields);
    }

    [Fact]
    public async Task OneJob_GetCancelResumeAdapter_AnswerAsTheContract()
    {
        await using var mesh = await FakeMesh.StartAsync();

        var job = await (await mesh.Http.GetAsync("/v1/jobs/job-1", Token)).JsonAsync();
        Assert.Equal(("succeeded", "procrustes", 1), (job.GetProperty("state").GetString(), job.GetProperty("recipe").GetProperty("loss").GetString(), job.GetProperty("adapter").GetProperty("card").GetProperty("schema_version").GetInt32()));
        Assert.Equal("cancelled", (await (await mesh.Http.PostAsync("/v1/jobs/job-1:cancel", null, Token)).JsonAsync()).GetProperty("state").GetString());
        Assert.Equal("queued", (await (await mesh.Http.PostAsync("/v1/jobs/job-1:resume", null, Token)).JsonAsync()).GetProperty("state").GetString());
        var adapter = await mesh.Http.GetAsync("/v1/jobs/job-1/adapter", Token);
        Assert.Equal(("application/octet-stream", "job-1.safetensors"), (adapter.Content.Headers.ContentType?.MediaType, adapter.Content.Headers.ContentDisposition?.FileName));
        Assert.Equal([1, 2, 3], await adapter.Content.ReadAsByteArrayAsync(Token));
        await (await mesh.Http.GetAsync("/v1/jobs/none", Token)).ProblemAsync(404);
        await (await mesh.Http.GetAsync("/v1/jobs/none/events", Token)).ProblemAsync(404);
    }

    [Fact]
    public async Task GetEvents_Job_AreServerSentEvents()
    {
        var training = new FakeTraining();
        await using var mesh = await FakeMesh.StartAsync(training: training);
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/jobs/job-1/events");
        request.Headers.Add("Last-Event-ID", "3");

        var answer = await mesh.Http.SendAsync(request, Token);

        Assert.Equal("text/event-stream", answer.Content.Headers.ContentType?.MediaType);
        string[] events = (await answer.Content.ReadAsStringAsync(Token)).Split("\n\n", StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(5, events.Length);
        Assert.StartsWith("event: job\ndata: {\"id\":\"job-1\",\"state\":\"running\"", events[0], StringComparison.Ordinal);
        Assert.StartsWith("event: progress\ndata: {\"step\":4,\"loss\":0.25", events[1], StringComparison.Ordinal);
        Assert.EndsWith("id: 4", events[1], StringComparison.Ordinal);
        Assert.Equal("event: measurement\ndata: {\"step\":5,\"figures\":{\"ape\":0.125,\"pcdp_005\":0.375,\"pcdp_010\":0.75,\"pcdp_020\":0.875}}\nid: 5", events[2]);
        Assert.Equal("event: gauge\ndata: {\"object\":\"cup\",\"done\":3,\"total\":8}", events[3]);
        Assert.Contains("\"state\":\"succeeded\"", events[4], StringComparison.Ordinal);
        Assert.All([events[0], events[4]], job => Assert.DoesNotContain("\nid:", job, StringComparison.Ordinal));
        Assert.Equal(3u, training.LastWatch!.AfterStep);
    }

    // Goal: the verdict says the same over HTTP. Method: figures of halves and quarters, which are exact, through the whole way; what the service leaves out is left out.
    [Fact]
    public async Task GetJob_Succeeded_HasVerdictFiguresAndPictures()
    {
        await using var mesh = await FakeMesh.StartAsync();

        var job = await (await mesh.Http.GetAsync("/v1/jobs/job-1", Token)).JsonAsync();

        Assert.Equal(("finetune", 10), (job.GetProperty("kind").GetString(), job.GetProperty("measure_count").GetInt32()));
        Assert.Equal(["training", "matches_after"], job.GetProperty("pictures").EnumerateArray().Select(name => name.GetString()!));
        Assert.Equal((2, 0.75), (job.GetProperty("measurement").GetProperty("step").GetInt32(), job.GetProperty("measurement").GetProperty("figures").GetProperty("pcdp_010").GetDouble()));
        Assert.False(job.TryGetProperty("gauge", out _) || job.TryGetProperty("publish_as", out _));
        var verdict = job.GetProperty("verdict");
        Assert.Equal((false, "the cup is found no better", 1.5), (verdict.GetProperty("accepted").GetBoolean(), verdict.GetProperty("reasons")[0].GetString(), verdict.GetProperty("elapsed_s").GetDouble()));
        var own = verdict.GetProperty("own");
        Assert.Equal((0.25, 0.5), (own.GetProperty("before").GetProperty("pcdp_010").GetDouble(), own.GetProperty("after").GetProperty("pcdp_010").GetDouble()));
        Assert.Equal((0.25, 0.125), (own.GetProperty("pcdp_010_change").GetDouble(), own.GetProperty("pcdp_010_change_error").GetDouble()));
        Assert.Equal(0.125, own.GetProperty("before").GetProperty("ape").GetDouble());
        var knot = Assert.Single(verdict.GetProperty("references").EnumerateArray());
        Assert.Equal(("knot", -0.125), (knot.GetProperty("name").GetString(), knot.GetProperty("pcdp_010_change").GetDouble()));
        Assert.False(knot.TryGetProperty("pcdp_010_change_error", out _));
        Assert.Equal("mean", verdict.GetProperty("reference_mean").GetProperty("name").GetString());
    }

    [Fact]
    public async Task GetReport_Job_IsTheServicesToTheByte()
    {
        await using var mesh = await FakeMesh.StartAsync();

        var report = await mesh.Http.GetAsync("/v1/jobs/job-1/report", Token);

        Assert.Equal("application/json", report.Content.Headers.ContentType?.MediaType);
        Assert.Equal(FakeTraining.ReportJson, await report.Content.ReadAsStringAsync(Token));
        await (await mesh.Http.GetAsync("/v1/jobs/none/report", Token)).ProblemAsync(404);
    }

    // Goal: a picture that a job drew can do nothing but be seen, even opened by itself. Method: each kind that a service may give, and one that it must not.
    [Fact]
    public async Task GetPicture_EachKind_IsServedSoThatNothingRuns()
    {
        await using var mesh = await FakeMesh.StartAsync();

        var png = await mesh.Http.GetAsync("/v1/jobs/job-1/pictures/training", Token);
        Assert.Equal(("image/png", 3), (png.Content.Headers.ContentType?.MediaType, (await png.Content.ReadAsByteArrayAsync(Token)).Length));
        Assert.True(png.Headers.CacheControl?.NoStore);
        var svg = await mesh.Http.GetAsync("/v1/jobs/job-1/pictures/curves", Token);
        Assert.Equal("image/svg+xml", svg.Content.Headers.ContentType?.MediaType);
        string policy = svg.Headers.GetValues("Content-Security-Policy").Single();
        Assert.StartsWith("default-src 'none';", policy, StringComparison.Ordinal);
        Assert.Contains("sandbox", policy, StringComparison.Ordinal);
        Assert.DoesNotContain("script-src", policy, StringComparison.Ordinal);
        Assert.All([png, svg], answer => Assert.Equal("nosniff", answer.Headers.GetValues("X-Content-Type-Options").Single()));
        await (await mesh.Http.GetAsync("/v1/jobs/job-1/pictures/none", Token)).ProblemAsync(404);
        await (await mesh.Http.GetAsync("/v1/jobs/job-1/pictures/page", Token)).ProblemAsync(500);
    }

    // Goal: no retry makes a second job. Method: a service that answers UNAVAILABLE; gRPC creates come once, other calls again, and HTTP creates carry a
    // request_id, which makes them safe.
    [Fact]
    public async Task Create_ServiceUnavailable_IsRepeatedOnlyWhereThatIsSafe()
    {
        int creates = 0;
        var training = new FakeTraining
        {
            UnavailableGets = 1,
            OnCreate = _ => Interlocked.Increment(ref creates) % 2 == 1 ? throw new RpcException(new Status(StatusCode.Unavailable, "not now")) : Task.CompletedTask,
        };
        await using var mesh = await FakeMesh.StartAsync(training: training, settings: [("CorrMesh:Retry:Retries", "2"), ("CorrMesh:Retry:FirstDelay", "00:00:00.010")]);
        var client = new TrainingService.TrainingServiceClient(mesh.Grpc);

        Assert.Equal("job-1", (await client.GetJobAsync(new GetJobRequest { Id = "job-1" }, cancellationToken: Token)).Job.Id);
        Assert.Equal(2, training.Gets);
        var refused = await Assert.ThrowsAsync<RpcException>(() => client.CreateFinetuneJobAsync(new CreateFinetuneJobRequest { MeshOfJob = "job-1" }, cancellationToken: Token).ResponseAsync);
        Assert.Equal((StatusCode.Unavailable, 1), (refused.StatusCode, training.Created.Count));
        training.Created.Clear();
        Interlocked.Exchange(ref creates, 0);
        Assert.Equal(HttpStatusCode.Created, (await mesh.PostAsync("/v1/jobs", ("mesh", new byte[] { 1 }))).StatusCode);
        Assert.Equal(2, training.Created.Count);
        Assert.Single(training.Created.Select(call => call.RequestId).Distinct());
    }
}
