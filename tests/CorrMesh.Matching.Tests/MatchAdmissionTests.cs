using CorrMesh.Hosting.Errors;
using Xunit;

namespace CorrMesh.Matching.Tests;

public sealed class MatchAdmissionTests
{
    // Goal: as many matches run as may; the next is refused at once, and a place that is given back is used again.
    [Fact]
    public async Task Run_MoreThanMay_IsRefusedUntilOneEnds()
    {
        var admission = new MatchAdmission(2);
        var running = new TaskCompletionSource<int>();
        Task<int>[] admitted = [admission.RunAsync(() => running.Task), admission.RunAsync(() => running.Task)];

        QueueFullException refused = await Assert.ThrowsAsync<QueueFullException>(() => admission.RunAsync(() => Task.FromResult(0)));
        Assert.True(refused.RetryAfter > TimeSpan.Zero);
        running.SetResult(7);
        int[] answers = await Task.WhenAll(admitted);
        Assert.Equal([7, 7], answers);
        Assert.Equal(8, await admission.RunAsync(() => Task.FromResult(8)));
        await Assert.ThrowsAsync<InvalidOperationException>(() => admission.RunAsync<int>(() => throw new InvalidOperationException()));
        Assert.Equal(9, await admission.RunAsync(() => Task.FromResult(9)));
    }
}
