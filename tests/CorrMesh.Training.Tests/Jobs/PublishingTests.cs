using CorrMesh.Features.Tests.Support;
using CorrMesh.Models;
using CorrMesh.Protos.Training.V1;
using CorrMesh.Training.Finetuning;
using CorrMesh.Training.Measuring;
using CorrMesh.Training.Tests.Measuring;
using CorrMesh.Vision.Adapters;
using CorrMesh.Vision.Weights;
using Google.Protobuf;
using Grpc.Core;
using Xunit;
using EvaluationSettings = CorrMesh.Training.Measuring.EvaluationSettings;

namespace CorrMesh.Training.Tests.Jobs;

/// <summary>From a job's report to names that features serves; shells stand in the place of the processes that train.</summary>
public sealed class PublishingTests
{
    // Leaves the adapter and the report that the test has laid down for the job's seed of views, its number of views.
    private const string Prepared = """
        n=$(grep -o '"display_name": "[a-z0-9]*"' "$3/jobs/$1/manifest.json" | cut -d'"' -f4)
        mkdir -p "$3/jobs/$1/pictures"
        printf '<svg/>' > "$3/jobs/$1/pictures/bars.svg"
        echo '{"measured":{"step":0,"figures":{"ape":0.2,"pcdp05":0.3,"pcdp10":0.5,"pcdp20":0.7}}}'
        echo '{"gauge":{"name":"cube","done":3,"total":18}}'
        cp "$3/$n.safetensors" "$3/jobs/$1/adapter.safetensors" 2>/dev/null
        cp "$3/$n.report" "$3/jobs/$1/report.json"
        echo '{"schema_version":1}' > "$3/jobs/$1/adapter.json"
        """;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    // Goal: a name moves from one accepted adapter to the next and back, features follows without a restart, and a refused adapter never gets a name.
    // Method: three jobs, two accepted and one refused; names as the feature service lists them.
    [Fact]
    public async Task Publish_AcceptedAndRefused_NamesFollowTheGate()
    {
        using TestData data = JobHost.Data();
        Prepare(data, "first", 1);
        Prepare(data, "second", 2);
        Prepare(data, "worse", 3, "own object 'cube': PCDP@0.1 must rise");
        await using var host = await JobHost.StartAsync(data, Prepared);
        Job first = await RunAsync(host, "first"), second = await RunAsync(host, "second"), worse = await RunAsync(host, "worse");

        Assert.True(first.Verdict.Accepted);
        Assert.Equal(["own object 'cube': PCDP@0.1 must rise"], worse.Verdict.Reasons);
        var (_, reason, message) = await host.Client.PublishAdapterAsync(new PublishAdapterRequest { Name = "mug", Job = worse.Id }, cancellationToken: Token).FailsAsync(StatusCode.FailedPrecondition);
        Assert.Equal("ADAPTER_REFUSED", reason);
        Assert.Contains("PCDP@0.1 must rise", message, StringComparison.Ordinal);
        Assert.Empty((await host.Client.ListAdaptersAsync(new ListAdaptersRequest(), cancellationToken: Token)).Adapters);

        PublishedAdapter one = await PublishAsync(first), again = await PublishAsync(first), two = await PublishAsync(second);

        Assert.Equal(one, again);
        Assert.Equal((first.Adapter.Digest, second.Adapter.Digest), (one.Digest, two.Digest));
        Assert.Equal([second.Id, first.Id], two.Versions.Select(version => version.Job));
        await host.ServesAsync("mug", second.Adapter.Digest);
        PublishedAdapter back = (await host.Client.RollBackAdapterAsync(new RollBackAdapterRequest { Name = "mug" }, cancellationToken: Token)).Adapter;
        Assert.Equal(first.Adapter.Digest, back.Digest);
        await host.ServesAsync("mug", first.Adapter.Digest);
        Assert.Equal("NO_EARLIER_VERSION", (await host.Client.RollBackAdapterAsync(new RollBackAdapterRequest { Name = "mug" }, cancellationToken: Token).FailsAsync(StatusCode.FailedPrecondition)).Reason);
        Assert.Equal(second.Adapter.Digest, (await host.Client.RollBackAdapterAsync(new RollBackAdapterRequest { Name = "mug", Digest = second.Adapter.Digest }, cancellationToken: Token)).Adapter.Digest);
        await host.ServesAsync("mug", second.Adapter.Digest);

        async Task<PublishedAdapter> PublishAsync(Job job) => (await host.Client.PublishAdapterAsync(new PublishAdapterRequest { Name = "mug", Job = job.Id }, cancellationToken: Token)).Adapter;
    }

