using CorrMesh.Hosting;
using CorrMesh.Hosting.Errors;
using CorrMesh.Protos.Common.V1;
using CorrMesh.Protos.Features.V1;
using CorrMesh.Protos.Matching.V1;
using CorrMesh.Protos.Pose.V1;
using CorrMesh.Protos.Training.V1;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace CorrMesh.Gateway.Tests.Proxy;

public sealed class GrpcProxyTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Unary_ThroughTheGateway_ReachesItsService()
    {
        await using var mesh = await FakeMesh.StartAsync();

        Assert.Equal("compact", (await new FeatureService.FeatureServiceClient(mesh.Grpc).ListModelsAsync(new ListModelsRequest(), cancellationToken: Token)).DefaultModel);
        Assert.Equal("k2", (await new MatchingService.MatchingServiceClient(mesh.Grpc).MatchKeypointsAsync(new MatchKeypointsRequest(), cancellationToken: Token)).Target.FeaturesKey);
    }

    // Goal: a stream's messages pass one by one, not when it ends. Method: each frame is sent only after the answer to the last.
    [Fact]
    public async Task Bidi_ThroughTheGateway_EachAnswerComesBeforeTheNextFrame()
    {
        await using var mesh = await FakeMesh.StartAsync();
        using var call = new FeatureService.FeatureServiceClient(mesh.Grpc).StreamFeatures(cancellationToken: Token);
        await call.RequestStream.WriteAsync(new StreamFeaturesRequest { Config = new StreamFeaturesConfig() }, Token);

        for (ulong i = 1; i <= 5; i++)
        {
            await call.RequestStream.WriteAsync(new StreamFeaturesRequest { Frame = new Frame { Sequence = i, StampNs = -1 } }, Token);
            Assert.True(await call.ResponseStream.MoveNext(Token));
            Assert.Equal((i, -1L), (call.ResponseStream.Current.Features.Sequence, call.ResponseStream.Current.Features.StampNs));
        }

        await call.RequestStream.CompleteAsync();
        Assert.False(await call.ResponseStream.MoveNext(Token));
    }

    // Goal: who is refused while he uploads hears why, and no reset. Method: a service that refuses before it has read anything, and a caller who goes on
    // writing without a look at the answer; several times, since a reset needs a race. The service's clock stands still, so that a caller who is kept from
    // writing by a busy machine does not pass for one who pauses.
    [Fact]
    public async Task Upload_RefusedAtItsBeginning_ItsSenderHearsWhy()
    {
        await using var mesh = await FakeMesh.StartAsync(new FakePose { OnOpen = () => throw new FieldException("config.id", "taken"), Time = new FakeTimeProvider() });
        var client = new PoseService.PoseServiceClient(mesh.Grpc);
        var part = new CreateObjectRequest { Mesh = new MeshPart { Content = ByteString.CopyFrom(new byte[1 << 20]) } };
        for (int i = 0; i < 10; i++)
        {
            using var call = client.CreateObject(cancellationToken: Token);
            for (int parts = 0; parts < 4; parts++) await call.RequestStream.WriteAsync(part, Token);
            await call.RequestStream.CompleteAsync();
            RpcException refused = await Assert.ThrowsAsync<RpcException>(() => call.ResponseAsync);
            Assert.Equal((StatusCode.InvalidArgument, "config.id"), (refused.StatusCode, refused.FieldViolations()[0].Field));
        }
    }

    // Goal: neither does one who opens an upload and then waits for its end. Method: the refusal comes although the caller never ends it.
    [Fact]
    public async Task Upload_RefusedWhileItsSenderWaits_IsToldSoon()
    {
        await using var mesh = await FakeMesh.StartAsync(new FakePose { OnOpen = () => throw new FieldException("config.id", "taken") });
        using var call = new PoseService.PoseServiceClient(mesh.Grpc).CreateObject(cancellationToken: Token);
        await call.RequestStream.WriteAsync(new CreateObjectRequest { Config = new ObjectConfig() }, Token);
        RpcException refused = await Assert.ThrowsAsync<RpcException>(() => call.ResponseAsync);
        Assert.Equal(StatusCode.InvalidArgument, refused.StatusCode);
    }

    // Goal: a gateway that is replaced ends its streams, after the answers to what the services have, and says how to go on. Method: the stream's caller never
    // ends it, and the service, which knows nothing of the drain, holds a frame until the drain has begun.
    [Fact]
    public async Task Bidi_GatewayDrains_EndsUnavailableAfterTheAnswersInHand()
    {
        var between = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var features = new FakeFeatures { BetweenAnswers = between.Task };
        await using var mesh = await FakeMesh.StartAsync(features);
        using var call = new FeatureService.FeatureServiceClient(mesh.Grpc).StreamFeatures(cancellationToken: Token);
        for (ulong i = 1; i <= 2; i++) await call.RequestStream.WriteAsync(new StreamFeaturesRequest { Frame = new Frame { Sequence = i } }, Token);
        Assert.True(await call.ResponseStream.MoveNext(Token));
        while (features.Frames < 2) await Task.Delay(5, Token);

        Task stopping = mesh.StopAsync();
        between.SetResult();
        Assert.True(await call.ResponseStream.MoveNext(Token));
        Assert.Equal(2ul, call.ResponseStream.Current.Features.Sequence);
        var ended = await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext(Token));

        Assert.Equal((StatusCode.Unavailable, NotReadyException.Draining), (ended.StatusCode, ended.ErrorReason()));
        Assert.True(ended.RetryDelay() > TimeSpan.Zero);
        await stopping;
    }

    // Goal: a watch, whose caller has said all, does not hold a gateway that is replaced. Method: the service goes on for ever; the drain's limit is far away.
    [Fact]
    public async Task ServerStream_GatewayDrains_EndsUnavailableAtOnce()
    {
        await using var mesh = await FakeMesh.StartAsync(
            new FakeTraining { AfterJob = token => Task.Delay(Timeout.Infinite, token) }, ("CorrMesh:Drain:Limit", "00:10:00"));
        using var call = new TrainingService.TrainingServiceClient(mesh.Grpc).WatchJob(new WatchJobRequest { Id = "job-1" }, cancellationToken: Token);
        Assert.True(await call.ResponseStream.MoveNext(Token));

        Task stopping = mesh.StopAsync();
        var ended = await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext(Token));

        Assert.Equal((StatusCode.Unavailable, NotReadyException.Draining), (ended.StatusCode, ended.ErrorReason()));
        await stopping.WaitAsync(TimeSpan.FromMinutes(2), Token);
    }

    [Fact]
    public async Task Unary_ServiceRefuses_DetailsComeThrough()
    {
        await using var mesh = await FakeMesh.StartAsync(new FakeFeatures { OnExtract = (_, _) => throw new FieldException("spec.tokens", "d") });

        var seen = await Assert.ThrowsAsync<RpcException>(async () =>
            await new FeatureService.FeatureServiceClient(mesh.Grpc).ExtractFeaturesAsync(new ExtractFeaturesRequest(), cancellationToken: Token));

        Assert.Equal([new FieldViolation("spec.tokens", "d")], seen.FieldViolations());
    }

    [Fact]
    public async Task Unary_ServiceIsNotThere_IsUnavailable()
    {
        await using var mesh = await FakeMesh.StartAsync(settings: ("CorrMesh:Services:features", "http://127.0.0.1:1"));

        var seen = await Assert.ThrowsAsync<RpcException>(async () =>
            await new FeatureService.FeatureServiceClient(mesh.Grpc).ListModelsAsync(new ListModelsRequest(), cancellationToken: Token));

        Assert.Equal((StatusCode.Unavailable, "features: the service cannot be reached"), (seen.StatusCode, seen.Status.Detail));
    }

    [Fact]
    public async Task Unary_UnknownServiceOrMethod_IsUnimplemented()
    {
        await using var mesh = await FakeMesh.StartAsync();
        var invoker = mesh.Grpc.CreateCallInvoker();
        foreach (string service in new[] { "corrmesh.features.v1.FeatureService", "no.such.Service" })
        {
            var method = new Method<ListModelsRequest, ListModelsResponse>(
                MethodType.Unary, service, "Nothing", Marshallers.Create(request => request.ToByteArray(), ListModelsRequest.Parser.ParseFrom),
                Marshallers.Create(response => response.ToByteArray(), ListModelsResponse.Parser.ParseFrom));

            var seen = await Assert.ThrowsAsync<RpcException>(() =>
                invoker.AsyncUnaryCall(method, null, new CallOptions(cancellationToken: Token), new ListModelsRequest()).ResponseAsync);

            Assert.Equal(StatusCode.Unimplemented, seen.StatusCode);
        }
    }

    // Goal: images and maps of many megabytes pass in both directions, up to the message limit and not beyond. Method: 20 MB there
    // and back; then one byte more than the limit.
    [Fact]
    public async Task Unary_LargeMessages_PassUpToTheLimit()
    {
        byte[] large = new byte[20_000_000];
        Random.Shared.NextBytes(large);
        await using var mesh = await FakeMesh.StartAsync(new FakeFeatures
        {
            OnExtract = (request, _) => Task.FromResult(new ExtractFeaturesResponse { Values = new Tensor { Data = request.Source.Image.Encoded } }),
        });
        var client = new FeatureService.FeatureServiceClient(mesh.Grpc);
        static ExtractFeaturesRequest Request(byte[] data) => new() { Source = new FeatureSource { Image = new Image { Encoded = UnsafeByteOperations.UnsafeWrap(data) } } };

        var response = await client.ExtractFeaturesAsync(Request(large), cancellationToken: Token);
        var refused = await Assert.ThrowsAsync<RpcException>(async () => await client.ExtractFeaturesAsync(Request(new byte[64 << 20]), cancellationToken: Token));

        Assert.True(response.Values.Data.Span.SequenceEqual(large));
        Assert.Equal(StatusCode.ResourceExhausted, refused.StatusCode);
    }

    [Fact]
    public async Task Unary_CallerCancels_ServiceIsCancelled()
    {
        var started = new TaskCompletionSource();
        var cancelled = new TaskCompletionSource();
        await using var mesh = await FakeMesh.StartAsync(new FakeFeatures
        {
            OnExtract = async (_, context) =>
            {
                context.CancellationToken.Register(cancelled.SetResult);
                started.SetResult();
                await Task.Delay(Timeout.Infinite, context.CancellationToken);
                return new ExtractFeaturesResponse();
            },
        });
        using var cancel = new CancellationTokenSource();

        var call = new FeatureService.FeatureServiceClient(mesh.Grpc).ExtractFeaturesAsync(new ExtractFeaturesRequest(), cancellationToken: cancel.Token).ResponseAsync;
        await started.Task.WaitAsync(Token);
        await cancel.CancelAsync();

        await Assert.ThrowsAsync<RpcException>(() => call);
        await cancelled.Task.WaitAsync(Token);
    }

    // Goal: one address lists the contracts of the whole mesh, to old tools (v1alpha) and new ones (v1), with all files they need.
    [Fact]
    public async Task Reflection_BothVersions_ListEveryContractAndGiveItsFiles()
    {
        await using var mesh = await FakeMesh.StartAsync();
        string[] expected = [.. MeshTopology.Contracts.Select(contract => contract.FullName).Append("corrmesh.status.v1.StatusService").Append("grpc.health.v1.Health").Order()];
        using var now = new Grpc.Reflection.V1.ServerReflection.ServerReflectionClient(mesh.Grpc).ServerReflectionInfo(cancellationToken: Token);
        using var old = new Grpc.Reflection.V1Alpha.ServerReflection.ServerReflectionClient(mesh.Grpc).ServerReflectionInfo(cancellationToken: Token);

        await now.RequestStream.WriteAsync(new Grpc.Reflection.V1.ServerReflectionRequest { ListServices = "" }, Token);
        await old.RequestStream.WriteAsync(new Grpc.Reflection.V1Alpha.ServerReflectionRequest { ListServices = "" }, Token);
        Assert.True(await now.ResponseStream.MoveNext(Token));
        Assert.True(await old.ResponseStream.MoveNext(Token));
        Assert.Equal(expected, now.ResponseStream.Current.ListServicesResponse.Service.Select(service => service.Name).Order());
        Assert.Equal(expected, old.ResponseStream.Current.ListServicesResponse.Service.Select(service => service.Name).Order());

        foreach (string symbol in expected.Append("google.rpc.BadRequest"))
        {
            await now.RequestStream.WriteAsync(new Grpc.Reflection.V1.ServerReflectionRequest { FileContainingSymbol = symbol }, Token);
            Assert.True(await now.ResponseStream.MoveNext(Token));
            Assert.NotEmpty(now.ResponseStream.Current.FileDescriptorResponse.FileDescriptorProto);
        }
    }

    // Goal: starting a gateway leaves nothing in the user's home directory; what would write there must not run.
    [Fact]
    public async Task Start_Gateway_LoadsNoKeyRing()
    {
        await using var mesh = await FakeMesh.StartAsync();

        var hosted = mesh.ServiceOf<IEnumerable<Microsoft.Extensions.Hosting.IHostedService>>(MeshTopology.Gateway);

        Assert.NotEmpty(hosted);
        Assert.DoesNotContain(hosted, service => service.GetType().Namespace!.StartsWith("Microsoft.AspNetCore.DataProtection", StringComparison.Ordinal));
    }
}
