using System.Net;
using System.Text.Json;
using CorrMesh.Features.Tests.Support;
using CorrMesh.Hosting;
using CorrMesh.Protos.Common.V1;
using CorrMesh.Protos.Features.V1;
using CorrMesh.Protos.Matching.V1;
using Grpc.Core;
using Xunit;

namespace CorrMesh.Scenarios.Tests;

/// <summary>What a newcomer does first, through the gateway, with a real network.</summary>
public sealed class FirstAnswerTests
{
    private static CancellationToken Test => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Curl_ModelsFeaturesAndMatch_AnswerAsGrpcDoes()
    {
        await using WholeMesh mesh = await WholeMesh.StartAsync();
        Assert.Equal(HttpStatusCode.OK, (await mesh.Http.GetAsync("/healthz", Test)).StatusCode);
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
        await using WholeMesh mesh = await WholeMesh.StartAsync();
        MatchKeypointsResponse response = await new MatchingService.MatchingServiceClient(mesh.Grpc).MatchKeypointsAsync(
            new MatchKeypointsRequest { Source = Make.Source(160, 120), Target = Make.Source(160, 120), Selection = Make.Points((80, 60), (40, 31), (120, 90)) }, cancellationToken: Test);
        Assert.All(response.Matches, match => Assert.Equal((match.Source, 0.0, true), (match.Target, match.CycleErrorPx, match.Visible)));
    }

    [Fact]
    public async Task BadRequests_ThroughTheGateway_NameTheField()
    {
        await using WholeMesh mesh = await WholeMesh.StartAsync();
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