    // Goal: a name never comes to mean what cannot be served. Method: the earlier version's file damaged, then gone, then its model gone; the name stays, and evaluating the
    // damaged one says what is wrong.
    [Fact]
    public async Task RollBack_FileOrModelGone_IsRefusedAndTheNameStays()
    {
        using TestData data = JobHost.Data();
        Prepare(data, "first", 1);
        Prepare(data, "second", 2);
        await using var host = await JobHost.StartAsync(data, Prepared);
        Job first = await RunAsync(host, "first", "mug"), second = await RunAsync(host, "second", "mug");
        string blob = Directory.GetFiles(data.Root, first.Adapter.Digest, SearchOption.AllDirectories).Single(), model = Path.Combine(data.Root, "models", "small");
        byte[] whole = await File.ReadAllBytesAsync(blob, Token);

        await RefusedAsync("ADAPTER_DAMAGED", () => File.Delete(blob));
        await File.WriteAllBytesAsync(blob, whole, Token);
        await RefusedAsync("MODEL_CHANGED", () => Directory.Move(model, data.PathOf("away")));
        Directory.Move(data.PathOf("away"), model);
        await host.Client.RollBackAdapterAsync(new RollBackAdapterRequest { Name = "mug" }, cancellationToken: Token);
        await File.WriteAllBytesAsync(blob, whole[..^9], Token);
        Assert.Equal("ADAPTER_DAMAGED", (await host.Client.EvaluateModelAsync(new EvaluateModelRequest { AdapterName = "mug", MeshOfJob = first.Id }, cancellationToken: Token).FailsAsync(StatusCode.FailedPrecondition)).Reason);

        async Task RefusedAsync(string reason, Action breakIt)
        {
            breakIt();
            Assert.Equal(reason, (await host.Client.RollBackAdapterAsync(new RollBackAdapterRequest { Name = "mug" }, cancellationToken: Token).FailsAsync(StatusCode.FailedPrecondition)).Reason);
            Assert.Equal(second.Adapter.Digest, Assert.Single((await host.Client.ListAdaptersAsync(new ListAdaptersRequest(), cancellationToken: Token)).Adapters).Digest);
        }
    }

    [Fact]
    public async Task Create_PublishAs_IsPublishedWhenTheGateAccepts()
    {
        using TestData data = JobHost.Data();
        Prepare(data, "first", 1);
        Prepare(data, "worse", 3, "no");
        await using var host = await JobHost.StartAsync(data, Prepared);

        Job worse = await RunAsync(host, "worse", "mug"), first = await RunAsync(host, "first", "mug");

        PublishedAdapter mug = Assert.Single((await host.Client.ListAdaptersAsync(new ListAdaptersRequest(), cancellationToken: Token)).Adapters);
        Assert.Equal((first.Id, "mug"), (Assert.Single(mug.Versions).Job, worse.PublishAs));
        await host.ServesAsync("mug", first.Adapter.Digest);
    }

    // The gateway marks calls of users' keys; who reaches the service itself is the operator.
    [Fact]
    public async Task Create_PublishAsByAUser_IsDenied()
    {
        using TestData data = JobHost.Data();
        await using var host = await JobHost.StartAsync(data, JobHost.Endless);
        var order = JobHost.Order();
        order.PublishAs = "mug";
        var (_, _, message) = await host.Client.CreateFinetuneJobAsync(order, new Metadata { { "corrmesh-caller-role", "user" } }, cancellationToken: Token).FailsAsync(StatusCode.PermissionDenied);
        Assert.StartsWith("publish_as: ", message, StringComparison.Ordinal);
        order.PublishAs = "";
        await host.Client.CreateFinetuneJobAsync(order, new Metadata { { "corrmesh-caller-role", "user" } }, cancellationToken: Token);
    }

