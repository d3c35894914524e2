using CorrMesh.Hosting.Routing;
using CorrMesh.Protos.Features.V1;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace CorrMesh.Hosting.Tests.Routing;

public sealed class ReplicaHandlerTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>What sockets fail with when the time to connect is over, and when the other side closes a connection in good order before it has answered.</summary>
    public static TheoryData<string, Exception> Failures => new()
    {
        { "no connection in time", new TaskCanceledException("no connection", new TimeoutException()) },
        { "closed before the answer", new HttpRequestException("closed", new HttpProtocolException(0, "closed", null)) },
    };

    [Theory]
    [MemberData(nameof(Failures), DisableDiscoveryEnumeration = true)]
    public async Task Call_NoConnection_IsUnavailableAndTheReplicaAvoided(string what, Exception failure)
    {
        Assert.NotEmpty(what);
        Replica silent = new(new Uri("http://127.0.0.1:1"), new FakeTimeProvider());
        using var channel = Channel(silent, () => throw failure);

        var error = await Assert.ThrowsAsync<RpcException>(async () => await new FeatureService.FeatureServiceClient(channel).ListModelsAsync(new ListModelsRequest(), cancellationToken: Token));

        Assert.Equal(StatusCode.Unavailable, error.StatusCode);
        Assert.False(silent.IsAvailable);
    }

    [Fact]
    public async Task Call_CallerLeaves_SaysNothingAboutTheReplica()
    {
        Replica replica = new(new Uri("http://127.0.0.1:1"), new FakeTimeProvider());
        using var leaving = new CancellationTokenSource();
        using var channel = Channel(replica, () =>
        {
            leaving.Cancel();
            throw new TaskCanceledException("left", null, leaving.Token);
        });

        var error = await Assert.ThrowsAsync<RpcException>(async () => await new FeatureService.FeatureServiceClient(channel).ListModelsAsync(new ListModelsRequest(), cancellationToken: leaving.Token));

        Assert.Equal(StatusCode.Cancelled, error.StatusCode);
        Assert.True(replica.IsAvailable);
    }

    private static GrpcChannel Channel(Replica replica, Func<HttpResponseMessage> send) => GrpcChannel.ForAddress(
        ReplicaHandler.PlaceholderOf("features"), new GrpcChannelOptions { HttpHandler = new ReplicaHandler(new ReplicaSet("features", [replica], 16), new Stub(send)), DisposeHttpClient = true });

    private sealed class Stub(Func<HttpResponseMessage> send) : HttpMessageHandler
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            await Task.Yield();
            return send();
        }
    }
}
