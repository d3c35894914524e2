using System.Collections.Concurrent;
using System.Globalization;
using System.IO.Pipelines;
using System.Net;
using CorrMesh.Hosting;
using CorrMesh.Hosting.Clients;
using CorrMesh.Hosting.Errors;
using CorrMesh.Hosting.Health;
using CorrMesh.Hosting.Options;
using CorrMesh.Hosting.Routing;
using CorrMesh.Hosting.Security;
using CorrMesh.Hosting.Telemetry;
using Google.Protobuf.Reflection;
using Grpc.Core;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Yarp.ReverseProxy.Forwarder;

namespace CorrMesh.Gateway.Proxy;

/// <summary>Passes gRPC calls through, message by message, to the replica that holds their image.</summary>
/// <remarks>
/// Which image a call is about is read from the beginning of its first message, of which nothing is consumed. A unary call whose replica
/// breaks down, drains or is full before it has answered is sent once more, to another one where there is one: its body is kept until then.
/// Only calls that may be repeated whatever they hold (<see cref="Repetition"/>).
/// A stream that a replica breaks off ends with UNAVAILABLE. When the gateway drains, so does every stream: one that its caller sends, after the answers
/// to what was sent; one that only tells, at once.
/// </remarks>
internal sealed class GrpcForwarder(IHttpForwarder forwarder, MeshReplicas replicas, RetryOptions retry, ModuleHealth health, TimeProvider time) : IDisposable
{
    // A camera that pauses for an hour keeps its stream; peers that are gone are found by HTTP/2 pings instead.
    private static readonly ForwarderRequestConfig Passing = new()
    {
        Version = HttpVersion.Version20,
        VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        ActivityTimeout = TimeSpan.FromDays(1),
    };

    // Descriptors may come before the image in a message; those of 1,300 positions of a small model do not reach this far.
    private const int PeekBytes = 1 << 20;

    private static readonly HashSet<string>
        UnaryPaths = PathsOf(method => !method.IsClientStreaming && !method.IsServerStreaming),
        WatchPaths = PathsOf(method => !method.IsClientStreaming && method.IsServerStreaming);

    private static readonly Google.Rpc.Status Draining = ErrorMapping.StatusOf(
        new NotReadyException(NotReadyException.Draining, "gateway: shutting down; open the stream again where it ended", TimeSpan.FromSeconds(1)));

    private readonly ConcurrentDictionary<string, Lazy<HttpMessageInvoker>> invokers = new();
    private readonly RetryBudget budget = new(retry.Budget);

    public async Task ForwardAsync(HttpContext context, string service)
    {
        if (!context.IsGrpc())
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }

