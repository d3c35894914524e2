using System.Globalization;
using System.Net;
using System.Text.Json;
using CorrMesh.Gateway.Reporting;
using CorrMesh.Gateway.Tests.Security;
using CorrMesh.Hosting;
using CorrMesh.Hosting.Health;
using CorrMesh.Hosting.Reporting;
using Xunit;

namespace CorrMesh.Gateway.Tests.Http;

public sealed class StatusRoutesTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    // Goal: what modules tell of themselves, and the times of their answers, arrive as JSON. Method: a fact, a number, and one call
    // whose answer tells known times.
    [Fact]
    public async Task GetStatus_AllServe_TellsFactsNumbersAndTimes()
    {
        await using var mesh = await FakeMesh.StartAsync();
        var status = mesh.ServiceOf<ModuleStatus>(MeshTopology.Features);
        status.Fact("device", () => "cpu");
        status.Number("queue.length", () => 3);
        await mesh.PostAsync("/v1/features", ("image", Sample.Picture));

        var answer = await mesh.Http.GetAsync("/v1/status", Token);

        Assert.Equal("no-store", answer.Headers.CacheControl?.ToString());
        var reply = await answer.JsonAsync();
        Assert.True(reply.GetProperty("serving").GetBoolean());
        Assert.Equal(["gateway", "features", "matching", "training", "pose"], reply.GetProperty("processes").EnumerateArray().Select(process => process.GetProperty("service").GetString()!));
        var features = Process(reply, "features");
        Assert.Equal("cpu", features.GetProperty("facts").GetProperty("device").GetString());
        Assert.Equal((3, 1, 0), (Number(features, "queue.length"), Number(features, "requests"), Number(features, "failures")));
        Assert.Equal(Environment.ProcessId, features.GetProperty("process_id").GetInt32());
        var latency = features.GetProperty("latency");
        Assert.Equal(1, latency.GetProperty("count").GetInt32());
        foreach (var (part, ms) in new[] { ("decode", 1), ("queue", 2), ("compute", 3), ("cache", 0.5), ("total", 7) })
            Assert.Equal(string.Create(CultureInfo.InvariantCulture, $$"""{"mean_ms":{{ms}},"p50_ms":{{ms}},"p99_ms":{{ms}}}"""), latency.GetProperty(part).GetRawText());
        Assert.False(Process(reply, "matching").GetProperty("latency").TryGetProperty("total", out _));
    }

    [Fact]
    public async Task GetStatus_ServiceIsNotThere_IsListedAsNotServing()
    {
        await using var mesh = await FakeMesh.StartAsync(settings: ("CorrMesh:Services:features", "http://127.0.0.1:1"));

        var answer = await mesh.Http.GetAsync("/v1/status", Token);

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        var reply = await answer.JsonAsync();
        Assert.False(reply.GetProperty("serving").GetBoolean());
        Assert.Equal(
            """{"service":"features","serving":false,"reasons":{"status":"cannot be reached"},"address":"127.0.0.1:1"}""", Process(reply, "features").GetRawText());
        Assert.True(Process(reply, "matching").GetProperty("serving").GetBoolean());
    }

    [Fact]
    public async Task GetStatus_PartIsNotReady_ItsReasonIsTold()
    {
        await using var mesh = await FakeMesh.StartAsync();
        mesh.ServiceOf<ModuleHealth>(MeshTopology.Features).NotReady("model", "loading");

        var features = Process(await (await mesh.Http.GetAsync("/v1/status", Token)).JsonAsync(), "features");

        Assert.False(features.GetProperty("serving").GetBoolean());
        Assert.Equal("loading", features.GetProperty("reasons").GetProperty("model").GetString());
    }

    // Goal: where the processes are is the operator's business. Method: the same question with a user's key and with an admin's.
    [Fact]
    public async Task GetStatus_KeysInForce_PlacesAreForAdmins()
    {
        using var keys = new TestKeys();
        await using var mesh = await FakeMesh.StartAsync(settings: [keys.Setting, ("CorrMesh:Services:matching", "http://127.0.0.1:1")]);
        foreach (var (key, isAdmin) in new[] { (keys.User, false), (keys.Admin, true) })
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/status");
            request.Headers.Add("x-api-key", key);
            var processes = (await (await mesh.Http.SendAsync(request, Token)).JsonAsync()).GetProperty("processes").EnumerateArray().ToArray();
            Assert.Equal([true, true, false, true, true], processes.Select(process => process.GetProperty("serving").GetBoolean()));
            Assert.Equal([false, isAdmin, isAdmin, isAdmin, isAdmin], processes.Select(process => process.TryGetProperty("address", out _)));
            Assert.Equal([isAdmin, isAdmin, false, isAdmin, isAdmin], processes.Select(process => process.TryGetProperty("process_id", out _)));
        }
    }

    // Goal: many who look do not multiply the calls behind the gateway. Method: a number that counts how often it is asked for.
    [Fact]
    public async Task GetStatus_ManyAtOnce_ServicesAreAskedOnce()
    {
        await using var mesh = await FakeMesh.StartAsync();
        int asked = 0;
        mesh.ServiceOf<ModuleStatus>(MeshTopology.Features).Number("asked", () => Interlocked.Increment(ref asked));
        var board = mesh.ServiceOf<StatusBoard>(MeshTopology.Gateway);

        var answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => board.ReadAsync(Token)));

        // A machine that stalls for half a second between two of them may ask again.
        Assert.InRange(asked, 1, 5);
        Assert.All(answers, answer => Assert.Equal(MeshTopology.Services.Count, answer.Count));
    }

    private static JsonElement Process(JsonElement reply, string service) =>
        reply.GetProperty("processes").EnumerateArray().Single(process => process.GetProperty("service").GetString() == service);

    private static int Number(JsonElement process, string name) => process.GetProperty("numbers").GetProperty(name).GetInt32();
}
