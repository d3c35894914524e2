using System.Buffers;
using System.IO.Pipelines;

namespace CorrMesh.Gateway.Proxy;

/// <summary>A request's body that can be read again from its beginning, as long as what was read could be kept.</summary>
/// <remarks>All bodies together keep at most 256 MiB; one that finds no room is passed on as it comes, and cannot be read again.</remarks>
/// <param name="reader">The body.</param>
/// <param name="keep">Whether to keep what is read.</param>
/// <param name="cut">When cancelled the body ends, whatever is still to come.</param>
internal sealed class ReplayableBody(PipeReader reader, bool keep, CancellationToken cut) : Stream
{
    private const int ChunkBytes = 64 << 10;
    private const long MaxKeptBytes = 256L << 20;

    private static long keptBytes;

    private readonly List<byte[]> chunks = [];
    private bool isKeeping = keep;
    private long length, position;

    /// <summary>Whether the body ended before its end.</summary>
    public bool IsCut { get; private set; }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    /// <summary>Goes back to the beginning.</summary>
    /// <returns>False when what was read has not been kept.</returns>
    public bool TryRewind()
    {
        position = 0;
        return isKeeping;
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (position < length) return Replay(buffer.Span);
        ReadResult read;
        using (var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, cut))
        {
            try
            {
                read = await reader.ReadAsync(ending.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (cut.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
            {
                IsCut = true;
                return 0;
            }
        }

        ReadOnlySequence<byte> taken = read.Buffer.Slice(0, Math.Min(read.Buffer.Length, buffer.Length));
        int count = (int)taken.Length;
        taken.CopyTo(buffer.Span);
        reader.AdvanceTo(taken.End);
        if (isKeeping) Keep(buffer.Span[..count]);
        return count;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing) Forget();
        base.Dispose(disposing);
    }

    private int Replay(Span<byte> buffer)
    {
        int start = (int)(position % ChunkBytes), count = (int)Math.Min(Math.Min(buffer.Length, ChunkBytes - start), length - position);
        chunks[(int)(position / ChunkBytes)].AsSpan(start, count).CopyTo(buffer);
        position += count;
        return count;
    }

    private void Keep(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            int start = (int)(length % ChunkBytes);
            if (start == 0)
            {
                if (Interlocked.Add(ref keptBytes, ChunkBytes) > MaxKeptBytes)
                {
                    Interlocked.Add(ref keptBytes, -ChunkBytes);
                    Forget();
                    return;
                }

                chunks.Add(ArrayPool<byte>.Shared.Rent(ChunkBytes));
            }

            int count = Math.Min(bytes.Length, ChunkBytes - start);
            bytes[..count].CopyTo(chunks[^1].AsSpan(start));
            length += count;
            bytes = bytes[count..];
        }

        position = length;
    }

    private void Forget()
    {
        isKeeping = false;
        foreach (byte[] chunk in chunks) ArrayPool<byte>.Shared.Return(chunk);
        Interlocked.Add(ref keptBytes, -(long)chunks.Count * ChunkBytes);
        chunks.Clear();
        length = position = 0;
    }
}
