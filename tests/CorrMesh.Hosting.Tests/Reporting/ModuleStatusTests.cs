using CorrMesh.Hosting.Errors;
using CorrMesh.Hosting.Health;
using CorrMesh.Hosting.Reporting;
using CorrMesh.Protos.Common.V1;
using CorrMesh.Protos.Features.V1;
using CorrMesh.Protos.Status.V1;
using Grpc.Core;
using Grpc.Health.V1;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace CorrMesh.Hosting.Tests.Reporting;

public sealed class ModuleStatusTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task GetStatus_ModuleTells_FactsNumbersAndHealthCome()
    {
        await using var mesh = await new FakeModule().StartAsync();
        var module = mesh.ServicesOf(MeshTopology.Features).GetRequiredService<ModuleStatus>();
        int length = 3;
        module.Fact("device", () => "cpu");
        module.Number("queue.length", () => length);

        var status = await Ask(mesh);

        Assert.Equal(("features", Environment.ProcessId, true, "cpu", 3), (status.Service, status.ProcessId, status.Serving, status.Facts["device"], status.Numbers["queue.length"]));
        Assert.Matches(@"^\d+\.\d+\.\d+$", status.Version);
        Assert.InRange(DateTimeOffset.UtcNow - status.StartTime.ToDateTimeOffset(), TimeSpan.Zero, TimeSpan.FromMinutes(5));
        Assert.True(status.UptimeNs > 0);
        length = 4;
        mesh.ServicesOf(MeshTopology.Features).GetRequiredService<ModuleHealth>().NotReady("model", "loading");
        status = await Ask(mesh);
        Assert.Equal((false, "loading", 4), (status.Serving, status.Reasons["model"], status.Numbers["queue.length"]));
    }

    // Goal: calls of the contract are counted with their outcome and their times; looking at health and status is not. Method: one
    // answered call with times, one refused, one stream that fails, some looks.
    [Fact]
    public async Task GetStatus_AfterCalls_CountsThoseOfTheContract()
    {
        await using var mesh = await new FakeModule
        {
            OnExtract = (request, _) => request.Normalise
                ? throw new FieldException("source", "d")
                : Task.FromResult(new ExtractFeaturesResponse { Timings = new Timings { DecodeNs = 10, TotalNs = 30 } }),
            OnStream = (_, _, _) => throw new FieldException("config", "d"),
        }.StartAsync();
        await mesh.Features().ExtractFeaturesAsync(new ExtractFeaturesRequest(), cancellationToken: Token);
        await Assert.ThrowsAsync<RpcException>(async () => await mesh.Features().ExtractFeaturesAsync(new ExtractFeaturesRequest { Normalise = true }, cancellationToken: Token));
        using var stream = mesh.Features().StreamFeatures(cancellationToken: Token);
        await Assert.ThrowsAsync<RpcException>(() => stream.ResponseStream.MoveNext(Token));
        await new Grpc.Health.V1.Health.HealthClient(mesh.Channel()).CheckAsync(new HealthCheckRequest(), cancellationToken: Token);
        await Ask(mesh);

        var status = await Ask(mesh);

        Assert.Equal((3, 2), (status.Numbers["requests"], status.Numbers["failures"]));
        Assert.Equal((1u, 10, 30), (status.Latency.Count, status.Latency.Decode.MeanNs, status.Latency.Total.P99Ns));
    }

    [Fact]
    public async Task Readyz_ModuleHasFacts_PrintsThem()
    {
        await using var mesh = await new FakeModule().StartAsync();
        mesh.ServicesOf(MeshTopology.Features).GetRequiredService<ModuleStatus>().Fact("device", () => "cuda:1");
        using var http = new HttpClient { BaseAddress = mesh.Endpoints[0].Http };

        Assert.Equal("ok\ndevice: cuda:1\n", await http.GetStringAsync("/readyz", Token));
        mesh.ServicesOf(MeshTopology.Features).GetRequiredService<ModuleHealth>().NotReady("model", "loading");
        Assert.Equal("model: loading\ndevice: cuda:1\n", await (await http.GetAsync("/readyz", Token)).Content.ReadAsStringAsync(Token));
    }

    private static async Task<GetStatusResponse> Ask(Mesh mesh) =>
        await new StatusService.StatusServiceClient(mesh.Channel()).GetStatusAsync(new GetStatusRequest(), cancellationToken: Token);
}
