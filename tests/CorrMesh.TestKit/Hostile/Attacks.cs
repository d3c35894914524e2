using System.Buffers.Binary;
using System.IO.Compression;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace CorrMesh.TestKit.Hostile;

/// <summary>What hostile clients do to the gateway. Each goes on until it is cancelled or has done its share, and returns how much that was.</summary>
/// <param name="http">The gateway's HTTP address.</param>
/// <param name="grpc">The gateway's gRPC address, in the clear.</param>
public sealed class Attacks(Uri http, Uri grpc)
{
    private const string Extract = "/corrmesh.features.v1.FeatureService/ExtractFeatures";
    private const string ListModels = "/corrmesh.features.v1.FeatureService/ListModels";

    /// <summary>Every attack by name; the first argument is the share, in that attack's own unit.</summary>
    public IReadOnlyDictionary<string, Func<int, CancellationToken, Task<int>>> All => new Dictionary<string, Func<int, CancellationToken, Task<int>>>
    {
        ["slow uploads"] = SlowUploadsAsync,
        ["slow gRPC uploads"] = SlowCallsAsync,
        ["stream resets"] = ResetsAsync,
        ["gzip bombs, gRPC"] = GrpcBombsAsync,
        ["gzip bombs, HTTP"] = HttpBombsAsync,
        ["oversized headers"] = LargeHeadersAsync,
        ["too many streams"] = ManyStreamsAsync,
        ["malformed frames"] = MalformedAsync,
    };

    /// <summary>Uploads of one byte a second, each on a connection of its own.</summary>
    /// <returns>How many connections were opened.</returns>
    public async Task<int> SlowUploadsAsync(int connections, CancellationToken cancellationToken)
    {
        var sockets = new List<Socket>();
        try
        {
            byte[] head = Encoding.ASCII.GetBytes("POST /v1/match HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: 1000000\r\n\r\n");
            for (int i = 0; i < connections && !cancellationToken.IsCancellationRequested; i++)
            {
                var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
                await socket.ConnectAsync(IPAddress.Parse(http.Host), http.Port, cancellationToken).ConfigureAwait(false);
                await socket.SendAsync(head, cancellationToken).ConfigureAwait(false);
                sockets.Add(socket);
            }

            while (true)
            {
                await Task.Delay(1000, cancellationToken).ConfigureAwait(false);
                foreach (var socket in sockets)
                    if (socket.Connected)
                        try { await socket.SendAsync("-"u8.ToArray(), cancellationToken).ConfigureAwait(false); }
                        catch (SocketException) { }
            }
        }
        catch (OperationCanceledException)
        {
            return sockets.Count;
        }
        finally
        {
            foreach (var socket in sockets) socket.Dispose();
        }
    }

    /// <summary>gRPC requests of one byte a second, a hundred on each connection.</summary>
    /// <returns>How many calls were begun.</returns>
    public async Task<int> SlowCallsAsync(int calls, CancellationToken cancellationToken)
    {
        var connections = new List<RawHttp2>();
        int begun = 0;
        try
        {
            while (begun < calls)
            {
                var connection = await RawHttp2.ConnectAsync(grpc, cancellationToken).ConfigureAwait(false);
                connections.Add(connection);
                for (int i = 0; i < 100 && begun < calls; i++, begun++) connection.AddCall(2 * i + 1, Extract);
                await connection.FlushAsync(cancellationToken).ConfigureAwait(false);
            }

            while (true)
            {
                await Task.Delay(1000, cancellationToken).ConfigureAwait(false);
                foreach (var connection in connections)
                {
                    for (int i = 0; i < 100; i++) connection.Add(RawHttp2.Data, 0, 2 * i + 1, [0]);
                    await connection.FlushAsync(cancellationToken).ConfigureAwait(false);
                }
            }
        }
        catch (OperationCanceledException)
        {
            return begun;
        }
        finally
        {
            foreach (var connection in connections) connection.Dispose();
        }
    }

    /// <summary>Calls that are reset as soon as they are begun (CVE-2023-44487), as fast as one thread can; a new connection when one is closed.</summary>
    /// <returns>How many streams were reset.</returns>
    public Task<int> ResetsAsync(int resets, CancellationToken cancellationToken) => OnConnectionsAsync(resets, 50, (connection, i) =>
    {
        connection.AddCall(2 * i + 1, ListModels);
        connection.AddReset(2 * i + 1);
    }, cancellationToken);

