using Grpc.Core;
using Grpc.Core.Interceptors;

namespace CorrMesh.Hosting.Routing;

/// <summary>Says in a header which image a call is about, for <see cref="ReplicaHandler"/>.</summary>
internal sealed class AffinityInterceptor : Interceptor
{
    public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(
        TRequest request, ClientInterceptorContext<TRequest, TResponse> context, AsyncUnaryCallContinuation<TRequest, TResponse> continuation)
    {
        if (CallAffinity.Of(request) is not { } affinity) return continuation(request, context);
        var headers = new Metadata();
        foreach (var entry in context.Options.Headers ?? []) headers.Add(entry);
        headers.Add(CallAffinity.Header, CallAffinity.Format(affinity));
        return continuation(request, new ClientInterceptorContext<TRequest, TResponse>(context.Method, context.Host, context.Options.WithHeaders(headers)));
    }
}