        string path = context.Request.Path.Value!;
        bool isUnary = UnaryPaths.Contains(path), isRepeatable = isUnary && Repetition.IsHarmless(path);
        // What a service tells without being asked again has no end of its own.
        CancellationToken ending = WatchPaths.Contains(path) ? health.Draining : CancellationToken.None;
        var set = replicas.Of(service);
        uint? affinity = set.Replicas.Count > 1 && CallAffinity.IsKnown(path) ? await PeekAsync(path, context.Request.BodyReader, context.RequestAborted).ConfigureAwait(false) : null;
        using var body = new ReplayableBody(context.Request.BodyReader, keep: isRepeatable, isUnary ? CancellationToken.None : health.Draining);
        context.Request.Body = body;
        if (context.Features.Get<IHttpResetFeature>() is { } reset) context.Features.Set<IHttpResetFeature>(new StatusInsteadOfReset(reset, context, End));
        for (int retries = 0; ; retries++)
        {
            var attempt = new Attempt(affinity, body, isRepeatable && retries < retry.Retries ? set : null);
            ForwarderError error = await forwarder.SendAsync(context, ReplicaHandler.PlaceholderOf(service).ToString(), InvokerOf(service), Passing, attempt, ending).ConfigureAwait(false);
            if (error == ForwarderError.None && !attempt.IsRefused)
            {
                budget.Earn();
                return;
            }

            if (context.Response.HasStarted || context.RequestAborted.IsCancellationRequested) return;
            bool again = isRepeatable && retries < retry.Retries && (attempt.IsRefused || IsOfTheReplica(error)) && body.TryRewind() && budget.TrySpend();
            context.Features.Set<IForwarderErrorFeature>(null);
            if (!again)
            {
                context.Response.Clear();
                context.Response.WriteGrpc(error == ForwarderError.RequestTimedOut ? new Google.Rpc.Status { Code = (int)StatusCode.DeadlineExceeded, Message = Unreachable(service) } : End());
                return;
            }

            context.Response.Clear();
            HostingMetrics.Retries.Add(1, new KeyValuePair<string, object?>("method", path));
            if (!set.AnyAvailable) await Task.Delay(Wait(retries), time, context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        Google.Rpc.Status End() => ending.IsCancellationRequested ? Draining : new Google.Rpc.Status { Code = (int)StatusCode.Unavailable, Message = Unreachable(service) };
    }

    public void Dispose()
    {
        foreach (var invoker in invokers.Values) invoker.Value.Dispose();
    }

    internal static void Answer(HttpContext context, StatusCode code, string message)
    {
        context.Response.Clear();
        context.Response.WriteGrpc(new Google.Rpc.Status { Code = (int)code, Message = message });
    }

    private static HashSet<string> PathsOf(Func<MethodDescriptor, bool> kind) =>
    [
        .. from contract in MeshTopology.Contracts
           from method in contract.Methods
           where kind(method)
           select $"/{contract.FullName}/{method.Name}",
    ];

    private static string Unreachable(string service) => $"{service}: the service cannot be reached";

    private static bool IsOfTheReplica(ForwarderError error) =>
        error is ForwarderError.Request or ForwarderError.RequestBodyDestination or ForwarderError.ResponseHeaders or ForwarderError.ResponseBodyDestination;

    private static async Task<uint?> PeekAsync(string path, PipeReader reader, CancellationToken cancellation)
    {
        while (true)
        {
            ReadResult read = await reader.ReadAsync(cancellation).ConfigureAwait(false);
            bool isTold = CallAffinity.TryRead(path, read.Buffer, read.IsCompleted, out uint? affinity) || read.IsCompleted || read.Buffer.Length >= PeekBytes;
            reader.AdvanceTo(read.Buffer.Start, isTold ? read.Buffer.Start : read.Buffer.End);
            if (isTold) return affinity;
        }
    }

    private TimeSpan Wait(int retries)
    {
        TimeSpan wait = retry.FirstDelay * Math.Pow(2, retries);
        return wait < retry.MaxDelay ? wait : retry.MaxDelay;
    }

    private HttpMessageInvoker InvokerOf(string service) =>
        invokers.GetOrAdd(service, name => new Lazy<HttpMessageInvoker>(() => new HttpMessageInvoker(replicas.HandlerOf(name)))).Value;

    /// <summary>Ends an answer that the service broke off with gRPC's own status; a reset stream would be INTERNAL or CANCELLED to the caller.</summary>
    private sealed class StatusInsteadOfReset(IHttpResetFeature reset, HttpContext context, Func<Google.Rpc.Status> end) : IHttpResetFeature
    {
        public void Reset(int errorCode)
        {
            if (context.RequestAborted.IsCancellationRequested || !context.Response.SupportsTrailers())
            {
                reset.Reset(errorCode);
                return;
            }

            context.Features.GetRequiredFeature<IHttpResponseTrailersFeature>().Trailers.WriteGrpcStatus(end());
        }
    }

    /// <summary>One try of a call.</summary>
    /// <param name="affinity">Travels in a header; what a caller sent there itself does not.</param>
    /// <param name="body">What the caller sends.</param>
    /// <param name="spare">Where another try would look for a replica; null when there is none.</param>
    private sealed class Attempt(uint? affinity, ReplayableBody body, ReplicaSet? spare) : HttpTransformer
    {
        /// <summary>Whether the replica would not take the call, and nothing of its answer was passed on.</summary>
        public bool IsRefused { get; private set; }

        public override async ValueTask TransformRequestAsync(HttpContext httpContext, HttpRequestMessage proxyRequest, string destinationPrefix, CancellationToken cancellationToken)
        {
            await base.TransformRequestAsync(httpContext, proxyRequest, destinationPrefix, cancellationToken).ConfigureAwait(false);
            proxyRequest.Headers.Remove(CallAffinity.Header);
            if (affinity is { } known) proxyRequest.Headers.Add(CallAffinity.Header, CallAffinity.Format(known));
        }

        public override async ValueTask<bool> TransformResponseAsync(HttpContext httpContext, HttpResponseMessage? proxyResponse, CancellationToken cancellationToken)
        {
            IsRefused = spare is not null && proxyResponse is not null && (StatusOf(proxyResponse) == StatusCode.Unavailable
                || (StatusOf(proxyResponse) == StatusCode.ResourceExhausted && spare.HasRoom));
            if (IsRefused) return false;
            proxyResponse?.Headers.Remove(ReplicaHandler.QueueHeader);
            bool passes = await base.TransformResponseAsync(httpContext, proxyResponse, cancellationToken).ConfigureAwait(false);
            EndOfDrain(httpContext.Response.Headers);
            return passes;
        }

        public override async ValueTask TransformResponseTrailersAsync(HttpContext httpContext, HttpResponseMessage proxyResponse, CancellationToken cancellationToken)
        {
            await base.TransformResponseTrailersAsync(httpContext, proxyResponse, cancellationToken).ConfigureAwait(false);
            if (httpContext.Features.Get<IHttpResponseTrailersFeature>() is { } trailers) EndOfDrain(trailers.Trailers);
        }

        // The service saw its caller end the stream, perhaps within a message; the caller did not.
        private void EndOfDrain(IHeaderDictionary headers)
        {
            if (body.IsCut && headers.ContainsKey("grpc-status")) headers.WriteGrpcStatus(Draining);
        }

        // Among the headers only when the call failed before its first message.
        private static StatusCode? StatusOf(HttpResponseMessage response) =>
            response.Headers.TryGetValues("grpc-status", out var values) && int.TryParse(values.First(), CultureInfo.InvariantCulture, out int code) ? (StatusCode)code : null;
    }
}
