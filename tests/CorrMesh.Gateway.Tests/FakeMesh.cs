using System.Text.Json;
using CorrMesh.Hosting;
using CorrMesh.Pose;
using CorrMesh.Protos.Common.V1;
using CorrMesh.Protos.Features.V1;
using CorrMesh.Protos.Matching.V1;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Xunit;

namespace CorrMesh.Gateway.Tests;

/// <summary>A gateway in front of services whose answers a test gives; all on loopback, on free ports.</summary>
internal sealed class FakeMesh : IAsyncDisposable
{
    private readonly Mesh mesh;

    private FakeMesh(Mesh mesh)
    {
        this.mesh = mesh;
        var gateway = mesh.Endpoints.First(endpoint => endpoint.Service == MeshTopology.Gateway);
        Http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false }) { BaseAddress = gateway.Http };
        Grpc = GrpcChannel.ForAddress(gateway.Grpc, new GrpcChannelOptions { MaxReceiveMessageSize = null, MaxSendMessageSize = null });
    }

    public HttpClient Http { get; }

    public Uri GrpcAddress => mesh.Endpoints.First(endpoint => endpoint.Service == MeshTopology.Gateway).Grpc;

    public Uri AdminAddress => mesh.Endpoints.First(endpoint => endpoint.Service == MeshTopology.Features).Admin!;

    public GrpcChannel Grpc { get; }

    public static Task<FakeMesh> StartAsync(FakeFeatures? features = null, FakeMatching? matching = null, params (string Key, string Value)[] settings) =>
        StartAsync(new FakeTraining(), features, matching, new PoseModule(), settings);

    public static Task<FakeMesh> StartAsync(FakeTraining training, params (string Key, string Value)[] settings) => StartAsync(training, null, null, new PoseModule(), settings);

    public static Task<FakeMesh> StartAsync(FakePose pose, params (string Key, string Value)[] settings) => StartAsync(new FakeTraining(), null, null, pose, settings);

    private static async Task<FakeMesh> StartAsync(FakeTraining training, FakeFeatures? features, FakeMatching? matching, IMeshModule pose, (string Key, string Value)[] settings) =>
        new(await Mesh.StartAsync(
            new ConfigurationBuilder()
                .AddInMemoryCollection(new Dictionary<string, string?>
                {
                    ["CorrMesh:Listen:PortBase"] = "0",
                    ["CorrMesh:Listen:HttpPort"] = "0",
                    ["CorrMesh:Listen:GrpcPort"] = "0",
                    ["CorrMesh:Retry:Retries"] = "0",
                })
                .AddInMemoryCollection(settings.Select(setting => new KeyValuePair<string, string?>(setting.Key, setting.Value)))
                .Build(),
            [features ?? new FakeFeatures(), matching ?? new FakeMatching(), training, pose, new GatewayModule()],
            cancellationToken: TestContext.Current.CancellationToken));

    public T ServiceOf<T>(string module)
        where T : notnull => mesh.ServicesOf(module).GetRequiredService<T>();

    public Task StopAsync() => mesh.StopAsync(TestContext.Current.CancellationToken);

    /// <summary>Posts a form; byte arrays become files, with a name of their own if one is given, strings become text.</summary>
    public Task<HttpResponseMessage> PostAsync(string path, params (string Name, object Value)[] parts)
    {
        var form = new MultipartFormDataContent();
        foreach (var (name, value) in parts)
            if (value is byte[] file) form.Add(new ByteArrayContent(file), name, name + ".png");
            else if (value is (string fileName, byte[] content)) form.Add(new ByteArrayContent(content), name, fileName);
            else form.Add(new StringContent((string)value), name);
        return Http.PostAsync(path, form, TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        Grpc.Dispose();
        await mesh.DisposeAsync();
    }
}

internal sealed class FakeFeatures : FeatureService.FeatureServiceBase, IMeshModule
{
    private int frames;

    public string Name => MeshTopology.Features;

    public Func<ExtractFeaturesRequest, ServerCallContext, Task<ExtractFeaturesResponse>> OnExtract { get; init; } = (_, _) => Task.FromResult(Sample.Features());

    /// <summary>Before the first frame.</summary>
    public Func<ServerCallContext, Task> OnStream { get; init; } = _ => Task.CompletedTask;

    /// <summary>What a stream waits for before each answer but the first.</summary>
    public Task BetweenAnswers { get; init; } = Task.CompletedTask;

    /// <summary>Frames that have come in by streams.</summary>
    public int Frames => frames;

    public ExtractFeaturesRequest? Last { get; private set; }

    public void AddServices(IHostApplicationBuilder builder) => builder.Services.AddSingleton(this);

    public void MapEndpoints(IEndpointRouteBuilder endpoints) => endpoints.MapGrpcService<FakeFeatures>();

    public override Task<ListModelsResponse> ListModels(ListModelsRequest request, ServerCallContext context) => Task.FromResult(Sample.Models());

    public override Task<ExtractFeaturesResponse> ExtractFeatures(ExtractFeaturesRequest request, ServerCallContext context) => OnExtract(Last = request, context);

    public Func<RenderFeaturesRequest, Task<RenderFeaturesResponse>> OnRender { get; init; } = request => Task.FromResult(Sample.Rendered(request));

    public RenderFeaturesRequest? LastRender { get; private set; }

    public override Task<RenderFeaturesResponse> RenderFeatures(RenderFeaturesRequest request, ServerCallContext context) => OnRender(LastRender = request);

