using CorrMesh.Hosting.Errors;
using CorrMesh.Protos.Features.V1;
using Google.Protobuf;
using Google.Rpc;
using Grpc.Core;
using Microsoft.Extensions.Logging;
using Xunit;

namespace CorrMesh.Hosting.Tests.Errors;

public sealed class ErrorMappingTests
{
    private const string Secret = "the secret of line 42";

    public static TheoryData<string, Exception, StatusCode, string?, string?> Table => new()
    {
        { "field", new FieldException("spec.tokens", "8 to 160 allowed, 200 given"), StatusCode.InvalidArgument, null, "spec.tokens" },
        { "argument", new ArgumentException("8 allowed, 9 given", "grid"), StatusCode.InvalidArgument, null, "grid" },
        { "missing model", new NotFoundException("model", "vit-x"), StatusCode.NotFound, "MODEL_NOT_FOUND", "model" },
        { "missing adapter", new NotFoundException("adapter", "a", "there is b"), StatusCode.NotFound, "ADAPTER_NOT_FOUND", "adapter" },
        { "expired", new FeaturesExpiredException("source.features_key", "00ff"), StatusCode.FailedPrecondition, "FEATURES_EXPIRED", "source.features_key" },
        { "queue", new QueueFullException("inference", 64, TimeSpan.FromSeconds(2)), StatusCode.ResourceExhausted, "QUEUE_FULL", null },
        { "loading", new NotReadyException(NotReadyException.Loading, "loading compact", TimeSpan.FromSeconds(2)), StatusCode.Unavailable, "LOADING", null },
        { "timeout", new TimeoutException(Secret), StatusCode.DeadlineExceeded, null, null },
        { "null argument", new ArgumentNullException("weights", Secret), StatusCode.Internal, null, null },
        { "defect", new InvalidOperationException(Secret), StatusCode.Internal, null, null },
        { "damaged file of the server's own", new InvalidDataException(Secret), StatusCode.Internal, null, null },
        { "damaged message of the server's own", Assert.Throws<InvalidProtocolBufferException>(() => ExtractFeaturesRequest.Parser.ParseFrom([0x0a])), StatusCode.Internal, null, null },
        { "cancelled by nobody", new OperationCanceledException(Secret), StatusCode.Internal, null, null },
        { "other service gone", new RpcException(new Grpc.Core.Status(StatusCode.Unavailable, Secret)), StatusCode.Unavailable, "DEPENDENCY_UNAVAILABLE", null },
        { "other service", new RpcException(new Grpc.Core.Status(StatusCode.Aborted, "as it came")), StatusCode.Aborted, null, null },
    };

    // Goal: every kind of exception reaches the caller with its code, reason and field, over a real connection, and a defect's
    // own words do not. Method: a service that throws what the row says, called once as unary and once as a stream.
    [Theory]
    [MemberData(nameof(Table), DisableDiscoveryEnumeration = true)]
    public async Task Call_ServiceThrows_CallerSeesTheCodeOfTheTable(string name, Exception thrown, StatusCode code, string? reason, string? field)
    {
        var token = TestContext.Current.CancellationToken;
        await using var mesh = await new FakeModule { OnExtract = (_, _) => throw thrown, OnStream = (_, _, _) => throw thrown }.StartAsync();
        var client = mesh.Features();

        var unary = await Assert.ThrowsAsync<RpcException>(async () => await client.ExtractFeaturesAsync(new ExtractFeaturesRequest(), cancellationToken: token));
        using var stream = client.StreamFeatures(cancellationToken: token);
        var streamed = await Assert.ThrowsAsync<RpcException>(async () => await stream.ResponseStream.MoveNext(token));

        foreach (var seen in new[] { unary, streamed })
        {
            Assert.True(code == seen.StatusCode, $"{name}: {seen.Status}");
            Assert.Equal(reason, seen.ErrorReason());
            Assert.Equal(field, seen.FieldViolations() is [var violation, ..] ? violation.Field : null);
            Assert.DoesNotContain(Secret, seen.Status.Detail, StringComparison.Ordinal);
        }
    }

    // Goal: a stream's message that cannot be read is the caller's fault, whenever it comes. Method: an answer, then garbage.
    [Fact]
    public async Task Stream_LaterMessageCannotBeRead_IsInvalidArgument()
    {
        var token = TestContext.Current.CancellationToken;
        await using var mesh = await new FakeModule
        {
            OnStream = async (requests, responses, context) =>
            {
                await foreach (var _ in requests.ReadAllAsync(context.CancellationToken)) await responses.WriteAsync(new StreamFeaturesResponse(), context.CancellationToken);
            },
        }.StartAsync();
        var bytes = Marshallers.Create(message => message, message => message);
        using var call = mesh.Channel().CreateCallInvoker().AsyncDuplexStreamingCall(
            new Method<byte[], byte[]>(MethodType.DuplexStreaming, FeatureService.Descriptor.FullName, "StreamFeatures", bytes, bytes), null, new CallOptions(cancellationToken: token));

        await call.RequestStream.WriteAsync([], token);
        Assert.True(await call.ResponseStream.MoveNext(token));
        await call.RequestStream.WriteAsync([0x0a], token);
        var seen = await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext(token));

