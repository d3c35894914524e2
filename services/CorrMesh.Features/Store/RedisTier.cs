using System.Diagnostics;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Polly;
using Polly.CircuitBreaker;
using Polly.Timeout;
using StackExchange.Redis;

namespace CorrMesh.Features.Store;

/// <summary>The maps that features processes share through Redis. Whatever happens to it, no request fails and no answer changes.</summary>
/// <remarks>
/// Reads have a time budget and writes happen behind the answers, from a queue bounded in bytes. Both go through one circuit breaker, so that
/// a Redis that is dead or slow costs a few requests their budget and the rest nothing. A value that is not a whole map of its key is a miss,
/// and the recomputed map takes its place. The connection is made, and made again, in the background.
/// </remarks>
public sealed class RedisTier : IAsyncDisposable
{
    // Nobody waits for a write, so it may take longer than a read.
    private static readonly TimeSpan WriteLimit = TimeSpan.FromSeconds(2), DrainLimit = TimeSpan.FromSeconds(1);

    private readonly RedisOptions options;
    private readonly FeatureMetrics metrics;
    private readonly RedisLink link;
    private readonly RedisHealth health;
    private readonly MapFormat format;
    private readonly ResiliencePipeline reading, writing;
    private readonly SingleFlight<StoredMap?> lookups = new();
    private readonly Channel<StoredMap> writes = Channel.CreateUnbounded<StoredMap>(new UnboundedChannelOptions { SingleReader = true });
    private readonly CancellationTokenSource stopping = new();
    private readonly CircuitBreakerStateProvider circuit = new();
    private readonly Task storing;
    private long queuedBytes;

    public RedisTier(RedisOptions options, FeatureMetrics metrics, ILogger<RedisTier> logger)
    {
        (this.options, this.metrics) = (options, metrics);
        format = new MapFormat(options.ReadSigningKey());
        health = new RedisHealth(options.Address, logger);
        var control = new CircuitBreakerManualControl();
        ResiliencePipeline breaker = new ResiliencePipelineBuilder().AddCircuitBreaker(Breaker(control)).Build();
        reading = new ResiliencePipelineBuilder().AddPipeline(breaker).AddTimeout(options.Budget).Build();
        writing = new ResiliencePipelineBuilder().AddPipeline(breaker).AddTimeout(WriteLimit).Build();
        link = new RedisLink(options, health, () => control.CloseAsync(CancellationToken.None));
        storing = options.IsOn ? Task.Run(StoreAsync) : Task.CompletedTask;
    }

    public RedisState State => options.IsOn ? health.IsUp ? RedisState.Up : RedisState.Down : RedisState.Off;

    /// <summary>Bytes of values that wait to be written.</summary>
    public long QueuedBytes => Interlocked.Read(ref queuedBytes);

    /// <summary>Looks a map up; callers who want the same one share the look-up.</summary>
    /// <returns>Null when it is not there, and whenever Redis cannot say within its budget.</returns>
    public Task<StoredMap?> FindAsync(string key, CancellationToken cancellation) =>
        link.Database is { } database ? lookups.RunAsync(key, _ => ReadAsync(database, key), cancellation) : Task.FromResult<StoredMap?>(null);

    /// <summary>Writes a map when there is time. With the queue full it is dropped: it can be computed again.</summary>
    public void Put(StoredMap map)
    {
        if (!options.IsOn) return;
        long size = MapFormat.SizeOf(map);
        if (size <= options.ValueBytes && Interlocked.Add(ref queuedBytes, size) is var queued)
        {
            if (queued <= options.WriteQueueBytes && writes.Writer.TryWrite(map)) return;
            Interlocked.Add(ref queuedBytes, -size);
        }

        metrics.RedisDropped();
    }

