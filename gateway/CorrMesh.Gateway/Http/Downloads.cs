using Google.Protobuf;
using Grpc.Core;
using Microsoft.AspNetCore.Http;

namespace CorrMesh.Gateway.Http;

/// <summary>Files that a service streams in parts.</summary>
internal static class Downloads
{
    /// <summary>The file as the answer's body, as it comes.</summary>
    /// <param name="call">Its parts; ended with the request.</param>
    /// <param name="content">The bytes of a part.</param>
    /// <param name="type">The media type.</param>
    /// <param name="name">The file's name.</param>
    /// <exception cref="RpcException">What is wrong with the call shows before its first part, when there can still be another answer.</exception>
    public static async Task<IResult> StreamAsync<T>(HttpContext context, AsyncServerStreamingCall<T> call, Func<T, ByteString> content, string type, string name)
    {
        context.Response.RegisterForDispose(call);
        bool isGoing = await call.ResponseStream.MoveNext(context.RequestAborted).ConfigureAwait(false);
        return Results.Stream(
            async body =>
            {
                for (; isGoing; isGoing = await call.ResponseStream.MoveNext(context.RequestAborted).ConfigureAwait(false))
                    await body.WriteAsync(content(call.ResponseStream.Current).Memory, context.RequestAborted).ConfigureAwait(false);
            },
            type, name);
    }
}
