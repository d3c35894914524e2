using CorrMesh.Hosting.Health;
using CorrMesh.Hosting.Streams;
using CorrMesh.Hosting.Telemetry;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Microsoft.Extensions.Logging;
using Status = Google.Rpc.Status;

namespace CorrMesh.Hosting.Errors;

/// <summary>Turns exceptions into gRPC errors: the only place that knows which exception has which code.</summary>
/// <remarks>
/// | exception | code | details |
/// |---|---|---|
/// | <see cref="FieldException"/> | INVALID_ARGUMENT | BadRequest |
/// | a message that cannot be read (<see cref="MessageFaults"/>) | INVALID_ARGUMENT | BadRequest with the field `message` |
/// | <see cref="ArgumentException"/> (but not for null) | INVALID_ARGUMENT | BadRequest with the parameter's name; logged, since a defect looks the same |
/// | <see cref="NotFoundException"/> | NOT_FOUND | ErrorInfo `MODEL_NOT_FOUND` and the like |
/// | <see cref="FeaturesExpiredException"/> | FAILED_PRECONDITION | ErrorInfo `FEATURES_EXPIRED` |
/// | <see cref="QueueFullException"/> | RESOURCE_EXHAUSTED | ErrorInfo, RetryInfo |
/// | <see cref="NotReadyException"/> | UNAVAILABLE | ErrorInfo, RetryInfo |
/// | cancelled | DEADLINE_EXCEEDED, CANCELLED, or UNAVAILABLE while draining | |
/// | <see cref="TimeoutException"/> | DEADLINE_EXCEEDED | |
/// | <see cref="RpcException"/> of another service | as it came, with its details | ErrorInfo `DEPENDENCY_UNAVAILABLE`, RetryInfo when it could not be reached |
/// | anything else | INTERNAL, without a word of the exception | logged once, here |
/// </remarks>
public sealed class ErrorMapping(ModuleHealth health, TimeProvider time, ILogger<ErrorMapping> logger) : Interceptor
{
    private static readonly TimeSpan ShortWait = TimeSpan.FromSeconds(1);

