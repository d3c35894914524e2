using System.Diagnostics;
using System.Text;
using CorrMesh.Features.Tests.Support;
using CorrMesh.Protos.Training.V1;
using Google.Protobuf;
using Grpc.Core;
using Xunit;

namespace CorrMesh.Training.Tests.Jobs;

/// <summary>The service against shells in the place of the processes that train.</summary>
public sealed class TrainingServiceTests
{
    // Reports two steps, and leaves what a job leaves that has succeeded.
    private const string Quick = """
        echo '{"progress":{"step":1,"loss":0.5,"gradient_norm":2,"steps_per_second":4,"remaining_seconds":0.25,"live_tensors":7,"cache_size":8}}'
        echo '{"progress":{"step":2,"loss":0.25,"gradient_norm":1,"steps_per_second":4,"remaining_seconds":0,"live_tensors":7,"cache_size":8}}'
        printf adapter > "$3/jobs/$1/adapter.safetensors"
        printf '{"schema_version":1,"is_accepted":false,"reasons":["for a test"],"backbone_digest":"b","adapter_digest":"a","settings":{}}' > "$3/jobs/$1/report.json"
        echo '{"schema_version":1}' > "$3/jobs/$1/adapter.json"
        """;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Create_TwoFieldsOutOfBounds_BlamesBoth()
    {
        using TestData data = JobHost.Data();
        await using var host = await JobHost.StartAsync(data, JobHost.Endless);
        var order = JobHost.Order();
        (order.Recipe.Tokens, order.Recipe.LearningRate, order.ViewCount) = (161, double.NaN, 7);

        var (fields, _, _) = await host.Client.CreateFinetuneJobAsync(order, cancellationToken: Token).FailsAsync(StatusCode.InvalidArgument);

        Assert.Equal(["recipe.learning_rate", "recipe.tokens", "view_count"], fields.Order(StringComparer.Ordinal));
        Assert.False(Directory.Exists(Path.Combine(data.Root, "jobs")), "a refused order leaves nothing");
    }

    public static TheoryData<string, string, string> BadMeshes => new()
    {
        { "no faces", "v 0 0 0\nv 1 0 0\nv 0 1 0\n", "mesh" },
        { "not a number", "v 0 0 0\nv nan 0 0\nv 0 1 0\nf 1 2 3\n", "mesh" },
        { "index out of range", "v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 9\n", "mesh" },
        { "no extent", "v 1 1 1\nv 1 1 1\nv 1 1 1\nf 1 2 3\n", "mesh" },
        { "an archive", "PK\u0003\u0004zip", "mesh" },
        { "nothing", "", "mesh" },
        { "too many faces", "v 0 0 0\nv 1 0 0\nv 0 1 0\n" + string.Concat(Enumerable.Repeat("f 1 2 3\n", 101)), "mesh" },
        { "too many vertices", string.Concat(Enumerable.Range(0, 101).Select(i => $"v {i} 0 0\n")) + "f 1 2 3\n", "mesh" },
        { "too many bytes", "v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n#" + new string('x', 5000), "mesh" },
    };

    [Theory]
    [MemberData(nameof(BadMeshes))]
    public async Task Create_MeshThatIsNone_IsRefusedWithItsField(string what, string content, string field)
    {
        using TestData data = JobHost.Data();
        await using var host = await JobHost.StartAsync(
            data, JobHost.Endless, ("CorrMesh:Training:MeshFaces", "100"), ("CorrMesh:Training:MeshVertices", "100"), ("CorrMesh:Training:MeshBytes", "4096"));
        var order = JobHost.Order();
        order.Mesh.Files[0].Content = ByteString.CopyFromUtf8(content);

        var (fields, _, message) = await host.Client.CreateFinetuneJobAsync(order, cancellationToken: Token).FailsAsync(StatusCode.InvalidArgument);

        Assert.True(fields is [var blamed] && blamed == field, $"{what}: {message}");
    }