    public async ValueTask DisposeAsync()
    {
        writes.Writer.TryComplete();
        await ((Task)storing.WaitAsync(DrainLimit)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await stopping.CancelAsync().ConfigureAwait(false);
        await storing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await link.DisposeAsync().ConfigureAwait(false);
        stopping.Dispose();
    }

    private async Task<StoredMap?> ReadAsync(IDatabase database, string key)
    {
        long started = Stopwatch.GetTimestamp();
        byte[]? bytes;
        try
        {
            // One byte more than is taken, so that a value that is too large shows but does not travel whole. A key that is not there is the empty
            // string. The request's own cancellation stays out: a look-up that is given up would pass for one that went well.
            bytes = await reading.ExecuteAsync(
                async token => (byte[]?)await database.StringGetRangeAsync(NameOf(key), 0, options.ValueBytes).WaitAsync(token).ConfigureAwait(false),
                stopping.Token).ConfigureAwait(false);
            metrics.RedisAnswered(Stopwatch.GetElapsedTime(started), "read");
            Answered("reads");
        }
        catch (RedisServerException exception) when (exception.Message.StartsWith("WRONGTYPE", StringComparison.Ordinal))
        {
            metrics.RedisCorrupt();
            return null;
        }
        catch (Exception exception) when (IsRedisFailure(exception))
        {
            Failed(exception, "reads");
            return null;
        }

        if (bytes is null or { Length: 0 })
        {
            metrics.RedisMissed();
            return null;
        }

        if (bytes.Length > options.ValueBytes || !format.TryRead(key, bytes, out StoredMap? map))
        {
            metrics.RedisCorrupt();
            return null;
        }

        metrics.RedisHit();
        return map;
    }

    private async Task StoreAsync()
    {
        await foreach (StoredMap map in writes.Reader.ReadAllAsync(CancellationToken.None).ConfigureAwait(false))
        {
            try
            {
                await WriteAsync(map).ConfigureAwait(false);
            }
            finally
            {
                Interlocked.Add(ref queuedBytes, -MapFormat.SizeOf(map));
            }
        }
    }

    private async Task WriteAsync(StoredMap map)
    {
        long started = Stopwatch.GetTimestamp();
        try
        {
            if (link.Database is not { } database)
            {
                metrics.RedisDropped();
                return;
            }

            await writing.ExecuteAsync(
                async token => await database.StringSetAsync(NameOf(map.Key), format.Write(map), options.TimeToLive).WaitAsync(token).ConfigureAwait(false),
                stopping.Token).ConfigureAwait(false);
            metrics.RedisAnswered(Stopwatch.GetElapsedTime(started), "write");
            Answered("writes");
        }
        catch (Exception exception) when (IsRedisFailure(exception))
        {
            Failed(exception, "writes");
            metrics.RedisDropped();
        }
    }

    private RedisKey NameOf(string key) => options.KeyPrefix + key;

    // An answer that was on its way when the circuit opened is no sign of health.
    private void Answered(string what)
    {
        health.Accepted(what);
        if (circuit.CircuitState == CircuitState.Closed) health.Restored();
    }

    private void Failed(Exception exception, string what)
    {
        // With the circuit open nothing was asked.
        if (exception is not BrokenCircuitException) metrics.RedisFailed();
        if (exception is RedisServerException refusal) health.Refused(what, refusal.Message);
    }

    // Cancellation is that of the process: requests' own do not come here.
    private static bool IsRedisFailure(Exception exception) =>
        exception is RedisException or RedisCommandException or TimeoutException or TimeoutRejectedException or BrokenCircuitException or ObjectDisposedException or OperationCanceledException;

    // A server that refuses (full, no permission, wrong type) answers at once and costs nobody anything; only silence opens the circuit.
    private CircuitBreakerStrategyOptions Breaker(CircuitBreakerManualControl control) => new()
    {
        ShouldHandle = attempt => ValueTask.FromResult(attempt.Outcome.Exception is TimeoutRejectedException or TimeoutException or RedisConnectionException or ObjectDisposedException),
        MinimumThroughput = 4,
        FailureRatio = 0.25,
        SamplingDuration = TimeSpan.FromSeconds(2),   // successes of before count no longer than this
        BreakDuration = options.Pause,
        ManualControl = control,
        StateProvider = circuit,
        OnOpened = opened =>
        {
            health.Lost(opened.Outcome.Exception is TimeoutRejectedException ? $"no answer within {options.Budget.TotalMilliseconds:0} ms" : RedisHealth.Reason(opened.Outcome.Exception));
            return ValueTask.CompletedTask;
        },
        OnClosed = _ =>
        {
            if (link.Database is not null) health.Restored();
            return ValueTask.CompletedTask;
        },
    };
}
