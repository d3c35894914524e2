using CorrMesh.Features;
using CorrMesh.Features.Execution;
using CorrMesh.Features.Tests.Support;
using CorrMesh.Hosting;
using CorrMesh.Hosting.Errors;
using CorrMesh.Protos.Features.V1;
using CorrMesh.Protos.Training.V1;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Xunit;
using Contract = CorrMesh.Protos.Training.V1.TrainingService;

namespace CorrMesh.Training.Tests.Jobs;

/// <summary>The training module in this process, beside features with a small network; a job's process is what the test says.</summary>
internal sealed class JobHost : IAsyncDisposable
{
    /// <summary>A job's process that goes on until it is killed, or its input ends.</summary>
    public const string Endless = "cat >/dev/null";

    private readonly Mesh mesh;
    private readonly GrpcChannel channel;

    private JobHost(Mesh mesh)
    {
        this.mesh = mesh;
        channel = GrpcChannel.ForAddress(mesh.Endpoints.First(endpoint => endpoint.Service == MeshTopology.Training).Grpc, new GrpcChannelOptions { MaxReceiveMessageSize = null });
    }

    public Contract.TrainingServiceClient Client => new(channel);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <param name="script">For a shell, in the place of the real program: $1 is the job's id, $3 the data directory.</param>
    public static async Task<JobHost> StartAsync(TestData data, string script, params (string Key, string Value)[] settings) => new(await Mesh.StartAsync(
        new ConfigurationBuilder().AddInMemoryCollection(
        [
            new("CorrMesh:Listen:PortBase", "0"), new("CorrMesh:Data:Directory", data.Root), new("CorrMesh:Features:DefaultModel", "small"), new("CorrMesh:Retry:Retries", "0"),
            .. settings.Select(setting => new KeyValuePair<string, string?>(setting.Key, setting.Value)),
        ]).Build(),
        [new FeaturesModule(), new TrainingModule(["sh", "-c", script])],
        services: services => services.AddSingleton<IFeatureEngine>(new FakeEngine()),
        cancellationToken: Token));

    /// <summary>A data directory with the model `small`: 48 channels, 3 blocks.</summary>
    public static TestData Data()
    {
        var data = new TestData();
        data.AddModelFile("small", RandomNetwork.Write(data.PathOf("small.safetensors")), 14, 48, 3, 3, 16);
        return data;
    }

    /// <summary>A job on a coloured cube.</summary>
    public static CreateFinetuneJobRequest Order(string requestId = "") => new()
    {
        RequestId = requestId,
        ViewCount = 8,
        MeasureCount = 2,
        Mesh = new MeshUpload { Files = { new MeshFile { Content = ByteString.CopyFromUtf8(Cube) } } },
        Recipe = new FinetuneRecipe { Iterations = 40, Tokens = 8, Keypoints = 32, LoraBlocks = 2, LearningRate = 1e-3 },
    };

    public static string Cube => """
        v 0 0 0 1 0 0
        v 1 0 0 0 1 0
        v 1 1 0 0 0 1
        v 0 1 0 1 1 0
        v 0 0 1 0 1 1
        v 1 0 1 1 0 1
        v 1 1 1 1 1 1
        v 0 1 1 0.3 0.3 0.3
        f 1 4 3 2
        f 5 6 7 8
        f 1 2 6 5
        f 2 3 7 6
        f 3 4 8 7
        f 4 1 5 8

        """;

    public async Task<Job> CreateAsync(string requestId = "") => (await Client.CreateFinetuneJobAsync(Order(requestId), cancellationToken: Token)).Job;

    public async Task<Job> GetAsync(string id) => (await Client.GetJobAsync(new GetJobRequest { Id = id }, cancellationToken: Token)).Job;

    /// <summary>The job, as soon as it is in a state.</summary>
    public Task<Job> WhenAsync(string id, JobState state) => WhenAsync(Client, id, job => job.State == state);

    /// <summary>The job, as soon as something holds for it.</summary>
    public static async Task<Job> WhenAsync(Contract.TrainingServiceClient client, string id, Func<Job, bool> holds)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Token);
        patience.CancelAfter(TimeSpan.FromMinutes(6));   // jobs run when nobody else wants the processor
        while (true)
        {
            Job job = (await client.GetJobAsync(new GetJobRequest { Id = id }, cancellationToken: patience.Token)).Job;
            if (holds(job)) return job;
            await Task.Delay(20, patience.Token);
        }
    }

    /// <summary>Waits until the feature service lists an adapter of `small` with a digest.</summary>
    public async Task ServesAsync(string name, string digest)
    {
        using var features = GrpcChannel.ForAddress(mesh.Endpoints.First(endpoint => endpoint.Service == MeshTopology.Features).Grpc);
        var client = new CorrMesh.Protos.Features.V1.FeatureService.FeatureServiceClient(features);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Token);
        patience.CancelAfter(TimeSpan.FromSeconds(30));
        while (!(await client.ListModelsAsync(new ListModelsRequest(), cancellationToken: patience.Token)).Models.Single(model => model.Name == "small").Adapters.Any(adapter => adapter.Name == name && adapter.Digest == digest))
            await Task.Delay(50, patience.Token);
    }

    public Task StopAsync() => mesh.StopAsync(Token);

    public async ValueTask DisposeAsync()
    {
        channel.Dispose();
        await mesh.DisposeAsync();
    }
}

internal static class JobCalls
{
    /// <summary>Asserts that a call fails with a code, and gives the fields that it blames and its reason.</summary>
    public static async Task<(string[] Fields, string? Reason, string Message)> FailsAsync<T>(this AsyncUnaryCall<T> call, StatusCode code)
    {
        var error = await Assert.ThrowsAsync<RpcException>(() => call.ResponseAsync);
        Assert.True(code == error.StatusCode, error.ToString());
        return ([.. error.FieldViolations().Select(violation => violation.Field)], error.ErrorReason(), error.Status.Detail);
    }
}