    [Fact]
    public async Task Create_NoSourceUnknownModelOrJob_AreRefused()
    {
        using TestData data = JobHost.Data();
        await using var host = await JobHost.StartAsync(data, JobHost.Endless);
        var order = JobHost.Order();
        order.Model = "none";
        Assert.Equal("MODEL_NOT_FOUND", (await host.Client.CreateFinetuneJobAsync(order, cancellationToken: Token).FailsAsync(StatusCode.NotFound)).Reason);
        order = JobHost.Order();
        order.Recipe.LoraBlocks = 4;   // the model has 3
        Assert.Equal(["recipe.lora_blocks"], (await host.Client.CreateFinetuneJobAsync(order, cancellationToken: Token).FailsAsync(StatusCode.InvalidArgument)).Fields);
        order = JobHost.Order();
        order.Mesh.Files.Add(new MeshFile { Content = ByteString.CopyFromUtf8("x") });
        Assert.Equal(["mesh.files[1].name"], (await host.Client.CreateFinetuneJobAsync(order, cancellationToken: Token).FailsAsync(StatusCode.InvalidArgument)).Fields);
        order = JobHost.Order();
        order.MeshOfJob = "job-0";
        Assert.Equal("JOB_NOT_FOUND", (await host.Client.CreateFinetuneJobAsync(order, cancellationToken: Token).FailsAsync(StatusCode.NotFound)).Reason);
        order.ClearSource();
        Assert.Equal(["mesh"], (await host.Client.CreateFinetuneJobAsync(order, cancellationToken: Token).FailsAsync(StatusCode.InvalidArgument)).Fields);
        Assert.Equal("JOB_NOT_FOUND", (await host.Client.GetJobAsync(new GetJobRequest { Id = "../models/small" }, cancellationToken: Token).FailsAsync(StatusCode.NotFound)).Reason);
    }

    [Fact]
    public async Task Create_Repeated_GivesTheSameJobAndRefusesAnother()
    {
        using TestData data = JobHost.Data();
        await using var host = await JobHost.StartAsync(data, JobHost.Endless);

        Job first = await host.CreateAsync("mine"), again = await host.CreateAsync("mine"), other = await host.CreateAsync(), third = await host.CreateAsync();

        Assert.Equal(first.Id, again.Id);
        Assert.Equal(3, new[] { first.Id, other.Id, third.Id }.Distinct().Count());
        var order = JobHost.Order("mine");
        order.Recipe.Seed = 7;
        await host.Client.CreateFinetuneJobAsync(order, cancellationToken: Token).FailsAsync(StatusCode.AlreadyExists);
    }

    [Fact]
    public async Task Queue_ThreeJobs_TakeTurnsAndCanBeCancelledAndResumed()
    {
        using TestData data = JobHost.Data();
        // Says which process it is, so that its end can be seen.
        await using var host = await JobHost.StartAsync(data, "echo $$ > \"$3/$1.pid\"; " + JobHost.Endless, ("CorrMesh:Training:QueuedJobs", "2"));
        string a = (await host.CreateAsync()).Id;
        await host.WhenAsync(a, JobState.Running);
        string b = (await host.CreateAsync()).Id, c = (await host.CreateAsync()).Id;

        Assert.Equal((JobState.Queued, 1u), Place(await host.GetAsync(b)));
        Assert.Equal((JobState.Queued, 2u), Place(await host.GetAsync(c)));
        Assert.Equal("QUEUE_FULL", (await host.Client.CreateFinetuneJobAsync(JobHost.Order(), cancellationToken: Token).FailsAsync(StatusCode.ResourceExhausted)).Reason);
        await host.Client.CancelJobAsync(new CancelJobRequest { Id = b }, cancellationToken: Token);
        string pidFile = Path.Combine(data.Root, $"{a}.pid");
        while (!File.Exists(pidFile) || File.ReadAllText(pidFile).Length == 0) await Task.Delay(20, Token);
        using var process = Process.GetProcessById(int.Parse(File.ReadAllText(pidFile), System.Globalization.CultureInfo.InvariantCulture));
        Assert.Equal(JobState.Cancelled, (await host.Client.CancelJobAsync(new CancelJobRequest { Id = a }, cancellationToken: Token)).Job.State);
        await process.WaitForExitAsync(Token);
        Assert.Equal(JobState.Cancelled, (await host.Client.CancelJobAsync(new CancelJobRequest { Id = a }, cancellationToken: Token)).Job.State);   // repeated
        await host.WhenAsync(c, JobState.Running);
        Assert.Equal((JobState.Queued, 1u), Place((await host.Client.ResumeJobAsync(new ResumeJobRequest { Id = a }, cancellationToken: Token)).Job));
        Assert.Equal(JobState.Cancelled, (await host.GetAsync(b)).State);

        static (JobState, uint) Place(Job job) => (job.State, job.QueuePosition);
    }

