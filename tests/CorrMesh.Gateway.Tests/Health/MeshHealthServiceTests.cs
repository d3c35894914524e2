using CorrMesh.Hosting;
using CorrMesh.Hosting.Health;
using CorrMesh.Protos.Features.V1;
using CorrMesh.Protos.Matching.V1;
using Grpc.Core;
using Grpc.Health.V1;
using Xunit;
using static Grpc.Health.V1.HealthCheckResponse.Types;

namespace CorrMesh.Gateway.Tests.Health;

public sealed class MeshHealthServiceTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Check_OneServiceLoads_OnlyItAndTheWholeDoNotServe()
    {
        await using var mesh = await FakeMesh.StartAsync();
        var client = new Grpc.Health.V1.Health.HealthClient(mesh.Grpc);
        async Task<ServingStatus> Status(string service) => (await client.CheckAsync(new HealthCheckRequest { Service = service }, cancellationToken: Token)).Status;

        Assert.Equal(ServingStatus.Serving, await Status(""));
        mesh.ServiceOf<ModuleHealth>(MeshTopology.Features).NotReady("model", "loading");

        Assert.Equal(ServingStatus.NotServing, await Status(""));
        Assert.Equal(ServingStatus.NotServing, await Status(FeatureService.Descriptor.FullName));
        Assert.Equal(ServingStatus.Serving, await Status(MatchingService.Descriptor.FullName));
    }

    [Fact]
    public async Task Check_UnknownService_IsNotFound()
    {
        await using var mesh = await FakeMesh.StartAsync();

        var seen = await Assert.ThrowsAsync<RpcException>(async () =>
            await new Grpc.Health.V1.Health.HealthClient(mesh.Grpc).CheckAsync(new HealthCheckRequest { Service = "x.Y" }, cancellationToken: Token));

        Assert.Equal(StatusCode.NotFound, seen.StatusCode);
    }

    [Fact]
    public async Task Watch_ServiceStopsServing_WatcherIsTold()
    {
        await using var mesh = await FakeMesh.StartAsync(settings: ("CorrMesh:Gateway:HealthInterval", "00:00:00.02"));
        using var watch = new Grpc.Health.V1.Health.HealthClient(mesh.Grpc).Watch(new HealthCheckRequest(), cancellationToken: Token);

        Assert.True(await watch.ResponseStream.MoveNext(Token));
        Assert.Equal(ServingStatus.Serving, watch.ResponseStream.Current.Status);
        mesh.ServiceOf<ModuleHealth>(MeshTopology.Matching).NotReady("model", "loading");
        Assert.True(await watch.ResponseStream.MoveNext(Token));

        Assert.Equal(ServingStatus.NotServing, watch.ResponseStream.Current.Status);
    }

    // Goal: a watcher must not keep the mesh from stopping, and hears of it before its stream ends.
    [Fact]
    public async Task Watch_MeshStops_WatcherIsToldAndTheStreamEnds()
    {
        await using var mesh = await FakeMesh.StartAsync();
        using var watch = new Grpc.Health.V1.Health.HealthClient(mesh.Grpc).Watch(new HealthCheckRequest(), cancellationToken: Token);
        Assert.True(await watch.ResponseStream.MoveNext(Token));

        var stop = mesh.StopAsync();
        Assert.True(await watch.ResponseStream.MoveNext(Token));
        Assert.Equal(ServingStatus.NotServing, watch.ResponseStream.Current.Status);
        Assert.False(await watch.ResponseStream.MoveNext(Token));
        await stop;
    }
}
