using System.Net;
using CorrMesh.Hosting;
using CorrMesh.Hosting.Health;
using Xunit;

namespace CorrMesh.Gateway.Tests.Http;

public sealed class HealthRoutesTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task GetHealthz_EveryServiceServes_Is200()
    {
        await using var mesh = await FakeMesh.StartAsync();

        Assert.Equal("""{"status":"serving","services":{"features":"serving","matching":"serving","training":"serving","pose":"serving"}}""", await mesh.Http.GetStringAsync("/healthz", Token));
    }

    [Fact]
    public async Task GetHealthz_OneServiceLoads_Is503AndNamesIt()
    {
        await using var mesh = await FakeMesh.StartAsync();
        mesh.ServiceOf<ModuleHealth>(MeshTopology.Matching).NotReady("model", "loading");

        var (_, fields) = await (await mesh.Http.GetAsync("/healthz", Token)).ProblemAsync(503);

        Assert.Equal([MeshTopology.Matching], fields);
    }

    [Fact]
    public async Task GetHealthz_OneServiceIsNotThere_Is503AndNamesIt()
    {
        await using var mesh = await FakeMesh.StartAsync(settings: ("CorrMesh:Services:features", "http://127.0.0.1:1"));

        var (_, fields) = await (await mesh.Http.GetAsync("/healthz", Token)).ProblemAsync(503);

        Assert.Equal([MeshTopology.Features], fields);
    }

    [Theory]
    [InlineData("/livez")]
    [InlineData("/readyz")]
    [InlineData("/metrics")]
    public async Task GetOperations_Gateway_ServesThem(string path)
    {
        await using var mesh = await FakeMesh.StartAsync();

        Assert.Equal(HttpStatusCode.OK, (await mesh.Http.GetAsync(path, Token)).StatusCode);
    }
}
