using CorrMesh.Hosting.Errors;
using CorrMesh.Protos.Features.V1;
using Grpc.Core;
using Xunit;

namespace CorrMesh.Gateway.Tests.Http;

public sealed class ProblemTests
{
    private const string Secret = "the secret of line 42";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<Exception, int, string?, string?, string?> Table => new()
    {
        { new FieldException("spec.tokens", "8 to 160 allowed, 200 given"), 400, "tokens", null, null },
        { new FieldException("source.image.encoded", "a JPEG cut short"), 400, "image", null, null },
        { new NotFoundException("model", "vit-x"), 404, "model", "MODEL_NOT_FOUND", null },
        { new FeaturesExpiredException("source.features_key", "00ff"), 409, "image", "FEATURES_EXPIRED", null },
        { new QueueFullException("inference", 64, TimeSpan.FromMilliseconds(2100)), 429, null, "QUEUE_FULL", "3" },
        { new RpcException(new Status(StatusCode.ResourceExhausted, "too large")), 413, null, null, null },
        { new NotReadyException("LOADING", "loading compact", TimeSpan.FromSeconds(5)), 503, null, "LOADING", "5" },
        { new TimeoutException(Secret), 504, null, null, null },
        { new InvalidOperationException(Secret), 500, null, null, null },
        { new RpcException(new Status(StatusCode.Unimplemented, "")), 501, null, null, null },
    };

    // Goal: every failure of a service becomes the HTTP status of the table, with the form's own field names.
    [Theory]
    [MemberData(nameof(Table), DisableDiscoveryEnumeration = true)]
    public async Task Post_ServiceFails_IsTheProblemOfTheTable(Exception thrown, int status, string? field, string? reason, string? retryAfter)
    {
        await using var mesh = await FakeMesh.StartAsync(new FakeFeatures { OnExtract = (_, _) => throw thrown });

        var answer = await mesh.PostAsync("/v1/features", ("image", Sample.Picture));

        var (detail, fields) = await answer.ProblemAsync(status);
        Assert.Equal(field is null ? [] : [field], fields);
        Assert.Equal(reason, (await answer.JsonAsync()).TryGetProperty("reason", out var given) ? given.GetString() : null);
        Assert.Equal(retryAfter, answer.Headers.TryGetValues("Retry-After", out var values) ? values.Single() : null);
        Assert.DoesNotContain(Secret, detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("selection.points.points[3].x", "points[3].x")]
    [InlineData("selection.points[3].x", "points[3].x")]
    [InlineData("selection.grid", "grid")]
    [InlineData("target.image.encoded", "target")]
    [InlineData("source", "source")]
    [InlineData("spec.adapter", "adapter")]
    public async Task PostMatch_ServiceBlamesAField_NamesTheFormsField(string contract, string form)
    {
        await using var mesh = await FakeMesh.StartAsync(matching: new FakeMatching { OnMatch = (_, _) => throw new FieldException(contract, "bound, value") });

        var (detail, fields) = await (await mesh.PostAsync("/v1/match", ("source", Sample.Picture), ("target", Sample.Picture), ("grid", "2"))).ProblemAsync(400);

        Assert.Equal([form], fields);
        Assert.Equal($"{form}: bound, value", detail);
    }

    [Fact]
    public async Task Post_ServiceTooSlow_Is504AndTheServiceIsToldToStop()
    {
        var cancelled = new TaskCompletionSource();
        await using var mesh = await FakeMesh.StartAsync(Hanging(cancelled), settings: ("CorrMesh:Gateway:RequestTimeout", "00:00:00.3"));

        await (await mesh.PostAsync("/v1/features", ("image", Sample.Picture))).ProblemAsync(504);

        await cancelled.Task.WaitAsync(Token);
    }

    [Fact]
    public async Task Post_ClientGoesAway_ServiceIsToldToStop()
    {
        var started = new TaskCompletionSource();
        var cancelled = new TaskCompletionSource();
        await using var mesh = await FakeMesh.StartAsync(Hanging(cancelled, started));
        using var leave = new CancellationTokenSource();
        var form = new MultipartFormDataContent { { new ByteArrayContent(Sample.Picture), "image", "a.png" } };

        var request = mesh.Http.PostAsync("/v1/features", form, leave.Token);
        await started.Task.WaitAsync(Token);
        await leave.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => request);
        await cancelled.Task.WaitAsync(Token);
    }

    [Fact]
    public async Task Post_ServiceNotThere_Is503()
    {
        await using var mesh = await FakeMesh.StartAsync(settings: ("CorrMesh:Services:features", "http://127.0.0.1:1"));

        var answer = await mesh.PostAsync("/v1/features", ("image", Sample.Picture));

        await answer.ProblemAsync(503);
        Assert.Equal("1", answer.Headers.GetValues("Retry-After").Single());
    }

    [Theory]
    [InlineData("GET", "/v1/nothing", 404)]
    [InlineData("POST", "/", 405)]
    [InlineData("GET", "/v1/match", 405)]
    [InlineData("DELETE", "/v1/models", 405)]
    [InlineData("POST", "/corrmesh.features.v1.FeatureService/Nothing/At/All", 404)]
    public async Task Any_NoSuchRoute_IsAProblem(string method, string path, int status)
    {
        await using var mesh = await FakeMesh.StartAsync();

        await (await mesh.Http.SendAsync(new HttpRequestMessage(new HttpMethod(method), path), Token)).ProblemAsync(status);
    }

    private static FakeFeatures Hanging(TaskCompletionSource cancelled, TaskCompletionSource? started = null) => new()
    {
        OnExtract = async (_, context) =>
        {
            context.CancellationToken.Register(cancelled.SetResult);
            started?.SetResult();
            await Task.Delay(Timeout.Infinite, context.CancellationToken);
            return new ExtractFeaturesResponse();
        },
    };
}
