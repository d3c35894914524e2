using CorrMesh.Hosting;
using CorrMesh.Hosting.Errors;
using CorrMesh.Pose.Pnp;
using Xunit;

namespace CorrMesh.Pose.Tests;

public class SolverQueueTests
{
    // Goal: overload is refused at once, and a place that becomes free is used. Method: one place, one waiting, a third; then the first ends.
    [Fact]
    public async Task RunAsync_Full_RefusesAtOnceAndRecovers()
    {
        using var queue = new SolverQueue(1, 1);
        using var gate = new ManualResetEventSlim();
        CancellationToken test = TestContext.Current.CancellationToken;
        Task<int> first = queue.RunAsync(() => { gate.Wait(test); return 1; }, new RequestTimer(), test), second = queue.RunAsync(() => 2, new RequestTimer(), test);
        QueueFullException full = await Assert.ThrowsAsync<QueueFullException>(() => queue.RunAsync(() => 3, new RequestTimer(), test));
        Assert.Contains("2", full.Message, StringComparison.Ordinal);
        Assert.Equal(2, queue.Count);
        gate.Set();
        Assert.Equal(1, await first);
        Assert.Equal(2, await second);
        Assert.Equal(0, queue.Count);
        Assert.Equal(4, await queue.RunAsync(() => 4, new RequestTimer(), test));
    }

    // Goal: who waits may go, and a search that fails leaves its place. Method: cancel a waiting one; throw in one.
    [Fact]
    public async Task RunAsync_CancelledOrFailed_LeavesItsPlace()
    {
        using var queue = new SolverQueue(1, 4);
        using var gate = new ManualResetEventSlim();
        using var cancelled = new CancellationTokenSource();
        CancellationToken test = TestContext.Current.CancellationToken;
        Task<int> first = queue.RunAsync(() => { gate.Wait(test); return 1; }, new RequestTimer(), test), waiting = queue.RunAsync(() => 2, new RequestTimer(), cancelled.Token);
        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        gate.Set();
        await first;
        await Assert.ThrowsAsync<InvalidOperationException>(() => queue.RunAsync<int>(() => throw new InvalidOperationException(), new RequestTimer(), test));
        Assert.Equal(5, await queue.RunAsync(() => 5, new RequestTimer(), test));
        Assert.Equal(0, queue.Count);
    }
}
