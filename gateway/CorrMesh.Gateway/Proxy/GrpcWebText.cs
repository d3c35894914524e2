using System.IO.Pipelines;
using CorrMesh.Hosting.Errors;
using CorrMesh.Hosting.Security;
using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace CorrMesh.Gateway.Proxy;

/// <summary>gRPC-Web, as bytes and as base64 (`application/grpc-web-text`), for calls that are forwarded.</summary>
/// <remarks>
/// The library turns base64 into bytes and back in pipes that are made for its own endpoints: each read must be taken as a whole, each write
/// must ask for the room it needs, and the stream of the response goes past them. What forwards a call peeks, reads into buffers of its own
/// and writes to the stream.
/// </remarks>
internal static class GrpcWebText
{
    private const string ContentType = "application/grpc-web-text";

    private static readonly GrpcWebOptions Everywhere = new() { DefaultEnabled = true };

    public static void UseGrpcWebAndText(this IApplicationBuilder app)
    {
        app.UseWhen(
            context => context.IsGrpcWeb() && (IsText(context.Request.ContentType) || IsText(context.Request.Headers.Accept)),
            text => text.UseGrpcWeb(Everywhere).Use(AdaptAsync));
        app.UseGrpcWeb(Everywhere);
    }

    private static bool IsText(string? type) => type?.StartsWith(ContentType, StringComparison.OrdinalIgnoreCase) == true;

    private static async Task AdaptAsync(HttpContext context, RequestDelegate next)
    {
        var body = new WholePieces(context.Request.BodyReader, context.Response.BodyWriter);
        context.Request.Body = body;
        context.Request.ContentLength = null;   // that of the text
        context.Features.Set<IRequestBodyPipeFeature>(new RequestBodyPipeFeature(context));
        context.Response.Body = body;
        try { await next(context).ConfigureAwait(false); }
        catch (InvalidDataException) when (body.Fault is not null) { }

        if (body.Fault is not { } fault || context.Response.HasStarted) return;
        var status = new Status { Code = (int)Code.InvalidArgument, Message = fault.ToString() };
        status.Details.Add(Any.Pack(new BadRequest { FieldViolations = { new BadRequest.Types.FieldViolation { Field = fault.Field, Description = fault.Description } } }));
        context.Response.Clear();
        // The library leaves the rest of the body unread, and HTTP/1.1 cannot go on behind it. HTTP/2 can, and the server drops the header there.
        context.Response.Headers.Connection = "close";
        context.Response.WriteGrpc(status);
    }

    /// <summary>Two pipes as a stream that takes what one gives as a whole, and gives the other what it gets as a whole, at once.</summary>
    private sealed class WholePieces(PipeReader reader, PipeWriter writer) : Stream
    {
        private ReadOnlyMemory<byte> rest;

        /// <summary>What was wrong with the text; reading it has failed.</summary>
        public FieldViolation? Fault { get; private set; }

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (rest.IsEmpty) rest = await NextAsync(cancellationToken).ConfigureAwait(false);
            int count = Math.Min(buffer.Length, rest.Length);
            rest[..count].CopyTo(buffer);
            rest = rest[count..];
            return count;
        }

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            buffer.CopyTo(writer.GetMemory(buffer.Length));
            writer.Advance(buffer.Length);
            await writer.FlushAsync(cancellationToken).ConfigureAwait(false);
        }

        public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override async Task FlushAsync(CancellationToken cancellationToken) => await writer.FlushAsync(cancellationToken).ConfigureAwait(false);

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Flush() => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        private async Task<byte[]> NextAsync(CancellationToken cancellation)
        {
            try
            {
                ReadResult read = await reader.ReadAsync(cancellation).ConfigureAwait(false);
                byte[] bytes = System.Buffers.BuffersExtensions.ToArray(read.Buffer);
                reader.AdvanceTo(read.Buffer.End);
                return bytes;   // empty only at the end: more may follow a read that says it was the last, after a padded chunk
            }
            catch (InvalidOperationException exception)
            {
                Fault = new FieldViolation("body", $"base64 needed, as {ContentType} says");
                throw new InvalidDataException(Fault.ToString(), exception);
            }
        }
    }
}
