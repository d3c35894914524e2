using System.Net;
using System.Text.Json;
using CorrMesh.Features.Tests.Support;
using CorrMesh.Protos.Common.V1;
using CorrMesh.Protos.Features.V1;
using CorrMesh.Protos.Matching.V1;
using Grpc.Core;
using Grpc.Net.Client;
using Xunit;

namespace CorrMesh.Scenarios.Tests;

/// <summary>A mesh as its users see it.</summary>
public interface IStartedMesh : IAsyncDisposable
{
    /// <summary>To the gateway's HTTP API.</summary>
    HttpClient Http { get; }

    /// <summary>To the gateway's gRPC port.</summary>
    GrpcChannel Grpc { get; }
}

/// <summary>What a newcomer does first, through the gateway, with a real network: the same in one process and in many.</summary>
public abstract class Stories
{
    private static CancellationToken Test => TestContext.Current.CancellationToken;

    /// <summary>A mesh that this story may use.</summary>
    protected abstract Task<IStartedMesh> StartAsync();

    [Fact]
    public async Task Curl_ModelsFeaturesAndMatch_AnswerAsGrpcDoes()
    {
        await using IStartedMesh mesh = await StartAsync();
        // Every service is asked at once, and for the first time: on a machine that is busy with other tests one may need longer than the gateway gives it.
        HttpStatusCode health = 0;
        for (int i = 0; i < 10 && health != HttpStatusCode.OK; i++) health = (await mesh.Http.GetAsync("/healthz", Test)).StatusCode;
        Assert.Equal(HttpStatusCode.OK, health);
        JsonElement models = await WholeMesh.JsonAsync(await mesh.Http.GetAsync("/v1/models", Test));
        Assert.Equal("small", models.GetProperty("default_model").GetString());

        byte[] first = Make.Png(160, 120, 1), second = Make.Png(120, 140, 2);
        HttpResponseMessage features = await mesh.PostAsync("/v1/features", ("image", first));
        Assert.Equal(HttpStatusCode.OK, features.StatusCode);

        HttpResponseMessage answer = await mesh.PostAsync("/v1/match", ("source", first), ("target", second), ("points", "80,60;10.5,20"));
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        JsonElement[] matches = [.. (await WholeMesh.JsonAsync(answer)).GetProperty("matches").EnumerateArray()];
        MatchKeypointsResponse grpc = await new MatchingService.MatchingServiceClient(mesh.Grpc).MatchKeypointsAsync(
            new MatchKeypointsRequest { Source = Make.Source(first), Target = Make.Source(second), Selection = Make.Points((80, 60), (10.5, 20)) }, cancellationToken: Test);
        Assert.Equal(2, matches.Length);
        for (int i = 0; i < 2; i++)
        {
            Assert.Equal(grpc.Matches[i].Target.X, matches[i].GetProperty("target").GetProperty("x").GetDouble());
            Assert.Equal(grpc.Matches[i].Target.Y, matches[i].GetProperty("target").GetProperty("y").GetDouble());
            Assert.Equal(grpc.Matches[i].Similarity, matches[i].GetProperty("similarity").GetDouble(), 1e-6);
            Assert.Equal(grpc.Matches[i].Visible, matches[i].GetProperty("visible").GetBoolean());
        }
    }

    [Fact]
    public async Task Match_AnImageWithItself_LeadsBackToEveryPoint()
    {
        await using IStartedMesh mesh = await StartAsync();
        MatchKeypointsResponse response = await new MatchingService.MatchingServiceClient(mesh.Grpc).MatchKeypointsAsync(
            new MatchKeypointsRequest { Source = Make.Source(160, 120), Target = Make.Source(160, 120), Selection = Make.Points((80, 60), (40, 31), (120, 90)) }, cancellationToken: Test);
        Assert.All(response.Matches, match => Assert.Equal((match.Source, 0.0, true), (match.Target, match.CycleErrorPx, match.Visible)));
    }

    [Fact]
    public async Task BadRequests_ThroughTheGateway_NameTheField()
    {
        await using IStartedMesh mesh = await StartAsync();
        byte[] picture = Make.Png(64, 48);
        foreach (((string, object)[] parts, string field) in new (ValueTuple<string, object>[], string)[]
        {
            ([("source", picture), ("target", "no picture"u8.ToArray()), ("points", "1,1")], "target"),
            ([("source", picture), ("target", picture), ("points", "64,1")], "points[0].x"),
            ([("source", picture), ("target", picture), ("points", "1,1"), ("tokens", "7")], "tokens"),
        })
        {
            HttpResponseMessage answer = await mesh.PostAsync("/v1/match", parts);
            Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
            JsonElement problem = await WholeMesh.JsonAsync(answer);
            Assert.Equal([field], problem.GetProperty("errors").EnumerateArray().Select(error => error.GetProperty("field").GetString()));
        }

        Assert.Equal(HttpStatusCode.NotFound, (await mesh.PostAsync("/v1/match", ("source", picture), ("target", picture), ("points", "1,1"), ("model", "nothing"))).StatusCode);
    }