    [Fact]
    public async Task Process_KeepsDying_JobFailsWithItsLastWords()
    {
        using TestData data = JobHost.Data();
        await using var host = await JobHost.StartAsync(data, "echo x >> \"$3/tries\"; echo no such thing >&2; exit 7", ("CorrMesh:Training:Tries", "3"));

        Job job = await host.WhenAsync((await host.CreateAsync()).Id, JobState.Failed);

        Assert.Equal("its process died 3 times without getting further than step 0; the last time: its process ended with exit code 7: no such thing", job.Reason);
        Assert.Equal(3, File.ReadAllLines(Path.Combine(data.Root, "tries")).Length);
        await host.Client.ResumeJobAsync(new ResumeJobRequest { Id = job.Id }, cancellationToken: Token);
        await host.WhenAsync(job.Id, JobState.Failed);
        Assert.Equal(6, File.ReadAllLines(Path.Combine(data.Root, "tries")).Length);
    }

    [Fact]
    public async Task Process_SaysThatItCannot_JobFailsAtOnce()
    {
        using TestData data = JobHost.Data();
        await using var host = await JobHost.StartAsync(data, """echo x >> "$3/tries"; echo '{"refused":"checkpoint of step 5: No space left on device"}'; exit 2""");

        Job job = await host.WhenAsync((await host.CreateAsync()).Id, JobState.Failed);

        Assert.Equal("checkpoint of step 5: No space left on device", job.Reason);
        Assert.Single(File.ReadAllLines(Path.Combine(data.Root, "tries")));
    }

    // Goal: a job that dies often, but each time after more steps, is not given up. Method: each process reports one step more than the one before.
    [Fact]
    public async Task Process_DiesButGetsFurther_JobGoesOn()
    {
        using TestData data = JobHost.Data();
        await using var host = await JobHost.StartAsync(
            data,
            "echo x >> \"$3/tries\"; n=$(wc -l < \"$3/tries\")\nif [ $n -gt 5 ]; then\n" + Quick + """

            exit 0
            fi
            echo '{"progress":{"step":'$n',"loss":1,"gradient_norm":1,"steps_per_second":1,"remaining_seconds":1,"live_tensors":1,"cache_size":1}}'
            kill -9 $$
            """,
            ("CorrMesh:Training:Tries", "2"));

        Job job = await host.WhenAsync((await host.CreateAsync()).Id, JobState.Succeeded);

        Assert.Equal("", job.Reason);
    }

    [Fact]
    public async Task Watch_JobThatSucceeds_TellsStateProgressAndEnd()
    {
        using TestData data = JobHost.Data();
        await using var host = await JobHost.StartAsync(data, $"while [ ! -e \"$3/go\" ]; do sleep 0.05; done; {Quick}");
        string id = (await host.CreateAsync()).Id;
        await host.WhenAsync(id, JobState.Running);
        using var call = host.Client.WatchJob(new WatchJobRequest { Id = id }, cancellationToken: Token);
        Assert.True(await call.ResponseStream.MoveNext(Token));
        Assert.Equal(JobState.Running, call.ResponseStream.Current.Job.State);
        await File.WriteAllTextAsync(Path.Combine(data.Root, "go"), "", Token);

        var events = new List<string>();
        await foreach (var message in call.ResponseStream.ReadAllAsync(Token)) events.Add(message.Progress is { } progress ? $"{progress.Step}: {progress.Loss}" : $"{message.Job.State}");

        Assert.Equal(["1: 0.5", "2: 0.25", "Succeeded"], events);
        Job job = await host.GetAsync(id);
        Assert.Equal(("""{"schema_version":1}""" + "\n", 7L, 2u), (job.Adapter.CardJson, job.Adapter.Size, job.Progress.Step));
        using var later = host.Client.WatchJob(new WatchJobRequest { Id = id, AfterStep = 1 }, cancellationToken: Token);
        List<WatchJobResponse> rest = await later.ResponseStream.ReadAllAsync(Token).ToListAsync(Token);
        Assert.Equal((2, JobState.Succeeded, 2u), (rest.Count, rest[0].Job.State, rest[1].Progress.Step));
        using var download = host.Client.DownloadAdapter(new DownloadAdapterRequest { Id = id }, cancellationToken: Token);
        Assert.Equal("adapter", string.Concat((await download.ResponseStream.ReadAllAsync(Token).ToListAsync(Token)).Select(part => part.Content.ToStringUtf8())));
        Assert.Equal("JOB_ENDED", (await host.Client.CancelJobAsync(new CancelJobRequest { Id = id }, cancellationToken: Token).FailsAsync(StatusCode.FailedPrecondition)).Reason);
        Assert.Equal("JOB_ENDED", (await host.Client.ResumeJobAsync(new ResumeJobRequest { Id = id }, cancellationToken: Token).FailsAsync(StatusCode.FailedPrecondition)).Reason);
    }

