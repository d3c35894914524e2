using Google.Protobuf;
using Grpc.AspNetCore.Server;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace CorrMesh.Hosting.Errors;

/// <summary>Messages that cannot be read, being no protobuf or damaged gzip, are a fault of the caller's (INVALID_ARGUMENT), not of the server's.</summary>
internal static class MessageFaults
{
    private static FieldException? Of(Exception? exception) =>
        exception is InvalidProtocolBufferException or InvalidDataException ? new FieldException("message", $"cannot be read: {exception.Message.TrimEnd('.')}", exception) : null;

    /// <summary>Answers calls whose only message cannot be read: gRPC reads it before any interceptor, and would answer UNKNOWN.</summary>
    public static void UseMessageFaults(this IApplicationBuilder app)
    {
        var mapping = app.ApplicationServices.GetRequiredService<ErrorMapping>();
        app.Use(async (context, next) =>
        {
            await next(context).ConfigureAwait(false);
            // What a service throws is mapped, and its status knows nothing of an exception.
            if (!context.Response.HasStarted && context.Features.Get<IServerCallContextFeature>()?.ServerCallContext is { } call && Of(call.Status.DebugException) is { } fault)
                context.Response.WriteGrpc(mapping.Map(fault, call).GetRpcStatus()!);
        });
    }

    /// <summary>The same messages, with those that cannot be read told from what else may go wrong in a service.</summary>
    public static IAsyncStreamReader<T> Telling<T>(IAsyncStreamReader<T> messages) => new Reader<T>(messages);

    private sealed class Reader<T>(IAsyncStreamReader<T> messages) : IAsyncStreamReader<T>
    {
        public T Current => messages.Current;

        public async Task<bool> MoveNext(CancellationToken cancellationToken)
        {
            try { return await messages.MoveNext(cancellationToken).ConfigureAwait(false); }
            catch (Exception exception) when (Of(exception) is { } fault) { throw fault; }
        }
    }
}