    public override async Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation)
    {
        try { return await continuation(request, context).ConfigureAwait(false); }
        catch (Exception exception) { throw Map(exception, context); }
    }

    public override async Task<TResponse> ClientStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream, ServerCallContext context, ClientStreamingServerMethod<TRequest, TResponse> continuation)
    {
        try { return await continuation(MessageFaults.Telling(requestStream), context).ConfigureAwait(false); }
        catch (Exception exception)
        {
            RpcException mapped = Map(exception, context);
            await RestOfUpload.PassAsync(context.GetHttpContext().Request.BodyReader, time, context.CancellationToken).ConfigureAwait(false);
            throw mapped;
        }
    }

    public override async Task ServerStreamingServerHandler<TRequest, TResponse>(
        TRequest request, IServerStreamWriter<TResponse> responseStream, ServerCallContext context, ServerStreamingServerMethod<TRequest, TResponse> continuation)
    {
        try { await continuation(request, responseStream, context).ConfigureAwait(false); }
        catch (Exception exception) { throw Map(exception, context); }
    }

    public override async Task DuplexStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream, IServerStreamWriter<TResponse> responseStream, ServerCallContext context,
        DuplexStreamingServerMethod<TRequest, TResponse> continuation)
    {
        try { await continuation(MessageFaults.Telling(requestStream), responseStream, context).ConfigureAwait(false); }
        catch (Exception exception) { throw Map(exception, context); }
    }

    internal RpcException Map(Exception exception, ServerCallContext context)
    {
        var mapped = exception switch
        {
            FieldException field => Invalid(field.Message, field.Violations),
            NotFoundException missing => Error(Code.NotFound, missing.Message, Info($"{missing.Field.ToUpperInvariant()}_NOT_FOUND", missing.Field)),
            FeaturesExpiredException gone => Error(Code.FailedPrecondition, gone.Message, Info(FeaturesExpiredException.Reason, gone.Field)),
            QueueFullException full => Error(Code.ResourceExhausted, full.Message, Info(QueueFullException.Reason), Retry(full.RetryAfter)),
            NotReadyException notReady => StatusOf(notReady).ToRpcException(),
            // A failed connection comes without details and with an address that is nobody's business outside.
            RpcException { StatusCode: StatusCode.Unavailable } rpc when rpc.GetRpcStatus() is null =>
                Error(Code.Unavailable, $"{health.Service.Name}: a service that it needs cannot be reached", Info("DEPENDENCY_UNAVAILABLE"), Retry(ShortWait)),
            RpcException rpc => rpc,
            OperationCanceledException => Cancelled(exception, context),
            TimeoutException => Error(Code.DeadlineExceeded, "the time for this call is over"),
            ArgumentNullException => Internal(exception, context),
            ArgumentException argument => Argument(argument, context),
            // What reading or writing on a broken connection ends in.
            IOException or InvalidOperationException when context.CancellationToken.IsCancellationRequested => Cancelled(exception, context),
            _ => Internal(exception, context),
        };
        HostingMetrics.Failures.Add(1, new("service", health.Service.Name), new("code", mapped.StatusCode.ToString()));
        return mapped;
    }

    /// <summary>What callers are told of a service that is not ready.</summary>
    public static Status StatusOf(NotReadyException notReady) => StatusOf(Code.Unavailable, notReady.Message, Info(notReady.Reason), Retry(notReady.RetryAfter));

    private RpcException Cancelled(Exception exception, ServerCallContext context)
    {
        if (context.Deadline <= time.GetUtcNow().UtcDateTime) return Error(Code.DeadlineExceeded, "the time for this call is over");
        // At the end of a drain the server leaves its callers, which looks the same from here; and one who has left hears nothing of this.
        if (health.Draining.IsCancellationRequested) return Error(Code.Unavailable, $"{health.Service.Name}: shutting down", Info(NotReadyException.Draining), Retry(ShortWait));
        return context.CancellationToken.IsCancellationRequested ? Error(Code.Cancelled, "the caller has gone") : Internal(exception, context);
    }

    private RpcException Argument(ArgumentException exception, ServerCallContext context)
    {
        HostingLog.ArgumentRefused(logger, context.Method, exception);
        string description = exception.ParamName is null ? exception.Message : exception.Message.Replace($" (Parameter '{exception.ParamName}')", "", StringComparison.Ordinal);
        return Invalid(description, [new FieldViolation(exception.ParamName ?? "", description)]);
    }

    private RpcException Internal(Exception exception, ServerCallContext context)
    {
        HostingLog.CallFailed(logger, context.Method, exception);
        return Error(Code.Internal, $"{health.Service.Name}: this call failed for a reason of the server's own; its log says more");
    }

    private static RpcException Invalid(string message, IEnumerable<FieldViolation> violations)
    {
        var details = new BadRequest();
        details.FieldViolations.AddRange(violations.Select(violation => new BadRequest.Types.FieldViolation { Field = violation.Field, Description = violation.Description }));
        return Error(Code.InvalidArgument, message, details);
    }

    private static ErrorInfo Info(string reason, string? field = null)
    {
        var info = new ErrorInfo { Domain = RpcErrors.Domain, Reason = reason };
        if (field is not null) info.Metadata["field"] = field;
        return info;
    }

    private static RetryInfo Retry(TimeSpan after) => new() { RetryDelay = Duration.FromTimeSpan(after) };

    private static RpcException Error(Code code, string message, params IEnumerable<IMessage> details) => StatusOf(code, message, details).ToRpcException();

    private static Status StatusOf(Code code, string message, params IEnumerable<IMessage> details)
    {
        var status = new Status { Code = (int)code, Message = message };
        status.Details.AddRange(details.Select(Any.Pack));
        return status;
    }
}
