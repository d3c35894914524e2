using System.Globalization;
using CorrMesh.Hosting.Errors;
using CorrMesh.Hosting.Options;
using CorrMesh.Hosting.Security;
using Grpc.Core;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Logging;
using BadHttpRequestException = Microsoft.AspNetCore.Http.BadHttpRequestException;

namespace CorrMesh.Gateway.Http;

/// <summary>Turns whatever goes wrong on the HTTP port into problem details: the only place that knows HTTP's error codes.</summary>
/// <remarks>
/// gRPC errors of the services: INVALID_ARGUMENT 400, NOT_FOUND 404, FAILED_PRECONDITION and ABORTED 409, RESOURCE_EXHAUSTED 429
/// with Retry-After when a retry helps and 413 otherwise, UNAVAILABLE 503, DEADLINE_EXCEEDED 504, UNIMPLEMENTED 501, the rest 500.
/// </remarks>
internal sealed class ProblemMiddleware(RequestDelegate next, MeshLimits limits, ILogger<ProblemMiddleware> logger)
{
    private static readonly MinDataRate SlowestTransfer = new(bytesPerSecond: 240, gracePeriod: TimeSpan.FromSeconds(5));

    // Of a body that is refused for its length: a client that is a little over the limit sends that much in no time.
    private const long RestBytes = 4L << 20;
    private static readonly TimeSpan RestTime = TimeSpan.FromSeconds(2);

