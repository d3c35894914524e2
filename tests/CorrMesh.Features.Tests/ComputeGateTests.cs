using CorrMesh.Hosting;
using CorrMesh.Hosting.Errors;
using Xunit;

namespace CorrMesh.Features.Tests;

public sealed class ComputeGateTests
{
    private static CancellationToken Test => TestContext.Current.CancellationToken;

    // Goal: never more pieces at once than cores, at most `capacity` waiting, and places come back. Method: pieces that wait for the test.
    [Fact]
    public async Task Run_AtTheBoundAndOnePast_WaitsAndIsRefused()
    {
        int cores = Environment.ProcessorCount, running = 0, most = 0;
        using var gate = new ComputeGate(3);
        using var release = new ManualResetEventSlim();
        Task<int>[] pieces = [.. Enumerable.Range(0, cores + 3).Select(i => gate.RunAsync(
            () =>
            {
                int now = Interlocked.Increment(ref running);
                most = Math.Max(most, now);
                release.Wait(Test);
                Interlocked.Decrement(ref running);
                return i;
            },
            Test))];
        await Assert.ThrowsAsync<QueueFullException>(() => gate.RunAsync(() => 0, Test));
        release.Set();
        Assert.Equal(Enumerable.Range(0, cores + 3), await Task.WhenAll(pieces));
        Assert.InRange(most, 1, cores);
        Assert.Equal(5, await gate.RunAsync(() => 5, Test));
    }

    [Fact]
    public async Task Run_FailedOrCancelledPieces_GiveTheirPlacesBack()
    {
        using var gate = new ComputeGate(0);
        for (int i = 0; i < 3 * Environment.ProcessorCount; i++)
        {
            await Assert.ThrowsAsync<InvalidOperationException>(() => gate.RunAsync<int>(() => throw new InvalidOperationException(), Test));
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => gate.RunAsync(() => 0, new CancellationToken(canceled: true)));
        }

        Assert.Equal(1, await gate.RunAsync(() => 1, Test));
    }

    [Fact]
    public async Task Run_WithATimer_CountsTheWorkAsCompute()
    {
        using var gate = new ComputeGate(1);
        var timer = new RequestTimer();
        await gate.RunAsync(() => Thread.CurrentThread.Join(2), timer, Test);
        Assert.True(timer.ToTimings().ComputeNs > 0);
    }
}
