using System.Net;
using CorrMesh.Features.Tests.Support;
using CorrMesh.Hosting;
using Xunit;

namespace CorrMesh.Scenarios.Tests;

/// <summary>How a mesh starts, and what it refuses to start with.</summary>
public sealed class StartTests
{
    private static CancellationToken Test => TestContext.Current.CancellationToken;

    // Goal: two meshes on one machine do not meet. Method: both at once on free ports; one stops, the other goes on.
    [Fact]
    public async Task TwoMeshes_AtOnce_HavePortsOfTheirOwn()
    {
        await using WholeMesh one = await WholeMesh.StartAsync(), other = await WholeMesh.StartAsync();
        Assert.Empty(one.Endpoints.SelectMany(e => new[] { e.Grpc, e.Http }).Intersect(other.Endpoints.SelectMany(e => new[] { e.Grpc, e.Http })));
        await one.StopAsync();
        Assert.Equal(HttpStatusCode.OK, (await other.PostAsync("/v1/features", ("image", Make.Png(64, 48)))).StatusCode);
    }

    [Fact]
    public async Task Start_WrongConfiguration_NamesEveryFault()
    {
        var error = await Assert.ThrowsAsync<MeshConfigurationException>(() => Mesh.StartAsync(
            WholeMesh.Settings(
                ("CorrMesh:Features:BatchCount", "0"), ("CorrMesh:Features:Device", "tpu"), ("CorrMesh:Limits:Points", "-1"), ("CorrMesh:Features:Surprise", "1"), ("CorrMesh:Services:nothing", "http://x")),
            WholeMesh.Modules(), cancellationToken: Test));
        foreach (string part in new[] { "CorrMesh:Limits:Points", "CorrMesh:Services:nothing", "CorrMesh:Features" }) Assert.Contains(error.Faults, fault => fault.Contains(part, StringComparison.Ordinal));

        error = await Assert.ThrowsAsync<MeshConfigurationException>(() => Mesh.StartAsync(
            WholeMesh.Settings(("CorrMesh:Features:BatchCount", "0"), ("CorrMesh:Features:Device", "tpu"), ("CorrMesh:Features:StoreBytes", "5")), WholeMesh.Modules(), cancellationToken: Test));
        foreach (string part in new[] { "BatchCount", "Device", "StoreBytes" }) Assert.Contains(error.Faults, fault => fault.StartsWith("CorrMesh:Features:" + part, StringComparison.Ordinal));
    }

    // Goal: a model that is not there stops the start with one line that says what there is, not with a stack.
    [Fact]
    public async Task Start_UnknownDefaultModel_IsRefusedWithTheNamesThatThereAre()
    {
        var error = await Assert.ThrowsAsync<MeshConfigurationException>(() => WholeMesh.StartAsync(("CorrMesh:Features:DefaultModel", "nothing")));
        Assert.Contains("default model: 'nothing' is not there; there are: ", Assert.Single(error.Faults), StringComparison.Ordinal);
        Assert.Contains("small", error.Faults[0], StringComparison.Ordinal);
    }
}