    public async Task InvokeAsync(HttpContext context)
    {
        if (context.IsGrpc())
        {
            await next(context).ConfigureAwait(false);
            return;
        }

        Bound(context);
        // A gRPC-Web call is answered as gRPC; what bounds it is the limit of each message.
        if (context.IsGrpcWeb())
        {
            await next(context).ConfigureAwait(false);
            return;
        }

        try
        {
            await next(context).ConfigureAwait(false);
            if (context.Response is { HasStarted: false, StatusCode: >= 400, ContentLength: null or 0, ContentType: null }) await WriteAsync(context, Unanswered(context)).ConfigureAwait(false);
        }
        catch (Exception exception) when (!context.Response.HasStarted)
        {
            context.Response.Clear();
            // The client has gone: there is nobody to explain anything to.
            if (context.RequestAborted.IsCancellationRequested) context.Response.StatusCode = StatusCodes.Status499ClientClosedRequest;
            else await WriteAsync(context, Explain(context, exception)).ConfigureAwait(false);
            if (exception is BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge }) await TakeRestAsync(context).ConfigureAwait(false);
        }
    }

    // Over HTTP/1.1 many clients send all of a body before they read; were the connection closed on them meanwhile, they would see that and not the answer.
    private static async Task TakeRestAsync(HttpContext context)
    {
        // Of a body without a length more than the limit has been read; a client that expects 100 has sent none.
        if (!HttpProtocol.IsHttp11(context.Request.Protocol) || context.Request.Headers.Expect.Count > 0 || context.Features.Get<IHttpMaxRequestBodySizeFeature>() is not { IsReadOnly: false } size) return;
        if (!(context.Request.ContentLength <= size.MaxRequestBodySize + RestBytes)) return;
        await context.Response.CompleteAsync().ConfigureAwait(false);
        size.MaxRequestBodySize = context.Request.ContentLength;
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        ending.CancelAfter(RestTime);
        byte[] rest = new byte[64 << 10];
        try
        {
            while (await context.Request.Body.ReadAsync(rest, ending.Token).ConfigureAwait(false) > 0) { }
        }
        catch (Exception exception) when (exception is OperationCanceledException or IOException)
        {
        }
    }

    // The server's own bounds are off, since gRPC streams may be long and idle; uploads get them back here.
    private void Bound(HttpContext context)
    {
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size) size.MaxRequestBodySize = limits.UploadBytes;
        // A stream of HTTP/2 (which is here with TLS alone) has no rate of its own: its connection must answer pings.
        if (HttpProtocol.IsHttp2(context.Request.Protocol)) return;
        if (context.Features.Get<IHttpMinRequestBodyDataRateFeature>() is { } incoming) incoming.MinDataRate = SlowestTransfer;
        if (context.Features.Get<IHttpMinResponseDataRateFeature>() is { } outgoing) outgoing.MinDataRate = SlowestTransfer;
    }

    private Problem Explain(HttpContext context, Exception exception)
    {
        switch (exception)
        {
            case FieldException field:
                return Of(StatusCodes.Status400BadRequest, field.Message, field.Violations);
            case TooLargeException large:
                return Of(StatusCodes.Status413PayloadTooLarge, large.Message, [new FieldViolation(large.Field, large.Description)]);
            case UnsupportedFormatException format:
                return Of(format.Status, format.Message, [new FieldViolation(format.Field, format.Description)]);
            case BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge }:
                string given = context.Request.ContentLength is { } length ? $"{length} given" : "more given";
                long allowed = context.Features.Get<IHttpMaxRequestBodySizeFeature>()?.MaxRequestBodySize ?? limits.UploadBytes;
                var body = new FieldViolation("body", $"at most {allowed} bytes allowed, {given}");
                return Of(StatusCodes.Status413PayloadTooLarge, body.ToString(), [body]);
            case BadHttpRequestException bad:
                return Of(bad.StatusCode, bad.Message);
            case RpcException rpc:
                return Explain(context, rpc);
            default:
                GatewayLog.RequestFailed(logger, context.Request.Method, context.Request.Path, exception);
                return Of(StatusCodes.Status500InternalServerError, "this request failed for a reason of the server's own; its log says more");
        }
    }

    private static Problem Explain(HttpContext context, RpcException exception)
    {
        TimeSpan? retryAfter = exception.RetryDelay();
        int status = exception.StatusCode switch
        {
            StatusCode.InvalidArgument or StatusCode.OutOfRange => StatusCodes.Status400BadRequest,
            StatusCode.NotFound => StatusCodes.Status404NotFound,
            StatusCode.FailedPrecondition or StatusCode.Aborted or StatusCode.AlreadyExists => StatusCodes.Status409Conflict,
            StatusCode.ResourceExhausted => retryAfter is null ? StatusCodes.Status413PayloadTooLarge : StatusCodes.Status429TooManyRequests,
            StatusCode.Unavailable or StatusCode.Cancelled => StatusCodes.Status503ServiceUnavailable,
            StatusCode.DeadlineExceeded => StatusCodes.Status504GatewayTimeout,
            StatusCode.Unimplemented => StatusCodes.Status501NotImplemented,
            _ => StatusCodes.Status500InternalServerError,
        };
        if (status == StatusCodes.Status503ServiceUnavailable) retryAfter ??= TimeSpan.FromSeconds(1);
        if (retryAfter is { } wait) context.Response.Headers.RetryAfter = Math.Max(1, Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        // What a field is called may depend on what else the form has.
        var names = context.Features.Get<FormNames>() ?? context.GetEndpoint()?.Metadata.GetMetadata<FormNames>() ?? new FormNames();
        FieldViolation[] violations = [.. exception.FieldViolations().Select(violation => violation with { Field = names.Of(violation.Field) })];
        string detail = (status, violations.Length) switch
        {
            // What a connection failed with is for the operator, not for the caller.
            (StatusCodes.Status503ServiceUnavailable, _) when exception.ErrorReason() is null => "a service behind the gateway cannot be reached just now",
            (StatusCodes.Status504GatewayTimeout, _) => "the services took longer than this request may wait",
            (StatusCodes.Status500InternalServerError, _) => "a service behind the gateway failed; its log says more",
            (StatusCodes.Status400BadRequest, > 0) => string.Join("; ", violations.Select(violation => violation.ToString())),
            _ => Renamed(exception.Status.Detail, names),
        };
        return Of(status, detail, violations, exception.ErrorReason());
    }

    // `config.id: a free one needed ...` without a violation beside it.
    private static string Renamed(string detail, FormNames names) =>
        detail.Split(": ", 2) is [var field, var rest] && !field.Contains(' ', StringComparison.Ordinal) ? $"{names.Of(field)}: {rest}" : detail;

    private static Problem Unanswered(HttpContext context) => Of(context.Response.StatusCode, context.Response.StatusCode switch
    {
        StatusCodes.Status404NotFound => $"{context.Request.Path}: there is no such route; /docs lists them",
        StatusCodes.Status405MethodNotAllowed => $"{context.Request.Method}: {context.Response.Headers.Allow} allowed here",
        var status => ReasonPhrases.GetReasonPhrase(status),
    });

    private static Problem Of(int status, string detail, IReadOnlyList<FieldViolation>? violations = null, string? reason = null) => new(
        "about:blank", ReasonPhrases.GetReasonPhrase(status), status, detail,
        violations is { Count: > 0 } ? [.. violations.Select(violation => new ProblemField(violation.Field, violation.Description))] : null, reason);

    private static Task WriteAsync(HttpContext context, Problem problem) => ProblemResult(problem).ExecuteAsync(context);

    internal static IResult ProblemResult(Problem problem) => Results.Json(problem, contentType: "application/problem+json", statusCode: problem.Status);
}
