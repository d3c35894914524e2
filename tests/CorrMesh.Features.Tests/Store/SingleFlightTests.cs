using CorrMesh.Features.Store;
using Xunit;

namespace CorrMesh.Features.Tests.Store;

public sealed class SingleFlightTests
{
    private readonly SingleFlight<int> flights = new();
    private readonly TaskCompletionSource<int> answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<CancellationToken> started = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int computations;

    private static CancellationToken Test => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Run_ManyCallersOfOneKey_ComputeOnce()
    {
        Task<int>[] callers = [.. Enumerable.Range(0, 20).Select(_ => flights.RunAsync("k", Compute, Test))];
        await started.Task.WaitAsync(Test);
        answer.SetResult(7);
        Assert.All(await Task.WhenAll(callers), value => Assert.Equal(7, value));
        Assert.Equal(1, computations);
    }

    [Fact]
    public async Task Run_OtherKeys_ComputeEach()
    {
        answer.SetResult(1);
        await Task.WhenAll(flights.RunAsync("a", Compute, Test), flights.RunAsync("b", Compute, Test));
        Assert.Equal(2, computations);
    }

    [Fact]
    public async Task Run_OneCallerCancelled_LeavesTheOthers()
    {
        using var gone = new CancellationTokenSource();
        Task<int> first = flights.RunAsync("k", Compute, gone.Token), second = flights.RunAsync("k", Compute, Test);
        CancellationToken inner = await started.Task.WaitAsync(Test);
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        Assert.False(inner.IsCancellationRequested);
        answer.SetResult(7);
        Assert.Equal(7, await second);
    }

    // Goal: nobody computes for nobody. Method: cancel all callers, wait for the computation's own token; a later caller starts anew.
    [Fact]
    public async Task Run_LastCallerCancelled_CancelsTheComputation()
    {
        using var gone = new CancellationTokenSource();
        Task<int> first = flights.RunAsync("k", Compute, gone.Token), second = flights.RunAsync("k", Compute, gone.Token);
        CancellationToken inner = await started.Task.WaitAsync(Test);
        var cancelled = new TaskCompletionSource();
        using (inner.Register(cancelled.SetResult))
        {
            await gone.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second);
            await cancelled.Task.WaitAsync(Test);
        }

        answer.SetResult(7);
        Assert.Equal(7, await flights.RunAsync("k", Compute, Test));
        Assert.Equal(2, computations);
    }

    [Fact]
    public async Task Run_Failure_ReachesEveryCallerAndIsNotKept()
    {
        Task<int> first = flights.RunAsync("k", Compute, Test), second = flights.RunAsync("k", Compute, Test);
        await started.Task.WaitAsync(Test);
        answer.SetException(new InvalidOperationException("no"));
        await Assert.ThrowsAsync<InvalidOperationException>(() => first);
        await Assert.ThrowsAsync<InvalidOperationException>(() => second);
        Assert.Equal(3, await flights.RunAsync("k", _ => Task.FromResult(3), Test));
    }

    private async Task<int> Compute(CancellationToken cancellation)
    {
        Interlocked.Increment(ref computations);
        started.TrySetResult(cancellation);
        return await answer.Task.WaitAsync(cancellation);
    }
}
