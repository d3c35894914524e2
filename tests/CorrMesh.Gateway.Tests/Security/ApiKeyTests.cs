using System.Diagnostics;
using System.Net;
using CorrMesh.Hosting;
using CorrMesh.Hosting.Errors;
using CorrMesh.Hosting.Security;
using CorrMesh.Protos.Features.V1;
using Grpc.Core;
using Xunit;

namespace CorrMesh.Gateway.Tests.Security;

public sealed class ApiKeyTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Http_NoKeyAndWrongKey_Are401ProblemsThatDoNotRepeatTheKey()
    {
        using var keys = new TestKeys();
        await using var mesh = await FakeMesh.StartAsync(settings: keys.Setting);

        using var none = await mesh.Http.GetAsync("/v1/models", Token);
        using var wrong = await GetAsync(mesh, TestKeys.Wrong);

        Assert.Equal("Bearer realm=\"corrmesh\"", none.Headers.WwwAuthenticate.ToString());
        await none.ProblemAsync(401);
        await wrong.ProblemAsync(401);
        Assert.DoesNotContain(TestKeys.Wrong, await wrong.Content.ReadAsStringAsync(Token), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Grpc_NoKeyThenKey_IsUnauthenticatedThenServed()
    {
        using var keys = new TestKeys();
        await using var mesh = await FakeMesh.StartAsync(settings: keys.Setting);
        var client = new FeatureService.FeatureServiceClient(mesh.Grpc);

        var refused = await Assert.ThrowsAsync<RpcException>(() => client.ListModelsAsync(new ListModelsRequest(), cancellationToken: Token).ResponseAsync);
        var served = await client.ListModelsAsync(new ListModelsRequest(), new Metadata { { "authorization", $"Bearer {keys.User}" } }, cancellationToken: Token);

        Assert.Equal((StatusCode.Unauthenticated, "UNAUTHENTICATED"), (refused.StatusCode, refused.ErrorReason()));
        Assert.Equal("compact", served.DefaultModel);
    }

    [Fact]
    public async Task Rate_BurstUsedUp_IsRefusedWithATimeToComeBackInBothProtocols()
    {
        using var keys = new TestKeys();
        (var key, string text) = ApiKey.Create("slow", KeyRole.User, ratePerSecond: 0.01, burst: 2, TimeProvider.System);
        keys.Write(key);
        await using var mesh = await FakeMesh.StartAsync(settings: keys.Setting);

        for (int i = 0; i < 2; i++)
        {
            using var served = await GetAsync(mesh, text);
            Assert.Equal(HttpStatusCode.OK, served.StatusCode);
        }

        using var refused = await GetAsync(mesh, text);
        var call = await Assert.ThrowsAsync<RpcException>(() => new FeatureService.FeatureServiceClient(mesh.Grpc)
            .ListModelsAsync(new ListModelsRequest(), new Metadata { { "x-api-key", text } }, cancellationToken: Token).ResponseAsync);

        await refused.ProblemAsync(429);
        Assert.InRange(refused.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 100);
        Assert.Equal((StatusCode.ResourceExhausted, Refusal.RateLimited), (call.StatusCode, call.ErrorReason()));
        Assert.InRange(call.RetryDelay()!.Value.TotalSeconds, 0.001, 100);
    }

    // Goal: a first file that is no file of keys lets nobody in. Method: it appears while the gateway runs.
    [Theory]
    [InlineData("nothing of ours")]
    [InlineData("""{"schema_version":1,"keys":[null]}""")]
    public async Task File_BrokenFromTheBeginning_LetsNobodyIn(string content)
    {
        using var keys = new TestKeys();
        File.Delete(keys.File);
        await using var mesh = await FakeMesh.StartAsync(settings: keys.Setting);
        Assert.Equal(HttpStatusCode.OK, (await mesh.Http.GetAsync("/v1/models", Token)).StatusCode);
        File.WriteAllText(keys.File, content);
        await Task.Delay(TimeSpan.FromSeconds(1), Token);

        for (int i = 0; i < 2; i++) Assert.Equal(HttpStatusCode.Unauthorized, (await mesh.Http.GetAsync("/v1/models", Token)).StatusCode);
    }

    // Goal: keys come and go while the gateway runs, and a file that is gone or broken opens nothing.
    [Fact]
    public async Task Keys_FileChanges_RunningGatewayFollows()
    {
        using var keys = new TestKeys();
        File.Delete(keys.File);
        await using var mesh = await FakeMesh.StartAsync(settings: keys.Setting);
        (var key, string text) = ApiKey.Create("late", KeyRole.User, null, null, TimeProvider.System);

        Assert.Equal(HttpStatusCode.OK, (await mesh.Http.GetAsync("/v1/models", Token)).StatusCode);
        keys.Write(key);
        await UntilAsync(async () => (await mesh.Http.GetAsync("/v1/models", Token)).StatusCode == HttpStatusCode.Unauthorized);
        Assert.Equal(HttpStatusCode.OK, (await GetAsync(mesh, text)).StatusCode);
        File.WriteAllText(keys.File, "{");
        await Task.Delay(700, Token);
        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.Unauthorized), ((await GetAsync(mesh, text)).StatusCode, (await mesh.Http.GetAsync("/v1/models", Token)).StatusCode));
        File.Delete(keys.File);
        await Task.Delay(700, Token);
        Assert.Equal(HttpStatusCode.Unauthorized, (await mesh.Http.GetAsync("/v1/models", Token)).StatusCode);
        keys.Write();
        await UntilAsync(async () => (await GetAsync(mesh, text)).StatusCode == HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task Start_FileIsNotOfKeys_IsRefused()
    {
        using var keys = new TestKeys();
        File.WriteAllText(keys.File, """{"schema_version": 2, "keys": []}""");

        var refused = await Assert.ThrowsAsync<MeshConfigurationException>(() => FakeMesh.StartAsync(settings: keys.Setting));

        Assert.Contains("schema_version 1", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void KeyFile_Written_HoldsNoKeyAndIsItsOwnersAlone()
    {
        using var keys = new TestKeys();

        string text = File.ReadAllText(keys.File);

        Assert.DoesNotContain(keys.User, text, StringComparison.Ordinal);
        Assert.DoesNotContain(keys.User[3..], text, StringComparison.Ordinal);
#pragma warning disable CA1416 // The program is for Linux alone (services/decisions/0002).
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(keys.File));
#pragma warning restore CA1416
    }

    [Fact]
    public async Task Keys_ManyAddedAtOnce_AreAllThere()
    {
        using var keys = new TestKeys();
        string[] names = [.. Enumerable.Range(0, 20).Select(i => $"someone-{i}")];

        await Task.WhenAll(names.Select(name => Task.Run(() => KeyFile.UpdateAsync(
            keys.File, file => file with { Keys = [.. file.Keys, ApiKey.Create(name, KeyRole.User, null, null, TimeProvider.System).Key] }, Token))));

        Assert.Equal(names.Order(StringComparer.Ordinal), KeyFile.Read(keys.File).Keys.Select(key => key.Name).Where(name => name.Contains('-', StringComparison.Ordinal)).Order(StringComparer.Ordinal));
    }

    private static Task<HttpResponseMessage> GetAsync(FakeMesh mesh, string key)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, "/v1/models");
        request.Headers.Add("Authorization", $"Bearer {key}");
        return mesh.Http.SendAsync(request, Token);
    }

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        long started = Stopwatch.GetTimestamp();
        while (!await condition())
        {
            Assert.True(Stopwatch.GetElapsedTime(started) < TimeSpan.FromSeconds(20), "the gateway did not follow the file");
            await Task.Delay(50, Token);
        }
    }
}
