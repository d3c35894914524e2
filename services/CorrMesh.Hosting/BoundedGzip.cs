using System.IO.Compression;
using Grpc.Core;
using Grpc.Net.Compression;

namespace CorrMesh.Hosting;

/// <summary>gzip for gRPC messages that stops when the decompressed message grows past the limit, or out of proportion.</summary>
/// <remarks>
/// gRPC checks a message's size as it is on the wire; 64 KiB of gzip can hold 64 MiB of zeros and a thousand times that. Beyond 4 MiB a message may
/// therefore be a hundred times as long as it was compressed: no photograph and no map of features comes near, and a bomb ends early.
/// </remarks>
/// <param name="limit">Largest decompressed message, in bytes.</param>
internal sealed class BoundedGzip(int limit) : ICompressionProvider
{
    private const int MaxRatio = 100, AlwaysAllowed = 4 << 20;

    public string EncodingName => "gzip";

    public Stream CreateCompressionStream(Stream stream, CompressionLevel? compressionLevel) =>
        new GZipStream(stream, compressionLevel ?? CompressionLevel.Fastest, leaveOpen: true);

    public Stream CreateDecompressionStream(Stream stream) => new BoundedStream(stream, limit);

    private sealed class BoundedStream(Stream compressed, int limit) : Stream
    {
        private readonly GZipStream inner = new(compressed, CompressionMode.Decompress, leaveOpen: true);
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
            if (total > limit) throw Refuse($"at most {limit} bytes allowed after decompression, more given");
            // A message is there as a whole before it is read, so its compressed length is known.
            if (total > AlwaysAllowed && total > MaxRatio * compressed.Length)
                throw Refuse($"at most {MaxRatio} times its {compressed.Length} compressed bytes allowed after decompression, more given; send it uncompressed");
            return count;
        }

        private static RpcException Refuse(string description) => new(new Status(StatusCode.ResourceExhausted, $"message: {description}"));

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
