using CorrMesh.Features.Execution;
using CorrMesh.Features.Tests.Support;
using CorrMesh.Hosting.Errors;
using CorrMesh.Models;
using Xunit;
using FeatureStage = CorrMesh.Vision.Features.FeatureStage;

namespace CorrMesh.Features.Tests.Execution;

public sealed class FeatureQueueTests : IAsyncDisposable
{
    private const int Capacity = 6, BatchCount = 4;

    private readonly FakeEngine engine = new();
    private readonly FeatureMetrics metrics = new();
    private readonly FeatureQueue queue;

    public FeatureQueueTests() => queue = new FeatureQueue(engine, metrics, Capacity, BatchCount);

    private static CancellationToken Test => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        engine.Release();
        await queue.DisposeAsync();
        metrics.Dispose();
    }

    // Goal: a batch answers as single calls do. Method: four pictures queued behind a held one come out as one batch, each with its own map, bit for bit.
    [Fact]
    public async Task Extract_QueuedTogether_AreOneBatchWithEachItsOwnMap()
    {
        Task<Extraction> held = await HoldOneAsync();
        ExtractionRequest[] requests = [.. Enumerable.Range(10, 4).Select(seed => Request(seed))];
        Task<Extraction>[] waiting = [.. requests.Select(request => queue.ExtractAsync(request, Test))];
        engine.Release();
        await held;
        Extraction[] answers = await Task.WhenAll(waiting);

        Assert.Equal([1, 4], engine.Batches.Select(batch => batch.Count));
        for (int i = 0; i < answers.Length; i++)
        {
            Assert.Equal(FakeEngine.MapOf(requests[i]).Values, answers[i].Map.Values);
            Assert.Equal(4, answers[i].BatchCount);
            Assert.True(answers[i].Queued > TimeSpan.Zero);
        }

        Assert.Equal(0, queue.Count);
    }

    // Goal: only what shares weights, stage, stride and input size is computed together, and the oldest leads. Method: groups interleaved behind a held request.
    [Fact]
    public async Task Extract_MixedGroups_AreBatchedByGroupOldestFirst()
    {
        Task<Extraction> held = await HoldOneAsync();
        ResolvedSpec preNorm = Make.Spec(stage: FeatureStage.PreNorm);
        Task[] waiting =
        [
            queue.ExtractAsync(Request(1), Test), queue.ExtractAsync(Request(2, preNorm), Test), queue.ExtractAsync(Request(3), Test),
            queue.ExtractAsync(Request(4, Make.Spec(tokens: 8)), Test), queue.ExtractAsync(Request(5, preNorm), Test),
        ];
        engine.Release();
        await held;
        await Task.WhenAll(waiting);

        Assert.Equal([1, 2, 2, 1], engine.Batches.Select(batch => batch.Count));
        Assert.All(engine.Batches, batch => Assert.Single(batch.Select(request => request.Group).Distinct()));
    }

    [Fact]
    public void Group_WeightsStageStrideOrSize_TellApart()
    {
        var adapter = new AdapterEntry("tuned", new string('b', 64), "/nowhere");
        ExtractionRequest[] requests =
        [
            Request(1), Request(1, Make.Spec(adapter: adapter)), Request(1, Make.Spec(stage: FeatureStage.PreNorm)), Request(1, Make.Spec(stride: 7)),
            Request(1, Make.Spec(tokens: 17)), Request(1, Make.Spec(model: Make.Model(heads: 3))), Make.Request(Make.Picture(64, 96)),
        ];
        Assert.Equal(requests.Length, requests.Select(request => request.Group).Distinct().Count());
        Assert.Equal(Request(1).Group, Make.Request(Make.Picture(192, 128)).Group);   // another image of the same aspect
    }

    [Fact]
    public async Task Extract_AtTheBoundAndOnePast_WaitsAndIsRefused()
    {
        await HoldOneAsync();
        Task[] waiting = [.. Enumerable.Range(1, Capacity - 1).Select(seed => queue.ExtractAsync(Request(seed), Test))];
        Assert.Equal(Capacity, queue.Count);
        var refused = await Assert.ThrowsAsync<QueueFullException>(() => queue.ExtractAsync(Request(99), Test));
        Assert.InRange(refused.RetryAfter, TimeSpan.FromMilliseconds(50), TimeSpan.FromSeconds(30));

        engine.Release();
        await Task.WhenAll(waiting);
        await queue.ExtractAsync(Request(99), Test);
        Assert.Equal(0, queue.Count);
    }

    // Goal: a caller who has gone costs nothing: its place is free at once, while the device is busy, and its image is never launched.
    [Fact]
    public async Task Extract_CancelledWhileWaiting_FreesItsPlaceAndIsNeverLaunched()
    {
        Task<Extraction> held = await HoldOneAsync();
        for (int round = 0; round < 3; round++)
        {
            using var gone = new CancellationTokenSource();
            Task[] waiting = [.. Enumerable.Range(1, Capacity - 1).Select(seed => queue.ExtractAsync(Request(seed), gone.Token))];
            await gone.CancelAsync();
            foreach (Task one in waiting) await Assert.ThrowsAnyAsync<OperationCanceledException>(() => one);
            Assert.Equal(1, queue.Count);
        }

        engine.Release();
        await held;
        await queue.ExtractAsync(Request(7), Test);
        Assert.Equal(2, engine.ImageCount);
    }

    [Fact]
    public async Task Extract_CancelledBefore_IsNeverLaunched()
    {
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => queue.ExtractAsync(Request(1), new CancellationToken(canceled: true)));
        await queue.ExtractAsync(Request(2), Test);
        Assert.Equal(1, engine.ImageCount);
    }

    [Fact]
    public async Task Extract_CancelledWhileRunning_LetsItsCallerGoAndTheRestFinish()
    {
        engine.Hold();
        using var gone = new CancellationTokenSource();
        Task<Extraction> running = queue.ExtractAsync(Request(1), gone.Token);
        await engine.LaunchedAsync();
        Task<Extraction> next = queue.ExtractAsync(Request(2), Test);
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
        engine.Release();
        Assert.Equal(FakeEngine.MapOf(Request(2)).Values, (await next).Map.Values);
    }

    [Fact]
    public async Task Extract_EngineFails_FailsThatBatchAndGoesOn()
    {
        engine.Failure = new InvalidDataException("damaged");
        await Assert.ThrowsAsync<InvalidDataException>(() => queue.ExtractAsync(Request(1), Test));
        engine.Failure = null;
        Assert.NotNull((await queue.ExtractAsync(Request(1), Test)).Map);
        Assert.Equal(0, queue.Count);
    }

    [Fact]
    public async Task Dispose_WithRequestsWaiting_FinishesThemAndTakesNoMore()
    {
        Task<Extraction> held = await HoldOneAsync(), waiting = queue.ExtractAsync(Request(1), Test);
        ValueTask stopping = queue.DisposeAsync();
        var refused = await Assert.ThrowsAsync<NotReadyException>(() => queue.ExtractAsync(Request(2), Test));
        Assert.Equal(NotReadyException.Draining, refused.Reason);
        engine.Release();
        await Task.WhenAll(held, waiting);
        await stopping;
    }

    // Goal: the device is not kept busy for nobody, and is for anybody. Method: two requests computed together on a held device; one
    // caller leaves and the batch goes on, the second leaves and it is called off, so the next request is launched though nothing was released.
    [Fact]
    public async Task Extract_EveryCallerOfABatchLeaves_TheBatchIsCalledOff()
    {
        Task<Extraction> first = await HoldOneAsync();
        using var one = new CancellationTokenSource();
        using var other = new CancellationTokenSource();
        Task<Extraction> leaving = queue.ExtractAsync(Request(1), one.Token), staying = queue.ExtractAsync(Request(2), other.Token);
        engine.HoldNext();
        await first;
        await engine.LaunchedAsync();

        await one.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => leaving);
        Assert.Equal(2, queue.Count);
        Task<Extraction> next = queue.ExtractAsync(Request(3), Test);
        await other.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => staying);
        await engine.LaunchedAsync();
        engine.Release();
        Assert.Equal(1, (await next).BatchCount);
    }

    private async Task<Task<Extraction>> HoldOneAsync()
    {
        engine.Hold();
        Task<Extraction> held = queue.ExtractAsync(Request(1000), Test);
        await engine.LaunchedAsync();
        return held;
    }

    private static ExtractionRequest Request(int seed, ResolvedSpec? spec = null) => Make.Request(Make.Picture(96, 64, seed), spec);
}