    [Fact]
    public async Task List_PageByPage_GivesEveryJobOnceNewestFirst()
    {
        using TestData data = JobHost.Data();
        await using var host = await JobHost.StartAsync(data, JobHost.Endless);
        Assert.Empty((await host.Client.ListJobsAsync(new ListJobsRequest(), cancellationToken: Token)).Jobs);
        var made = new List<string>();
        for (int i = 0; i < 5; i++) made.Add((await host.CreateAsync()).Id);

        var seen = new List<string>();
        string token = "";
        do
        {
            var page = await host.Client.ListJobsAsync(new ListJobsRequest { PageSize = 2, PageToken = token }, cancellationToken: Token);
            seen.AddRange(page.Jobs.Select(job => job.Id));
            token = page.NextPageToken;
        }
        while (token.Length > 0);

        Assert.Equal(made.AsEnumerable().Reverse(), seen);
        Assert.Equal(["page_size"], (await host.Client.ListJobsAsync(new ListJobsRequest { PageSize = 101 }, cancellationToken: Token).FailsAsync(StatusCode.InvalidArgument)).Fields);
        Assert.Equal(["page_token"], (await host.Client.ListJobsAsync(new ListJobsRequest { PageToken = "x" }, cancellationToken: Token).FailsAsync(StatusCode.InvalidArgument)).Fields);
    }

    // Goal: what has been accepted outlives its service, and two services never run one job. Method: a second service on the same data directory waits
    // until the first has stopped, and then has its jobs; one manifest is damaged in between.
    [Fact]
    public async Task Restart_JobsOfTheServiceBefore_AreTakenOver()
    {
        using TestData data = JobHost.Data();
        var first = await JobHost.StartAsync(data, JobHost.Endless);
        string running = (await first.CreateAsync()).Id, waiting = (await first.CreateAsync()).Id, damaged = (await first.CreateAsync()).Id;
        await first.WhenAsync(running, JobState.Running);
        await using var second = await JobHost.StartAsync(data, JobHost.Endless);
        Assert.Equal("LOADING", (await second.Client.GetJobAsync(new GetJobRequest { Id = running }, cancellationToken: Token).FailsAsync(StatusCode.Unavailable)).Reason);
        Assert.Equal("LOADING", (await second.Client.CreateFinetuneJobAsync(JobHost.Order(), cancellationToken: Token).FailsAsync(StatusCode.Unavailable)).Reason);

        await File.WriteAllTextAsync(Path.Combine(data.Root, "jobs", damaged, "manifest.json"), "{", Token);
        await first.DisposeAsync();

        await second.WhenAsync(running, JobState.Running);
        Assert.Equal(JobState.Queued, (await second.GetAsync(waiting)).State);
        await second.Client.GetJobAsync(new GetJobRequest { Id = damaged }, cancellationToken: Token).FailsAsync(StatusCode.NotFound);
    }

    [Fact]
    public async Task Create_DataDirectoryCannotBeWritten_SaysSoAndLosesNothing()
    {
        using TestData data = JobHost.Data();
        await using var host = await JobHost.StartAsync(data, JobHost.Endless);
        string blobs = Path.Combine(data.Root, "blobs"), aside = Path.Combine(data.Root, "aside");
        Directory.Move(blobs, aside);
        await File.WriteAllTextAsync(blobs, "in the way", Token);

        var (_, reason, message) = await host.Client.CreateFinetuneJobAsync(JobHost.Order("mine"), cancellationToken: Token).FailsAsync(StatusCode.FailedPrecondition);

        Assert.Equal("STORAGE_UNAVAILABLE", reason);
        Assert.DoesNotContain(data.Root, message, StringComparison.Ordinal);
        Assert.Empty((await host.Client.ListJobsAsync(new ListJobsRequest(), cancellationToken: Token)).Jobs);
        File.Delete(blobs);
        Directory.Move(aside, blobs);
        await host.WhenAsync((await host.CreateAsync("mine")).Id, JobState.Running);
    }

    [Fact]
    public async Task Create_MeshOfAnEarlierJob_IsTheSameMesh()
    {
        using TestData data = JobHost.Data();
        await using var host = await JobHost.StartAsync(data, JobHost.Endless);
        Job first = await host.CreateAsync();
        var order = JobHost.Order();
        order.MeshOfJob = first.Id;

        Job second = (await host.Client.CreateFinetuneJobAsync(order, cancellationToken: Token)).Job;

        Assert.Equal(first.MeshDigest, second.MeshDigest);
        Assert.Equal(JobHost.Cube, Encoding.UTF8.GetString(await File.ReadAllBytesAsync(Path.Combine(data.Root, "blobs", "sha256", second.MeshDigest[..2], second.MeshDigest), Token)));
    }
}
