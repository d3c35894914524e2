using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace CorrMesh.TestKit.Hostile;

/// <summary>An HTTP/2 connection without manners: frames are written as the caller says, and what comes back is only looked at.</summary>
/// <remarks>Headers are HPACK literals without indexing and without Huffman code, which every decoder reads.</remarks>
public sealed class RawHttp2 : IDisposable
{
    public const byte Data = 0, Headers = 1, ResetStream = 3, Settings = 4, Ping = 6, GoAway = 7, WindowUpdate = 8, Continuation = 9;

    public const byte EndStream = 1, EndHeaders = 4;

    private static readonly byte[] Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray();

    private readonly Socket socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly List<byte> pending = [];
    private readonly byte[] incoming = new byte[64 << 10];

    /// <summary>Connects and says hello; nothing is sent before <see cref="FlushAsync"/>.</summary>
    public static async Task<RawHttp2> ConnectAsync(Uri address, CancellationToken cancellationToken)
    {
        var connection = new RawHttp2();
        await connection.socket.ConnectAsync(IPAddress.Parse(address.Host), address.Port, cancellationToken);
        connection.pending.AddRange(Preface);
        connection.Add(Settings, 0, 0, []);
        return connection;
    }

    /// <summary>Bytes that were sent.</summary>
    public long Sent { get; private set; }

    public void AddRaw(ReadOnlySpan<byte> bytes) => pending.AddRange(bytes);

    public void Add(byte type, byte flags, int stream, ReadOnlySpan<byte> payload)
    {
        Span<byte> header = stackalloc byte[9];
        BinaryPrimitives.WriteInt32BigEndian(header, payload.Length << 8);
        header[3] = type;
        header[4] = flags;
        BinaryPrimitives.WriteInt32BigEndian(header[5..], stream);
        pending.AddRange(header);
        pending.AddRange(payload);
    }

    /// <summary>A gRPC call's headers.</summary>
    public void AddCall(int stream, string path, bool endStream = false, params (string Name, string Value)[] more) =>
        Add(Headers, (byte)(EndHeaders | (endStream ? EndStream : 0)), stream, Block(
            [(":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "localhost"), ("content-type", "application/grpc"), ("te", "trailers"), .. more]));

    public void AddReset(int stream) => Add(ResetStream, 0, stream, [0, 0, 0, 8]);

    /// <returns>False when the server has closed the connection.</returns>
    public async Task<bool> FlushAsync(CancellationToken cancellationToken)
    {
        byte[] bytes = [.. pending];
        pending.Clear();
        try
        {
            for (int sent = 0; sent < bytes.Length;)
                sent += await socket.SendAsync(bytes.AsMemory(sent), cancellationToken);
            Sent += bytes.Length;
            // Taken off the wire unread, so that the server is never the one that waits.
            while (socket.Available > 0)
                if (await socket.ReceiveAsync(incoming.AsMemory(), cancellationToken) == 0) return false;
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    /// <summary>Whether the server closes the connection within the time.</summary>
    public async Task<bool> IsClosedWithinAsync(TimeSpan time, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(time);
        try
        {
            while (await socket.ReceiveAsync(incoming.AsMemory(), limit.Token) > 0) { }
            return true;
        }
        catch (SocketException)
        {
            return true;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }

    public void Dispose() => socket.Dispose();

    /// <summary>A header block; values may be up to 2^21 bytes.</summary>
    public static byte[] Block(params (string Name, string Value)[] headers)
    {
        var block = new List<byte>();
        foreach (var (name, value) in headers)
        {
            block.Add(0);
            AddText(block, name);
            AddText(block, value);
        }

        return [.. block];
    }

    // An integer of HPACK with a prefix of 7 bits (RFC 7541, section 5.1), then the text itself.
    private static void AddText(List<byte> block, string text)
    {
        byte[] bytes = Encoding.ASCII.GetBytes(text);
        if (bytes.Length < 127)
        {
            block.Add((byte)bytes.Length);
        }
        else
        {
            block.Add(127);
            int rest = bytes.Length - 127;
            for (; rest >= 128; rest >>= 7) block.Add((byte)(rest & 127 | 128));
            block.Add((byte)rest);
        }

        block.AddRange(bytes);
    }
}
