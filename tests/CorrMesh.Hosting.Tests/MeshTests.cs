using System.Net;
using CorrMesh.Hosting.Clients;
using CorrMesh.Hosting.Health;
using CorrMesh.Protos.Features.V1;
using Grpc.Core;
using Grpc.Health.V1;
using Grpc.Reflection.V1;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Xunit;
using static Grpc.Health.V1.HealthCheckResponse.Types;

namespace CorrMesh.Hosting.Tests;

public sealed class MeshTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Health_PartNotReadyThenReady_GrpcAndReadyzSaySo()
    {
        await using var mesh = await new FakeModule().StartAsync();
        var health = mesh.ServicesOf(MeshTopology.Features).GetRequiredService<ModuleHealth>();
        var client = new Grpc.Health.V1.Health.HealthClient(mesh.Channel());
        using var http = new HttpClient { BaseAddress = mesh.Endpoints[0].Http };
        async Task Check(ServingStatus status, HttpStatusCode code, string body)
        {
            foreach (string name in new[] { "", FeatureService.Descriptor.FullName })
                Assert.Equal(status, (await client.CheckAsync(new HealthCheckRequest { Service = name }, cancellationToken: Token)).Status);
            var answer = await http.GetAsync("/readyz", Token);
            Assert.Equal(code, answer.StatusCode);
            Assert.Equal(body, await answer.Content.ReadAsStringAsync(Token));
            Assert.Equal(HttpStatusCode.OK, (await http.GetAsync("/livez", Token)).StatusCode);
        }

        await Check(ServingStatus.Serving, HttpStatusCode.OK, "ok\n");
        health.NotReady("model", "loading compact");
        await Check(ServingStatus.NotServing, HttpStatusCode.ServiceUnavailable, "model: loading compact\n");
        health.Ready("model");
        await Check(ServingStatus.Serving, HttpStatusCode.OK, "ok\n");
    }

    [Fact]
    public async Task Health_UnknownService_IsNotFound()
    {
        await using var mesh = await new FakeModule().StartAsync();

        var seen = await Assert.ThrowsAsync<RpcException>(async () =>
            await new Grpc.Health.V1.Health.HealthClient(mesh.Channel()).CheckAsync(new HealthCheckRequest { Service = "nothing" }, cancellationToken: Token));

        Assert.Equal(StatusCode.NotFound, seen.StatusCode);
    }

    // Goal: stopping says NOT_SERVING first, lets the call in flight finish, and only then ends. Method: a call held open by
    // the test, a watcher of health, StopAsync in between.
    [Fact]
    public async Task Stop_CallInFlight_HealthTurnsFirstAndTheCallIsAnswered()
    {
        var arrived = new TaskCompletionSource();
        var release = new TaskCompletionSource();
        await using var mesh = await new FakeModule
        {
            OnExtract = async (_, _) =>
            {
                arrived.SetResult();
                await release.Task;
                return new ExtractFeaturesResponse();
            },
        }.StartAsync();
        var health = mesh.ServicesOf(MeshTopology.Features).GetRequiredService<ModuleHealth>();
        using var watch = new Grpc.Health.V1.Health.HealthClient(mesh.Channel()).Watch(new HealthCheckRequest(), cancellationToken: Token);
        Assert.True(await watch.ResponseStream.MoveNext(Token));
        Assert.Equal(ServingStatus.Serving, watch.ResponseStream.Current.Status);
        var call = mesh.Features().ExtractFeaturesAsync(new ExtractFeaturesRequest(), cancellationToken: Token).ResponseAsync;
        await arrived.Task.WaitAsync(Token);

        var stop = mesh.StopAsync(Token);
        Assert.True(await watch.ResponseStream.MoveNext(Token));
        Assert.Equal(ServingStatus.NotServing, watch.ResponseStream.Current.Status);
        Assert.False(await watch.ResponseStream.MoveNext(Token));
        Assert.True(health.Draining.IsCancellationRequested);
        Assert.False(stop.IsCompleted);
        release.SetResult();

        await call;
        await stop;
    }

    [Fact]
    public async Task Stop_CallNeverEnds_IsCutOffAtTheLimit()
    {
        var arrived = new TaskCompletionSource();
        await using var mesh = await new FakeModule
        {
            OnExtract = async (_, context) =>
            {
                arrived.SetResult();
                await Task.Delay(Timeout.Infinite, context.CancellationToken);
                return new ExtractFeaturesResponse();
            },
        }.StartAsync(("CorrMesh:Drain:Limit", "00:00:00.2"));
        var call = mesh.Features().ExtractFeaturesAsync(new ExtractFeaturesRequest(), cancellationToken: Token).ResponseAsync;
        await arrived.Task.WaitAsync(Token);

        await mesh.StopAsync(Token);

        await Assert.ThrowsAsync<RpcException>(() => call);
    }

    // Goal: one connection carries as many streams as the limit and not one more at a time. Method: each call waits until as many as
    // the limit run together, so fewer would hang; the most seen together is counted.
    [Fact]
    public async Task Calls_MoreThanTheStreamsOfAConnection_RunAsManyAtATimeAsTheLimit()
    {
        const int Limit = 3;
        int running = 0;
        int most = 0;
        var full = new TaskCompletionSource();
        await using var mesh = await new FakeModule
        {
            OnExtract = async (request, _) =>
            {
                if (request.Normalise) return new ExtractFeaturesResponse();
                int now = Interlocked.Increment(ref running);
                lock (full) most = Math.Max(most, now);
                if (now == Limit) full.TrySetResult();
                await full.Task;
                await Task.Yield();
                Interlocked.Decrement(ref running);
                return new ExtractFeaturesResponse();
            },
        }.StartAsync(("CorrMesh:Limits:StreamsPerConnection", $"{Limit}"));
        using var handler = new SocketsHttpHandler { EnableMultipleHttp2Connections = false };
        var client = new FeatureService.FeatureServiceClient(mesh.Channel(options => options.HttpHandler = handler));
        // By the end of a first call the client has been told the limit.
        await client.ExtractFeaturesAsync(new ExtractFeaturesRequest { Normalise = true }, cancellationToken: Token);

        await Task.WhenAll(Enumerable.Range(0, 4 * Limit).Select(_ => client.ExtractFeaturesAsync(new ExtractFeaturesRequest(), cancellationToken: Token).ResponseAsync));

        Assert.Equal(Limit, most);
    }

    [Fact]
    public async Task Metrics_AfterAFailedCall_CountIt()
    {
        await using var mesh = await new FakeModule { OnExtract = (_, _) => throw new Hosting.Errors.FieldException("f", "d") }.StartAsync();
        using var http = new HttpClient { BaseAddress = mesh.Endpoints[0].Http };
        await Assert.ThrowsAsync<RpcException>(async () => await mesh.Features().ExtractFeaturesAsync(new ExtractFeaturesRequest(), cancellationToken: Token));

        string metrics = await http.GetStringAsync("/metrics", Token);

        Assert.Matches("corrmesh_hosting_call_failures_total\\{[^}]*code=\"InvalidArgument\"[^}]*\\} [1-9]", metrics);
        Assert.Contains("http_server_request_duration_seconds", metrics, StringComparison.Ordinal);
        Assert.Contains("dotnet_", metrics, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Reflection_List_NamesTheModulesContracts()
    {
        await using var mesh = await new FakeModule().StartAsync();
        using var call = new ServerReflection.ServerReflectionClient(mesh.Channel()).ServerReflectionInfo(cancellationToken: Token);
        await call.RequestStream.WriteAsync(new ServerReflectionRequest { ListServices = "" }, Token);
        Assert.True(await call.ResponseStream.MoveNext(Token));

        Assert.Equal(
            ["corrmesh.features.v1.FeatureService", "corrmesh.status.v1.StatusService", "grpc.health.v1.Health"],
            call.ResponseStream.Current.ListServicesResponse.Service.Select(service => service.Name).Order());
    }

    [Fact]
    public async Task GrpcPort_PlainHttpRequest_IsRefused()
    {
        await using var mesh = await new FakeModule().StartAsync();
        using var http = new HttpClient { BaseAddress = mesh.Endpoints[0].Grpc, DefaultRequestVersion = HttpVersion.Version20, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };

        Assert.Equal(HttpStatusCode.UnsupportedMediaType, (await http.GetAsync("/metrics", Token)).StatusCode);
    }

    // Goal: a module calls another in the same process at the address it really got, passing its deadline on. Method: a
    // matching module on free ports whose one call asks features, which reports the deadline that it saw.
    [Fact]
    public async Task Clients_TwoModulesInOneProcess_FindEachOtherAndPassTheDeadline()
    {
        DateTime seen = default;
        var features = new FakeModule
        {
            OnExtract = (_, context) =>
            {
                seen = context.Deadline;
                return Task.FromResult(new ExtractFeaturesResponse { Reference = new FeatureMapReference { FeaturesKey = "k" } });
            },
        };
        await using var mesh = await Mesh.StartAsync(FakeModule.Settings(), [new MatchingModule(), features], cancellationToken: Token);
        var deadline = DateTime.UtcNow.AddMinutes(3);
        var client = new Protos.Matching.V1.MatchingService.MatchingServiceClient(Grpc.Net.Client.GrpcChannel.ForAddress(mesh.Endpoints[1].Grpc));

        var response = await client.MatchDenseAsync(new Protos.Matching.V1.MatchDenseRequest(), deadline: deadline, cancellationToken: Token);

        Assert.Equal([MeshTopology.Features, MeshTopology.Matching], mesh.Endpoints.Select(endpoint => endpoint.Service));
        Assert.Equal("k", response.Source.FeaturesKey);
        Assert.InRange(seen, deadline.AddMinutes(-1), deadline.AddMinutes(1));
    }

    [Fact]
    public void Addresses_NothingRunsHere_AreTheTopologysPorts()
    {
        var addresses = new MeshAddresses(FakeModule.Settings(("CorrMesh:Services:matching", "http://10.0.0.7:9, http://10.0.0.8:9")), new CorrMesh.Hosting.Options.ListenOptions { PortBase = 5300 });

        Assert.Equal([new Uri("http://127.0.0.1:5301/")], addresses.Of(MeshTopology.Features));
        Assert.Equal([new Uri("http://10.0.0.7:9/"), new Uri("http://10.0.0.8:9/")], addresses.Of(MeshTopology.Matching));
    }

    internal sealed class MatchingModule : IMeshModule
    {
        public string Name => MeshTopology.Matching;

        public void AddServices(IHostApplicationBuilder builder)
        {
        }

        public void MapEndpoints(IEndpointRouteBuilder endpoints) => endpoints.MapGrpcService<Service>();

        private sealed class Service(FeatureService.FeatureServiceClient features) : Protos.Matching.V1.MatchingService.MatchingServiceBase
        {
            public override async Task<Protos.Matching.V1.MatchDenseResponse> MatchDense(Protos.Matching.V1.MatchDenseRequest request, ServerCallContext context) =>
                new() { Source = (await features.ExtractFeaturesAsync(new ExtractFeaturesRequest())).Reference };
        }
    }
}