    [Fact]
    public async Task Publish_BadNameUnknownJobOtherSettingsOrModel_AreRefused()
    {
        using TestData data = JobHost.Data();
        Prepare(data, "first", 1);
        Prepare(data, "coarse", 2, settings: EvaluationSettings.Gate with { PointCount = 16 });
        await using var host = await JobHost.StartAsync(data, Prepared);
        Job first = await RunAsync(host, "first"), coarse = await RunAsync(host, "coarse");

        Assert.Equal(["name"], (await Publish("Mug", first.Id).FailsAsync(StatusCode.InvalidArgument)).Fields);
        Assert.Equal("JOB_NOT_FOUND", (await Publish("mug", "job-0").FailsAsync(StatusCode.NotFound)).Reason);
        Assert.Equal("ADAPTER_REFUSED", (await Publish("mug", coarse.Id).FailsAsync(StatusCode.FailedPrecondition)).Reason);
        Assert.Equal("ADAPTER_NOT_FOUND", (await host.Client.RollBackAdapterAsync(new RollBackAdapterRequest { Name = "mug" }, cancellationToken: Token).FailsAsync(StatusCode.NotFound)).Reason);
        Assert.Equal(["digest"], (await host.Client.RollBackAdapterAsync(new RollBackAdapterRequest { Name = "mug", Digest = "x" }, cancellationToken: Token).FailsAsync(StatusCode.InvalidArgument)).Fields);
        data.AddModelFile("small", RandomNetwork.Write(data.PathOf("other.safetensors"), seed: 9), 14, 48, 3, 3, 16);
        Assert.Equal("MODEL_CHANGED", (await Publish("mug", first.Id).FailsAsync(StatusCode.FailedPrecondition)).Reason);

        AsyncUnaryCall<PublishAdapterResponse> Publish(string name, string job) => host.Client.PublishAdapterAsync(new PublishAdapterRequest { Name = name, Job = job }, cancellationToken: Token);
    }

    // Goal: what a run leaves can be looked at while it goes on and afterwards. Method: measurements and the gate's gauge in the stream, report and pictures by name.
    [Fact]
    public async Task Watch_MeasurementsAndGauge_ComeBeforeTheEnd()
    {
        using TestData data = JobHost.Data();
        Prepare(data, "first", 1);
        await using var host = await JobHost.StartAsync(data, $"while [ ! -e \"$3/go\" ]; do sleep 0.05; done; {Prepared} sleep 0.5");
        var order = JobHost.Order();
        order.DisplayName = "first";
        string id = (await host.Client.CreateFinetuneJobAsync(order, cancellationToken: Token)).Job.Id;
        Assert.Equal("JOB_NOT_SUCCEEDED", (await host.Client.GetReportAsync(new GetReportRequest { Id = id }, cancellationToken: Token).FailsAsync(StatusCode.FailedPrecondition)).Reason);
        using var call = host.Client.WatchJob(new WatchJobRequest { Id = id }, cancellationToken: Token);
        await call.ResponseStream.MoveNext(Token);
        await File.WriteAllTextAsync(Path.Combine(data.Root, "go"), "", Token);

        List<WatchJobResponse> events = await call.ResponseStream.ReadAllAsync(Token).ToListAsync(Token);

        Assert.Equal(0.5, events.Single(message => message.Measurement is not null).Measurement.Figures.Pcdp010);
        Assert.Equal((3u, 18u), (events.Single(message => message.Gauge is not null).Gauge.Done, events.Single(message => message.Gauge is not null).Gauge.Total));
        Assert.Null(events[^1].Job.Gauge);
        Assert.Equal(0.3, events[^1].Job.Measurement.Figures.Pcdp005);
        Assert.Equal(["bars"], events[^1].Job.Pictures);
        Assert.True(GateReport.FromJson((await host.Client.GetReportAsync(new GetReportRequest { Id = id }, cancellationToken: Token)).ReportJson).IsAccepted);
        var picture = await host.Client.GetPictureAsync(new GetPictureRequest { Id = id, Name = "bars" }, cancellationToken: Token);
        Assert.Equal(("image/svg+xml", "<svg/>"), (picture.ContentType, picture.Content.ToStringUtf8()));
        await host.Client.GetPictureAsync(new GetPictureRequest { Id = id, Name = "../report" }, cancellationToken: Token).FailsAsync(StatusCode.NotFound);
    }

