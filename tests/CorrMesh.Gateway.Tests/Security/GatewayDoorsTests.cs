using System.Net;
using CorrMesh.Hosting.Errors;
using CorrMesh.Protos.Common.V1;
using CorrMesh.Protos.Features.V1;
using Grpc.Core;
using Grpc.Net.Client;
using Grpc.Net.Client.Web;
using Xunit;

namespace CorrMesh.Gateway.Tests.Security;

public sealed class GatewayDoorsTests
{
    private const string Elsewhere = "https://elsewhere.example";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(GrpcWebMode.GrpcWeb)]
    [InlineData(GrpcWebMode.GrpcWebText)]
    public async Task GrpcWeb_UnaryErrorsAndServerStream_AreAsWithGrpc(GrpcWebMode mode)
    {
        await using var mesh = await FakeMesh.StartAsync(new FakeFeatures { OnExtract = (_, _) => throw new FieldException("spec.tokens", "d") });
        using var channel = Channel(mesh, mode);
        var features = new FeatureService.FeatureServiceClient(channel);

        Assert.Equal("compact", (await features.ListModelsAsync(new ListModelsRequest(), cancellationToken: Token)).DefaultModel);
        var refused = await Assert.ThrowsAsync<RpcException>(() => features.ExtractFeaturesAsync(new ExtractFeaturesRequest(), cancellationToken: Token).ResponseAsync);
        using var watch = new Grpc.Health.V1.Health.HealthClient(channel).Watch(new Grpc.Health.V1.HealthCheckRequest(), cancellationToken: Token);
        Assert.True(await watch.ResponseStream.MoveNext(Token));

        Assert.Equal(StatusCode.InvalidArgument, refused.StatusCode);
        Assert.Equal([new FieldViolation("spec.tokens", "d")], refused.FieldViolations());
        Assert.Equal(Grpc.Health.V1.HealthCheckResponse.Types.ServingStatus.Serving, watch.ResponseStream.Current.Status);
    }

    // Goal: the proxy passes a stream's answers on one by one in gRPC-Web, too. Method: a stream whose second answer waits for the test to
    // have seen the first.
    [Theory]
    [InlineData(GrpcWebMode.GrpcWeb)]
    [InlineData(GrpcWebMode.GrpcWebText)]
    public async Task GrpcWeb_StreamThroughTheProxy_AnswersComeOneByOne(GrpcWebMode mode)
    {
        var seen = new TaskCompletionSource();
        await using var mesh = await FakeMesh.StartAsync(new FakeFeatures { BetweenAnswers = seen.Task });
        using var channel = Channel(mesh, mode);
        using var call = new FeatureService.FeatureServiceClient(channel).StreamFeatures(cancellationToken: Token);

        for (ulong i = 1; i <= 2; i++) await call.RequestStream.WriteAsync(new StreamFeaturesRequest { Frame = new Frame { Sequence = i } }, Token);
        await call.RequestStream.CompleteAsync();
        Assert.True(await call.ResponseStream.MoveNext(Token));
        Assert.Equal(1UL, call.ResponseStream.Current.Features.Sequence);
        seen.SetResult();
        Assert.True(await call.ResponseStream.MoveNext(Token));
        Assert.Equal(2UL, call.ResponseStream.Current.Features.Sequence);
        Assert.False(await call.ResponseStream.MoveNext(Token));
    }

    [Fact]
    public async Task Cors_NoOriginsConfigured_PagesElsewhereMayNeitherReadNorPost()
    {
        await using var mesh = await FakeMesh.StartAsync();

        using var read = await SendAsync(mesh, HttpMethod.Get, "/v1/models", ("Origin", Elsewhere));
        using var preflight = await SendAsync(mesh, HttpMethod.Options, "/v1/match", ("Origin", Elsewhere), ("Access-Control-Request-Method", "POST"));
        using var post = await SendAsync(mesh, HttpMethod.Post, "/v1/match", ("Origin", Elsewhere));
        using var own = await SendAsync(mesh, HttpMethod.Post, "/v1/match", ("Origin", mesh.Http.BaseAddress!.GetLeftPart(UriPartial.Authority)));

        Assert.DoesNotContain(read.Headers, header => header.Key.StartsWith("Access-Control", StringComparison.OrdinalIgnoreCase));
        Assert.DoesNotContain(preflight.Headers, header => header.Key.StartsWith("Access-Control", StringComparison.OrdinalIgnoreCase));
        await post.ProblemAsync(403);
        await own.ProblemAsync(415);
    }

    [Fact]
    public async Task Cors_OriginConfigured_IsLetInWithGrpcWebsHeadersAndOthersAreNot()
    {
        using var keys = new TestKeys();
        await using var mesh = await FakeMesh.StartAsync(null, null, keys.Setting, ("CorrMesh:Gateway:AllowedOrigins", $"{Elsewhere}, https://other.example"));

        using var preflight = await SendAsync(mesh, HttpMethod.Options, "/v1/match", ("Origin", Elsewhere), ("Access-Control-Request-Method", "POST"), ("Access-Control-Request-Headers", "x-api-key,x-grpc-web"));
        using var read = await SendAsync(mesh, HttpMethod.Get, "/v1/models", ("Origin", Elsewhere), ("x-api-key", keys.User));
        using var refused = await SendAsync(mesh, HttpMethod.Get, "/v1/models", ("Origin", Elsewhere));
        using var stranger = await SendAsync(mesh, HttpMethod.Get, "/v1/models", ("Origin", "https://stranger.example"), ("x-api-key", keys.User));

        Assert.Equal(HttpStatusCode.NoContent, preflight.StatusCode);
        Assert.All([preflight, read, refused], response => Assert.Equal(Elsewhere, Assert.Single(response.Headers.GetValues("Access-Control-Allow-Origin"))));
        Assert.Contains("grpc-status-details-bin", string.Join(',', read.Headers.GetValues("Access-Control-Expose-Headers")), StringComparison.Ordinal);
        Assert.False(stranger.Headers.Contains("Access-Control-Allow-Origin"));
    }

    [Theory]
    [InlineData("evil.example", 400)]
    [InlineData("127.0.0.1.evil.example", 400)]
    [InlineData("localhost", 200)]
    [InlineData("LOCALHOST:8080", 200)]
    [InlineData("[::1]:8080", 200)]
    [InlineData("mesh.example", 200)]
    public async Task Host_OnLoopback_OnlyLocalNamesAndConfiguredOnesAreServed(string host, int status)
    {
        await using var mesh = await FakeMesh.StartAsync(settings: ("CorrMesh:Gateway:AllowedHosts", "mesh.example"));

        using var response = await SendAsync(mesh, HttpMethod.Get, "/v1/models", ("Host", host));

        Assert.Equal(status, (int)response.StatusCode);
    }

    [Theory]
    [InlineData("/v1/models", 200)]
    [InlineData("/no/such/route", 404)]
    [InlineData("/docs/", 200)]
    public async Task Headers_EveryAnswer_KeepsBrowsersSafe(string path, int status)
    {
        await using var mesh = await FakeMesh.StartAsync();

        using var response = await mesh.Http.GetAsync(path, Token);

        Assert.Equal(status, (int)response.StatusCode);
        Assert.Contains("default-src 'self'", Header(response, "Content-Security-Policy"), StringComparison.Ordinal);
        Assert.Contains("frame-ancestors 'none'", Header(response, "Content-Security-Policy"), StringComparison.Ordinal);
        Assert.Equal(
            ("nosniff", "DENY", "no-referrer", "same-origin"),
            (Header(response, "X-Content-Type-Options"), Header(response, "X-Frame-Options"), Header(response, "Referrer-Policy"), Header(response, "Cross-Origin-Resource-Policy")));
        Assert.False(response.Headers.Contains("Strict-Transport-Security"));
    }

    [Theory]
    [InlineData("/v1/models", 200)]
    [InlineData("/healthz", 200)]
    [InlineData("/openapi/v1.json", 200)]
    [InlineData("/v1/match", 405)]
    public async Task Head_GetRoute_IsAnsweredAsGetWithoutBody(string path, int status)
    {
        await using var mesh = await FakeMesh.StartAsync();

        using var response = await SendAsync(mesh, HttpMethod.Head, path);

        Assert.Equal(status, (int)response.StatusCode);
        Assert.Empty(await response.Content.ReadAsByteArrayAsync(Token));
    }

    [Theory]
    [InlineData("CorrMesh:Gateway:AllowedOrigins", "https://a.example/path")]
    [InlineData("CorrMesh:Gateway:AllowedOrigins", "*")]
    [InlineData("CorrMesh:Gateway:AllowedHosts", "a:1")]
    public async Task Start_OptionOutOfBounds_IsRefused(string key, string value)
    {
        var refused = await Assert.ThrowsAsync<Hosting.MeshConfigurationException>(() => FakeMesh.StartAsync(settings: (key, value)));

        Assert.Contains(key, Assert.Single(refused.Faults), StringComparison.Ordinal);
    }

    private static GrpcChannel Channel(FakeMesh mesh, GrpcWebMode mode) =>
        GrpcChannel.ForAddress(mesh.Http.BaseAddress!, new GrpcChannelOptions { HttpHandler = new GrpcWebHandler(mode, new HttpClientHandler()), HttpVersion = HttpVersion.Version11 });

    private static string Header(HttpResponseMessage response, string name) => Assert.Single(response.Headers.GetValues(name));

    private static Task<HttpResponseMessage> SendAsync(FakeMesh mesh, HttpMethod method, string path, params (string Name, string Value)[] headers)
    {
        var request = new HttpRequestMessage(method, path);
        foreach ((string name, string value) in headers) request.Headers.TryAddWithoutValidation(name, value);
        return mesh.Http.SendAsync(request, Token);
    }
}