    // Answers each frame with its own numbers before it reads the next.
    public override async Task StreamFeatures(
        IAsyncStreamReader<StreamFeaturesRequest> requestStream, IServerStreamWriter<StreamFeaturesResponse> responseStream, ServerCallContext context)
    {
        await OnStream(context);
        await foreach (var message in requestStream.ReadAllAsync(context.CancellationToken))
            if (message.Frame is { } frame)
            {
                Interlocked.Increment(ref frames);
                if (frame.Sequence > 1) await BetweenAnswers;
                await responseStream.WriteAsync(new StreamFeaturesResponse { Features = new FrameFeatures { Sequence = frame.Sequence, StampNs = frame.StampNs } });
            }
    }
}

internal sealed class FakeMatching : MatchingService.MatchingServiceBase, IMeshModule
{
    public string Name => MeshTopology.Matching;

    public Func<MatchKeypointsRequest, ServerCallContext, Task<MatchKeypointsResponse>> OnMatch { get; init; } = (_, _) => Task.FromResult(Sample.Matches());

    public MatchKeypointsRequest? Last { get; private set; }

    public void AddServices(IHostApplicationBuilder builder) => builder.Services.AddSingleton(this);

    public void MapEndpoints(IEndpointRouteBuilder endpoints) => endpoints.MapGrpcService<FakeMatching>();

    public override Task<MatchKeypointsResponse> MatchKeypoints(MatchKeypointsRequest request, ServerCallContext context) => OnMatch(Last = request, context);

    public HeatmapRequest? LastHeatmap { get; private set; }

    public override Task<HeatmapResponse> Heatmap(HeatmapRequest request, ServerCallContext context)
    {
        LastHeatmap = request;
        return Task.FromResult(Sample.Heatmap());
    }
}

/// <summary>Answers that services might give.</summary>
internal static class Sample
{
    public static readonly byte[] Picture = [1, 2, 3];

    public static ListModelsResponse Models() => new()
    {
        DefaultModel = "compact",
        MinTokens = 8,
        MaxTokens = 160,
        Models =
        {
            new Model
            {
                Name = "compact", Digest = "ab", PatchSize = 14, Width = 192, Depth = 8, DefaultTokens = 40,
                Adapters = { new Adapter { Name = "paper", Digest = "cd" } },
            },
        },
    };

    public static FeatureMapReference Reference(string key) => new()
    {
        FeaturesKey = key,
        ImageSize = new ImageSize { Width = 640, Height = 480 },
        Grid = new TokenGrid { Columns = 3, Rows = 2, FirstCentre = new Point { X = 6.5, Y = 7.5 }, StepXPx = 14, StepYPx = 15 },
        Channels = 4,
        Identity = new ModelIdentity { Model = "compact", ModelDigest = "ab", Adapter = "paper", AdapterDigest = "cd" },
    };

    public static ExtractFeaturesResponse Features() => new()
    {
        Reference = Reference("k1"),
        Timings = new Timings { DecodeNs = 1_000_000, QueueNs = 2_000_000, ComputeNs = 3_000_000, CacheNs = 500_000, TotalNs = 7_000_000 },
    };

    /// <summary>One picture for each source, or one of all, with bytes that tell them apart.</summary>
    public static RenderFeaturesResponse Rendered(RenderFeaturesRequest request) => new()
    {
        Images =
        {
            request.Sources.Select((_, i) => new RenderedFeatures
            {
                Png = request.SideBySide ? ByteString.Empty : ByteString.CopyFrom((byte)i, 9),
                Reference = Reference($"k{i + 1}"),
            }),
        },
        SideBySidePng = request.SideBySide ? ByteString.CopyFrom(7, 7) : ByteString.Empty,
        Timings = new Timings { TotalNs = 1_500_000 },
    };

    public static HeatmapResponse Heatmap() => new()
    {
        Png = ByteString.CopyFrom(5, 6),
        Best = new Point { X = 3, Y = -0.25 },
        Similarity = 0.75,
        Source = Reference("k1"),
        Target = Reference("k2"),
        Timings = new Timings { TotalNs = 1_500_000 },
    };

    public static MatchKeypointsResponse Matches() => new()
    {
        Source = Reference("k1"),
        Target = Reference("k2"),
        Timings = new Timings { TotalNs = 1_500_000 },
        Matches =
        {
            new KeypointMatch { Source = new Point { X = 1.5, Y = 2 }, Target = new Point { X = 3, Y = -0.25 }, Similarity = 0.75, CycleErrorPx = 12.5, Visible = true },
        },
    };
}

internal static class ResponseExtensions
{
    public static async Task<JsonElement> JsonAsync(this HttpResponseMessage response) =>
        JsonDocument.Parse(await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).RootElement;

    /// <summary>The problem details of an answer, checked for being such, with the names of the fields that it blames.</summary>
    public static async Task<(string Detail, string[] Fields)> ProblemAsync(this HttpResponseMessage response, int status)
    {
        var problem = await response.JsonAsync();
        Assert.True(status == (int)response.StatusCode, $"{(int)response.StatusCode}: {problem}");
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        Assert.Equal(status, problem.GetProperty("status").GetInt32());
        Assert.Equal("about:blank", problem.GetProperty("type").GetString());
        Assert.False(string.IsNullOrEmpty(problem.GetProperty("title").GetString()));
        string[] fields = problem.TryGetProperty("errors", out var errors) ? [.. errors.EnumerateArray().Select(error => error.GetProperty("field").GetString()!)] : [];
        return (problem.GetProperty("detail").GetString()!, fields);
    }
}