    /// <summary>gRPC messages of 64 KiB that unfold a thousandfold.</summary>
    public Task<int> GrpcBombsAsync(int calls, CancellationToken cancellationToken)
    {
        byte[] bomb = Bomb((64 << 20) + 1);
        byte[] message = [1, 0, 0, 0, 0, .. bomb];
        BinaryPrimitives.WriteInt32BigEndian(message.AsSpan(1), bomb.Length);
        return OnConnectionsAsync(calls, 1, (connection, i) =>
        {
            connection.AddCall(2 * i + 1, Extract, more: ("grpc-encoding", "gzip"));
            foreach (byte[] part in message.Chunk(16 << 10)) connection.Add(RawHttp2.Data, 0, 2 * i + 1, part);
            connection.Add(RawHttp2.Data, RawHttp2.EndStream, 2 * i + 1, []);
        }, cancellationToken, pause: TimeSpan.FromMilliseconds(100));
    }

    /// <summary>Bodies that say `Content-Encoding: gzip` and would unfold a thousandfold.</summary>
    public async Task<int> HttpBombsAsync(int requests, CancellationToken cancellationToken)
    {
        using var client = new HttpClient { BaseAddress = http };
        byte[] bomb = Bomb((64 << 20) + 1);
        for (int i = 0; i < requests; i++)
        {
            using var content = new ByteArrayContent(bomb);
            content.Headers.TryAddWithoutValidation("Content-Type", "multipart/form-data; boundary=x");
            content.Headers.ContentEncoding.Add("gzip");
            try
            {
                using var response = await client.PostAsync("/v1/match", content, cancellationToken).ConfigureAwait(false);
                if (response.StatusCode != HttpStatusCode.UnsupportedMediaType) throw new InvalidDataException($"a gzip bomb was answered with {(int)response.StatusCode}");
            }
            catch (Exception exception) when (exception is HttpRequestException or OperationCanceledException && cancellationToken.IsCancellationRequested)
            {
                return i;
            }
        }

        return requests;
    }

    /// <summary>Calls with 64 KiB of headers.</summary>
    public Task<int> LargeHeadersAsync(int calls, CancellationToken cancellationToken) => OnConnectionsAsync(calls, 1, (connection, i) =>
    {
        byte[] block = RawHttp2.Block((":method", "POST"), (":scheme", "http"), (":path", ListModels), (":authority", "localhost"), ("x-large", new string('a', 64 << 10)));
        byte[][] parts = [.. block.Chunk(16 << 10)];
        for (int part = 0; part < parts.Length; part++)
            connection.Add(part == 0 ? RawHttp2.Headers : RawHttp2.Continuation, part == parts.Length - 1 ? RawHttp2.EndHeaders : (byte)0, 2 * i + 1, parts[part]);
    }, cancellationToken, pause: TimeSpan.FromMilliseconds(5));

    /// <summary>A thousand calls at once on each connection, none of which ever ends.</summary>
    public Task<int> ManyStreamsAsync(int calls, CancellationToken cancellationToken) =>
        OnConnectionsAsync(calls, 100, (connection, i) => connection.AddCall(2 * i + 1, Extract), cancellationToken, pause: TimeSpan.FromMilliseconds(10));

    /// <summary>Frames of random types, flags, streams and contents, seeded by their number.</summary>
    public Task<int> MalformedAsync(int frames, CancellationToken cancellationToken) => OnConnectionsAsync(frames, 1, (connection, i) =>
    {
        var random = new Random(i);
        byte[] payload = new byte[random.Next(0, 64)];
        random.NextBytes(payload);
        connection.Add((byte)random.Next(0, 12), (byte)random.Next(0, 256), random.Next(0, 8), payload);
        if (random.Next(4) == 0) connection.AddRaw(payload);
    }, cancellationToken, pause: TimeSpan.FromMilliseconds(5));

    private static byte[] Bomb(int size)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.SmallestSize)) gzip.Write(new byte[size]);
        return packed.ToArray();
    }

    private async Task<int> OnConnectionsAsync(int count, int batch, Action<RawHttp2, int> add, CancellationToken cancellationToken, TimeSpan pause = default)
    {
        int done = 0;
        try
        {
            while (done < count)
            {
                using var connection = await RawHttp2.ConnectAsync(grpc, cancellationToken).ConfigureAwait(false);
                int onThis = 0;
                do
                {
                    for (int i = 0; i < batch && done < count; i++, done++) add(connection, onThis++);
                    if (pause > TimeSpan.Zero) await Task.Delay(pause, cancellationToken).ConfigureAwait(false);
                }
                while (done < count && onThis < 100_000 && await connection.FlushAsync(cancellationToken).ConfigureAwait(false));
                await connection.FlushAsync(cancellationToken).ConfigureAwait(false);
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException && cancellationToken.IsCancellationRequested)
        {
            return done;
        }

        return done;
    }
}
