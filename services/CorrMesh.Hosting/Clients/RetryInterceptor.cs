using CorrMesh.Hosting.Errors;
using CorrMesh.Hosting.Options;
using CorrMesh.Hosting.Routing;
using CorrMesh.Hosting.Telemetry;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Microsoft.Extensions.Logging;
using Polly;
using Polly.Retry;

namespace CorrMesh.Hosting.Clients;

/// <summary>Calls again what failed with UNAVAILABLE, or was refused by a full replica while another may have room: the one place in the mesh that does.</summary>
/// <remarks>
/// While another replica of the service is available the next try is made at once, and <see cref="ReplicaSet.Pick"/> sends it there. gRPC failures
/// travel in trailers, where retrying HTTP handlers do not see them. Only asynchronous unary calls that are harmless to repeat (<see cref="Repetition"/>): a stream
/// cannot be repeated without its messages. A wait that the service asks for (RetryInfo) is kept up to <see cref="RetryOptions.MaxDelay"/>; nothing is tried
/// beyond the call's deadline.
/// </remarks>
public sealed class RetryInterceptor : Interceptor
{
    private static readonly ResiliencePropertyKey<CallInfo> Call = new("call");

    private readonly ReplicaSet replicas;
    private readonly RetryBudget budget;
    private readonly RetryOptions options;
    private readonly TimeProvider time;
    private readonly ResiliencePipeline pipeline;
    private readonly ILogger<RetryInterceptor> logger;

    public RetryInterceptor(ReplicaSet replicas, RetryOptions options, TimeProvider time, ILogger<RetryInterceptor> logger)
    {
        this.replicas = replicas;
        this.options = options;
        this.time = time;
        this.logger = logger;
        budget = new RetryBudget(options.Budget);
        pipeline = options.Retries == 0 ? ResiliencePipeline.Empty : Build();
    }

    public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(
        TRequest request, ClientInterceptorContext<TRequest, TResponse> context, AsyncUnaryCallContinuation<TRequest, TResponse> continuation)
    {
        if (!Repetition.IsHarmless(request)) return continuation(request, context);
        AsyncUnaryCall<TResponse>? current = null;
        var response = Run();
        return new AsyncUnaryCall<TResponse>(
            response,
            Headers(),
            () => current!.GetStatus(),
            () => current!.GetTrailers(),
            () => current?.Dispose());

        async Task<TResponse> Run()
        {
            var resilience = ResilienceContextPool.Shared.Get(context.Options.CancellationToken);
            resilience.Properties.Set(Call, new CallInfo(context.Method.FullName, context.Options.Deadline));
            try
            {
                var result = await pipeline.ExecuteAsync(
                    async _ =>
                    {
                        current?.Dispose();
                        current = continuation(request, context);
                        return await current.ResponseAsync.ConfigureAwait(false);
                    },
                    resilience).ConfigureAwait(false);
                budget.Earn();
                return result;
            }
            catch (OperationCanceledException) when (context.Options.CancellationToken.IsCancellationRequested)
            {
                // Cancelled while waiting between two tries: to the caller that is no different from during one.
                throw new RpcException(new Status(StatusCode.Cancelled, "the caller cancelled"));
            }
            finally
            {
                ResilienceContextPool.Shared.Return(resilience);
            }
        }

        async Task<Metadata> Headers()
        {
            // Which try's headers count is known when its answer is.
            await ((Task)response).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return await current!.ResponseHeadersAsync.ConfigureAwait(false);
        }
    }

    private ResiliencePipeline Build() => new ResiliencePipelineBuilder { TimeProvider = time }.AddRetry(new RetryStrategyOptions
    {
        MaxRetryAttempts = options.Retries,
        BackoffType = DelayBackoffType.Exponential,
        UseJitter = true,
        Delay = options.FirstDelay,
        MaxDelay = options.MaxDelay,
        ShouldHandle = attempt => ValueTask.FromResult(
            attempt.Outcome.Exception is RpcException failure && IsWorthAnother(failure)
            && attempt.AttemptNumber < options.Retries
            && !IsOver(attempt.Context)
            && budget.TrySpend()),
        DelayGenerator = attempt =>
        {
            if (replicas.AnyAvailable) return ValueTask.FromResult<TimeSpan?>(TimeSpan.Zero);
            TimeSpan? asked = ((RpcException)attempt.Outcome.Exception!).RetryDelay();
            return ValueTask.FromResult(asked is { } delay && delay > options.FirstDelay ? (delay < options.MaxDelay ? delay : options.MaxDelay) : (TimeSpan?)null);
        },
        OnRetry = attempt =>
        {
            attempt.Context.Properties.TryGetValue(Call, out var call);
            HostingMetrics.Retries.Add(1, new KeyValuePair<string, object?>("method", call!.Method));
            HostingLog.Retrying(logger, call.Method, attempt.AttemptNumber + 2, attempt.RetryDelay, attempt.Outcome.Exception!.Message);
            return ValueTask.CompletedTask;
        },
    }).Build();

    // One replica's full queue says nothing about the others', but all of them being full is an answer.
    private bool IsWorthAnother(RpcException failure) =>
        failure.StatusCode == StatusCode.Unavailable || (failure.ErrorReason() == QueueFullException.Reason && replicas.HasRoom);

    private bool IsOver(ResilienceContext context) =>
        context.Properties.TryGetValue(Call, out var call) && call.Deadline <= time.GetUtcNow().UtcDateTime;

    private sealed record CallInfo(string Method, DateTime? Deadline);
}
