using System.IO.Compression;
using Grpc.Core;
using Grpc.Net.Compression;

namespace CorrMesh.Hosting;

/// <summary>gzip for gRPC messages that stops when the decompressed message grows past the limit.</summary>
/// <remarks>gRPC checks a message's size as it is on the wire; 64 KiB of gzip can hold 64 MiB of zeros and a thousand times that.</remarks>
/// <param name="limit">Largest decompressed message, in bytes.</param>
internal sealed class BoundedGzip(int limit) : ICompressionProvider
{
    public string EncodingName => "gzip";

    public Stream CreateCompressionStream(Stream stream, CompressionLevel? compressionLevel) =>
        new GZipStream(stream, compressionLevel ?? CompressionLevel.Fastest, leaveOpen: true);

    public Stream CreateDecompressionStream(Stream stream) => new BoundedStream(new GZipStream(stream, CompressionMode.Decompress, leaveOpen: true), limit);

    private sealed class BoundedStream(GZipStream inner, int limit) : Stream
    {
        private long total;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override int Read(Span<byte> buffer)
        {
            int count = inner.Read(buffer);
            total += count;
            return total <= limit
                ? count
                : throw new RpcException(new Status(StatusCode.ResourceExhausted, $"message: at most {limit} bytes allowed after decompression, more given"));
        }

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing) inner.Dispose();
            base.Dispose(disposing);
        }
    }
}
