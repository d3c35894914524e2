using CorrMesh.Hosting.Errors;
using CorrMesh.Protos.Features.V1;
using Grpc.Core;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace CorrMesh.Hosting.Tests.Clients;

public sealed class RetryInterceptorTests
{
    private int calls;

    [Fact]
    public async Task Unary_UnavailableTwice_ThirdTryAnswers()
    {
        await using var mesh = await Failing(times: 2, NotReady).StartAsync(Fast);

        var response = await Client(mesh).ExtractFeaturesAsync(new ExtractFeaturesRequest(), cancellationToken: TestContext.Current.CancellationToken);

        Assert.Equal("answered", response.Reference.FeaturesKey);
        Assert.Equal(3, calls);
    }

    [Fact]
    public async Task Unary_UnavailableForGood_GivesUpAfterTheConfiguredTries()
    {
        await using var mesh = await Failing(times: int.MaxValue, NotReady).StartAsync(Fast);

        var seen = await Assert.ThrowsAsync<RpcException>(async () => await Client(mesh).ExtractFeaturesAsync(new ExtractFeaturesRequest(), cancellationToken: TestContext.Current.CancellationToken));

        Assert.Equal(StatusCode.Unavailable, seen.StatusCode);
        Assert.Equal(4, calls);
    }

    [Theory]
    [InlineData(StatusCode.InvalidArgument)]
    [InlineData(StatusCode.ResourceExhausted)]
    [InlineData(StatusCode.Internal)]
    [InlineData(StatusCode.FailedPrecondition)]
    [InlineData(StatusCode.DeadlineExceeded)]
    public async Task Unary_OtherFailures_AreNotTriedAgain(StatusCode code)
    {
        await using var mesh = await Failing(times: 1, () => new RpcException(new Status(code, ""))).StartAsync(Fast);

        var seen = await Assert.ThrowsAsync<RpcException>(async () => await Client(mesh).ExtractFeaturesAsync(new ExtractFeaturesRequest(), cancellationToken: TestContext.Current.CancellationToken));

        Assert.Equal(code, seen.StatusCode);
        Assert.Equal(1, calls);
    }

    // Goal: when a service is down, retries must not multiply its load. Method: a budget of 2, five calls that all fail.
    [Fact]
    public async Task Unary_BudgetSpent_NoMoreRetries()
    {
        await using var mesh = await Failing(times: int.MaxValue, NotReady).StartAsync([.. Fast, ("CorrMesh:Retry:Budget", "2")]);
        var client = Client(mesh);

        for (int i = 0; i < 5; i++)
            await Assert.ThrowsAsync<RpcException>(async () => await client.ExtractFeaturesAsync(new ExtractFeaturesRequest(), cancellationToken: TestContext.Current.CancellationToken));

        Assert.Equal(5 + 2, calls);
    }

    // Goal: successes pay for later retries, a tenth each. Method: spend the budget of 1, answer 9 calls, fail (no retry), answer 1, fail (a retry).
    [Fact]
    public async Task Unary_TenSuccesses_EarnOneRetry()
    {
        bool fail = true;
        await using var mesh = await new FakeModule
        {
            OnExtract = (_, _) =>
            {
                Interlocked.Increment(ref calls);
                return fail ? throw NotReady() : Task.FromResult(Answer());
            },
        }.StartAsync([.. Fast, ("CorrMesh:Retry:Budget", "1")]);
        var client = Client(mesh);
        async Task<int> Calls(bool failing, int times)
        {
            (fail, calls) = (failing, 0);
            for (int i = 0; i < times; i++)
            {
                try { await client.ExtractFeaturesAsync(new ExtractFeaturesRequest(), cancellationToken: TestContext.Current.CancellationToken); }
                catch (RpcException) when (failing) { }
            }

            return calls;
        }

        Assert.Equal(2, await Calls(failing: true, 1));
        Assert.Equal(9, await Calls(failing: false, 9));
        Assert.Equal(1, await Calls(failing: true, 1));
        Assert.Equal(1, await Calls(failing: false, 1));
        Assert.Equal(2, await Calls(failing: true, 1));
    }

    [Fact]
    public async Task Unary_CancelledBetweenTries_EndsAsCancelled()
    {
        using var cancel = new CancellationTokenSource();
        var seenOnce = new TaskCompletionSource();
        await using var mesh = await new FakeModule
        {
            OnExtract = (_, _) =>
            {
                seenOnce.TrySetResult();
                throw new NotReadyException(NotReadyException.Loading, "", TimeSpan.FromMinutes(1));
            },
        }.StartAsync(("CorrMesh:Retry:MaxDelay", "00:01:00"));

        var call = Client(mesh).ExtractFeaturesAsync(new ExtractFeaturesRequest(), cancellationToken: cancel.Token).ResponseAsync;
        await seenOnce.Task.WaitAsync(TestContext.Current.CancellationToken);
        await cancel.CancelAsync();

        Assert.Equal(StatusCode.Cancelled, (await Assert.ThrowsAsync<RpcException>(() => call)).StatusCode);
    }

    [Fact]
    public async Task Stream_Unavailable_IsNotTriedAgain()
    {
        await using var mesh = await new FakeModule
        {
            OnStream = (_, _, _) =>
            {
                Interlocked.Increment(ref calls);
                throw NotReady();
            },
        }.StartAsync(Fast);

        using var stream = Client(mesh).StreamFeatures(cancellationToken: TestContext.Current.CancellationToken);
        await Assert.ThrowsAsync<RpcException>(() => stream.ResponseStream.MoveNext(TestContext.Current.CancellationToken));

        Assert.Equal(1, calls);
    }

    private static readonly (string, string)[] Fast = [("CorrMesh:Retry:FirstDelay", "00:00:00.001"), ("CorrMesh:Retry:MaxDelay", "00:00:00.002")];

    private static NotReadyException NotReady() => new(NotReadyException.Loading, "loading", TimeSpan.FromMilliseconds(1));

    private static ExtractFeaturesResponse Answer() => new() { Reference = new FeatureMapReference { FeaturesKey = "answered" } };

    // The client that any module of the mesh would inject.
    private static FeatureService.FeatureServiceClient Client(Mesh mesh) =>
        mesh.ServicesOf(MeshTopology.Features).GetRequiredService<FeatureService.FeatureServiceClient>();

    private FakeModule Failing(int times, Func<Exception> failure) => new()
    {
        OnExtract = (_, _) => Interlocked.Increment(ref calls) <= times ? throw failure() : Task.FromResult(Answer()),
    };
}