        Assert.Equal(StatusCode.InvalidArgument, seen.StatusCode);
        Assert.Equal("message", Assert.Single(seen.FieldViolations()).Field);
    }

    [Fact]
    public async Task Call_SeveralFieldsWrong_AllAreNamed()
    {
        var thrown = new FieldException([new FieldViolation("points[0].x", "a"), new FieldViolation("points[7].y", "b")]);
        await using var mesh = await new FakeModule { OnExtract = (_, _) => throw thrown }.StartAsync();

        var seen = await Assert.ThrowsAsync<RpcException>(async () =>
            await mesh.Features().ExtractFeaturesAsync(new ExtractFeaturesRequest(), cancellationToken: TestContext.Current.CancellationToken));

        Assert.Equal(thrown.Violations, seen.FieldViolations());
        Assert.Equal("points[0].x: a; points[7].y: b", seen.Status.Detail);
    }

    [Fact]
    public async Task Call_QueueFull_SaysWhenToComeBack()
    {
        await using var mesh = await new FakeModule { OnExtract = (_, _) => throw new QueueFullException("inference", 64, TimeSpan.FromSeconds(2)) }.StartAsync();

        var seen = await Assert.ThrowsAsync<RpcException>(async () =>
            await mesh.Features().ExtractFeaturesAsync(new ExtractFeaturesRequest(), cancellationToken: TestContext.Current.CancellationToken));

        Assert.Equal(TimeSpan.FromSeconds(2), seen.RetryDelay());
        Assert.Equal("corrmesh", seen.GetRpcStatus()!.GetDetail<ErrorInfo>()!.Domain);
    }

    // Goal: an error of a service behind this one keeps its details on the way through.
    [Fact]
    public async Task Call_OtherServiceRefused_DetailsPassThrough()
    {
        var status = new Google.Rpc.Status { Code = (int)Code.InvalidArgument, Message = "m" };
        status.Details.Add(Google.Protobuf.WellKnownTypes.Any.Pack(new BadRequest { FieldViolations = { new BadRequest.Types.FieldViolation { Field = "source", Description = "d" } } }));
        await using var mesh = await new FakeModule { OnExtract = (_, _) => throw status.ToRpcException() }.StartAsync();

        var seen = await Assert.ThrowsAsync<RpcException>(async () =>
            await mesh.Features().ExtractFeaturesAsync(new ExtractFeaturesRequest(), cancellationToken: TestContext.Current.CancellationToken));

        Assert.Equal([new FieldViolation("source", "d")], seen.FieldViolations());
    }

    [Fact]
    public async Task Call_DeadlinePasses_HandlerIsCancelledAndCallerSeesDeadline()
    {
        var cancelled = new TaskCompletionSource();
        await using var mesh = await new FakeModule
        {
            OnExtract = async (_, context) =>
            {
                context.CancellationToken.Register(cancelled.SetResult);
                await Task.Delay(Timeout.Infinite, context.CancellationToken);
                return new ExtractFeaturesResponse();
            },
        }.StartAsync();

        var seen = await Assert.ThrowsAsync<RpcException>(async () => await mesh.Features().ExtractFeaturesAsync(
            new ExtractFeaturesRequest(), deadline: DateTime.UtcNow.AddMilliseconds(200), cancellationToken: TestContext.Current.CancellationToken));

        Assert.Equal(StatusCode.DeadlineExceeded, seen.StatusCode);
        await cancelled.Task.WaitAsync(TestContext.Current.CancellationToken);
    }

    // Goal: a call that the server gives up at the end of its drain may be made elsewhere; it is not one that its caller cancelled. Method: a call that ends with its token only.
    [Fact]
    public async Task Call_CutOffAtTheEndOfTheDrain_IsUnavailable()
    {
        var begun = new TaskCompletionSource();
        await using var mesh = await new FakeModule
        {
            OnExtract = async (_, context) =>
            {
                begun.SetResult();
                await Task.Delay(Timeout.Infinite, context.CancellationToken);
                return new ExtractFeaturesResponse();
            },
        }.StartAsync(("CorrMesh:Drain:Limit", "00:00:00.2"));
        var call = mesh.Features().ExtractFeaturesAsync(new ExtractFeaturesRequest(), cancellationToken: TestContext.Current.CancellationToken);
        await begun.Task.WaitAsync(TestContext.Current.CancellationToken);

        await mesh.StopAsync(TestContext.Current.CancellationToken);

        Assert.Equal(StatusCode.Unavailable, (await Assert.ThrowsAsync<RpcException>(async () => await call)).StatusCode);
    }

    // Goal: what failed is logged once, by the mapping and by nothing else; what the caller did wrong is not logged as an error.
    [Fact]
    public async Task Call_Defect_IsLoggedOnceAsAnError()
    {
        var log = new ErrorLog();
        var module = new FakeModule { OnExtract = (request, _) => throw (request.Normalise ? new FieldException("f", "d") : new InvalidOperationException(Secret)) };
        await using var mesh = await Mesh.StartAsync(
            FakeModule.Settings(), [module], logging => logging.AddProvider(log), cancellationToken: TestContext.Current.CancellationToken);

        foreach (bool refused in new[] { false, true })
            await Assert.ThrowsAsync<RpcException>(async () => await mesh.Features().ExtractFeaturesAsync(
                new ExtractFeaturesRequest { Normalise = refused }, cancellationToken: TestContext.Current.CancellationToken));
        await mesh.StopAsync(TestContext.Current.CancellationToken);

        var entry = Assert.Single(log.Entries);
        Assert.Equal(Secret, entry?.Message);
    }

    private sealed class ErrorLog : ILoggerProvider, ILogger
    {
        public List<Exception?> Entries { get; } = [];

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Error;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (!IsEnabled(logLevel)) return;
            lock (Entries) Entries.Add(exception);
        }

        public void Dispose()
        {
        }
    }
}