    // Goal: an evaluation has a turn while a job trains, and can be asked for by file, job and name. Method: the training process never ends; evaluations do.
    [Fact]
    public async Task Evaluate_FileJobOrName_DoesNotWaitForTraining()
    {
        using TestData data = JobHost.Data();
        Prepare(data, "first", 1);
        Prepare(data, "again", 1);
        await using var host = await JobHost.StartAsync(data, $"if grep -q endless \"$3/jobs/$1/manifest.json\"; then {JobHost.Endless}; fi; {Prepared}");
        Job first = await RunAsync(host, "first", "mug");
        var training = JobHost.Order();
        training.DisplayName = "endless";
        await host.WhenAsync((await host.Client.CreateFinetuneJobAsync(training, cancellationToken: Token)).Job.Id, JobState.Running);
        byte[] file = await File.ReadAllBytesAsync(Path.Combine(data.Root, "first.safetensors"), Token);

        foreach (EvaluateModelRequest request in new EvaluateModelRequest[]
        {
            new() { AdapterContent = ByteString.CopyFrom(file), Mesh = JobHost.Order().Mesh },
            new() { AdapterOfJob = first.Id },
            new() { AdapterName = "mug", MeshOfJob = first.Id },
        })
        {
            request.DisplayName = "again";
            Job job = (await host.Client.EvaluateModelAsync(request, cancellationToken: Token)).Job;
            Assert.Equal((JobKind.Evaluate, "small", first.MeshDigest), (job.Kind, job.Model, job.MeshDigest));
            Assert.Null(job.Recipe);
            job = await host.WhenAsync(job.Id, JobState.Succeeded);
            Assert.Equal(first.Adapter.Digest, job.Adapter.Digest);
            using var download = host.Client.DownloadAdapter(new DownloadAdapterRequest { Id = job.Id }, cancellationToken: Token);
            Assert.Equal(file, (await download.ResponseStream.ReadAllAsync(Token).ToListAsync(Token)).SelectMany(part => part.Content));
        }
    }

    [Fact]
    public async Task Evaluate_BadFields_AreBlamed()
    {
        using TestData data = JobHost.Data();
        Prepare(data, "wide", 1, width: 64);
        await using var host = await JobHost.StartAsync(data, JobHost.Endless);
        MeshUpload mesh = JobHost.Order().Mesh;
        ByteString wide = ByteString.CopyFrom(await File.ReadAllBytesAsync(Path.Combine(data.Root, "wide.safetensors"), Token));

        Assert.Equal(["adapter"], await Fields(new() { Mesh = mesh }));
        Assert.Equal(["adapter_content"], await Fields(new() { Mesh = mesh, AdapterContent = ByteString.CopyFromUtf8("no adapter") }));
        Assert.Equal(["adapter"], await Fields(new() { Mesh = mesh, AdapterContent = wide }));
        Assert.Equal(["mesh"], await Fields(new() { AdapterContent = wide }));
        Assert.Equal(["settings.tokens"], await Fields(new() { Mesh = mesh, AdapterContent = wide, Settings = new() { Tokens = 7 } }));
        Job running = await host.CreateAsync();
        Assert.Equal("JOB_NOT_SUCCEEDED", (await host.Client.EvaluateModelAsync(new() { AdapterOfJob = running.Id }, cancellationToken: Token).FailsAsync(StatusCode.FailedPrecondition)).Reason);
        Assert.Equal("ADAPTER_NOT_FOUND", (await host.Client.EvaluateModelAsync(new() { AdapterName = "none", Mesh = mesh }, cancellationToken: Token).FailsAsync(StatusCode.NotFound)).Reason);
        var order = JobHost.Order();
        (order.PublishAs, order.MeasureCount) = ("No Name", 101);
        Assert.Equal(["measure_count", "publish_as"], (await host.Client.CreateFinetuneJobAsync(order, cancellationToken: Token).FailsAsync(StatusCode.InvalidArgument)).Fields);

        async Task<string[]> Fields(EvaluateModelRequest request) => (await host.Client.EvaluateModelAsync(request, cancellationToken: Token).FailsAsync(StatusCode.InvalidArgument)).Fields;
    }

    private static async Task<Job> RunAsync(JobHost host, string name, string publishAs = "")
    {
        var order = JobHost.Order();
        (order.DisplayName, order.PublishAs) = (name, publishAs);
        return await host.WhenAsync((await host.Client.CreateFinetuneJobAsync(order, cancellationToken: Token)).Job.Id, JobState.Succeeded);
    }

    // An adapter of the model `small`, and what the gate said of it.
    private static void Prepare(TestData data, string name, int seed, string? reason = null, EvaluationSettings? settings = null, int width = 48)
    {
        Adapter adapter = AdapterInitialisation.Create(new CorrMesh.Training.Finetuning.FinetuneRecipe { LoraBlocks = 2, Seed = seed }, width);
        AdapterFile.Write(data.PathOf(name + ".safetensors"), adapter);
        GateReport report = Changes.Report(Changes.Of("cube", 0.5, 0.6), null, reason is null ? [] : [reason]);
        File.WriteAllText(data.PathOf(name + ".report"), (report with { Settings = settings ?? EvaluationSettings.Gate }).ToJson());
    }
}