    // Goal: a camera's frames are answered in order, each by its own map. Method: six frames of three pictures, all asked for, compared with single calls.
    [Fact]
    public async Task Stream_SixFrames_AreAnsweredInOrderAsSingleCallsAre()
    {
        await using IStartedMesh mesh = await StartAsync();
        var client = new FeatureService.FeatureServiceClient(mesh.Grpc);
        using var stream = client.StreamFeatures(cancellationToken: Test);
        await stream.RequestStream.WriteAsync(new StreamFeaturesRequest { Config = new StreamFeaturesConfig { Policy = new StreamPolicy { Mode = StreamPolicy.Types.Mode.All } } }, Test);
        for (int i = 0; i < 6; i++)
        {
            FeatureSource source = Make.Source(96, 72, i % 3);
            await stream.RequestStream.WriteAsync(new StreamFeaturesRequest { Frame = new Frame { Sequence = (ulong)i, StampNs = 100 + i, Image = source.Image } }, Test);
            Assert.True(await stream.ResponseStream.MoveNext(Test));
            FrameFeatures features = stream.ResponseStream.Current.Features;
            Assert.Equal(((ulong)i, 100L + i), (features.Sequence, features.StampNs));
            Assert.Equal((await client.ExtractFeaturesAsync(new ExtractFeaturesRequest { Source = source }, cancellationToken: Test)).Reference, features.Reference);
        }

        await stream.RequestStream.CompleteAsync();
        Assert.False(await stream.ResponseStream.MoveNext(Test));
    }

    // Goal: keys lead to their maps wherever those are, and pictures of features and heat are PNGs. Method: 12 images by content, then by key.
    [Fact]
    public async Task KeysAndPictures_ThroughTheGateway_AreFound()
    {
        await using IStartedMesh mesh = await StartAsync();
        var client = new FeatureService.FeatureServiceClient(mesh.Grpc);
        for (int seed = 0; seed < 12; seed++)
        {
            FeatureMapReference reference = (await client.ExtractFeaturesAsync(new ExtractFeaturesRequest { Source = Make.Source(64, 48, seed) }, cancellationToken: Test)).Reference;
            Assert.Equal(reference, (await client.ExtractFeaturesAsync(new ExtractFeaturesRequest { Source = new FeatureSource { FeaturesKey = reference.FeaturesKey } }, cancellationToken: Test)).Reference);
        }

        byte[] first = Make.Png(64, 48, 1), second = Make.Png(64, 48, 2);
        foreach (HttpResponseMessage answer in new[]
        {
            await mesh.PostAsync("/v1/features:render", ("image", first)),
            await mesh.PostAsync("/v1/match:heatmap", ("source", first), ("target", second), ("point", "20,20")),
        })
        {
            byte[] picture = await answer.Content.ReadAsByteArrayAsync(Test);
            Assert.True(answer.StatusCode == HttpStatusCode.OK, System.Text.Encoding.UTF8.GetString(picture));
            Assert.Equal([0x89, (byte)'P', (byte)'N', (byte)'G'], picture[..4]);
        }
    }
}

/// <summary>The stories in one process.</summary>
public sealed class OneProcessStories : Stories
{
    protected override async Task<IStartedMesh> StartAsync() => await WholeMesh.StartAsync();
}

/// <summary>The stories against a gateway, two features processes, matching and Redis, started once for all of them.</summary>
public sealed class ManyProcessesStories(ManyProcessesStories.Started started) : Stories, IClassFixture<ManyProcessesStories.Started>
{
    protected override Task<IStartedMesh> StartAsync() => Task.FromResult<IStartedMesh>(new Shared(started.Mesh));

    /// <summary>The mesh of the class.</summary>
    public sealed class Started : IAsyncLifetime
    {
        internal ManyProcesses Mesh { get; private set; } = null!;

        public async ValueTask InitializeAsync() => Mesh = await ManyProcesses.StartAsync(2);

        public ValueTask DisposeAsync() => Mesh.DisposeAsync();
    }

    private sealed class Shared(ManyProcesses mesh) : IStartedMesh
    {
        public HttpClient Http => mesh.Http;

        public GrpcChannel Grpc => mesh.Grpc;

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}

internal static class StartedMeshExtensions
{
    /// <summary>Posts a form as curl -F does; byte arrays become files.</summary>
    public static Task<HttpResponseMessage> PostAsync(this IStartedMesh mesh, string path, params (string Name, object Value)[] parts)
    {
        var form = new MultipartFormDataContent();
        foreach ((string name, object value) in parts)
        {
            if (value is byte[] file) form.Add(new ByteArrayContent(file), name, name + ".png");
            else form.Add(new StringContent((string)value), name);
        }

        return mesh.Http.PostAsync(path, form, TestContext.Current.CancellationToken);
    }
}
