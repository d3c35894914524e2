using CorrMesh.Protos.Common.V1;
using Grpc.Core;
using Grpc.Core.Interceptors;

namespace CorrMesh.Hosting.Reporting;

/// <summary>Counts a module's calls and failures, and keeps the times that its answers tell.</summary>
/// <remarks>Only calls of the module's own contracts count; those who look at health and status would else be most of what they see.</remarks>
internal sealed class CallCounting(ModuleStatus status, MeshService service) : Interceptor
{
    private readonly string[] prefixes = [.. service.Contracts.Select(contract => $"/{contract.FullName}/")];

    public override Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation) =>
        CountAsync(context, async () =>
        {
            var response = await continuation(request, context).ConfigureAwait(false);
            status.Answered(TimingsOf<TResponse>.Read(response));
            return response;
        });

    public override Task<TResponse> ClientStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream, ServerCallContext context, ClientStreamingServerMethod<TRequest, TResponse> continuation) =>
        CountAsync(context, async () =>
        {
            var response = await continuation(requestStream, context).ConfigureAwait(false);
            status.Answered(TimingsOf<TResponse>.Read(response));
            return response;
        });

    public override Task ServerStreamingServerHandler<TRequest, TResponse>(
        TRequest request, IServerStreamWriter<TResponse> responseStream, ServerCallContext context, ServerStreamingServerMethod<TRequest, TResponse> continuation) =>
        CountAsync(context, async () =>
        {
            await continuation(request, responseStream, context).ConfigureAwait(false);
            return true;
        });

    public override Task DuplexStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream, IServerStreamWriter<TResponse> responseStream, ServerCallContext context,
        DuplexStreamingServerMethod<TRequest, TResponse> continuation) =>
        CountAsync(context, async () =>
        {
            await continuation(requestStream, responseStream, context).ConfigureAwait(false);
            return true;
        });

    private async Task<T> CountAsync<T>(ServerCallContext context, Func<Task<T>> call)
    {
        bool own = prefixes.Any(prefix => context.Method.StartsWith(prefix, StringComparison.Ordinal));
        if (own) status.Called();
        try
        {
            return await call().ConfigureAwait(false);
        }
        catch when (own)
        {
            status.Failed();
            throw;
        }
    }

    // Found once for each type of answer; types without a field `timings` have no times.
    private static class TimingsOf<TResponse>
    {
        private static readonly Func<TResponse, Timings?>? Getter =
            typeof(TResponse).GetProperty(nameof(Timings), typeof(Timings))?.GetMethod?.CreateDelegate<Func<TResponse, Timings?>>();

        public static Timings? Read(TResponse response) => Getter?.Invoke(response);
    }
}
