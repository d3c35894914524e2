using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Xunit;

namespace CorrMesh.Gateway.Tests.Http;

/// <summary>HTTP/1.1 by hand: what becomes of a body that is refused for its length before it has come.</summary>
public sealed class RefusedBodyTests
{
    private const int Limit = 65_536, Rest = 4 << 20;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    // Goal: a client that sends all before it reads gets its answer. Method: the answer is there before a byte of the body is sent; then all of it goes out,
    // and the connection ends in order and not with a reset.
    [Theory]
    [InlineData(Limit + 1)]
    [InlineData(Limit + Rest)]
    public async Task LittleOverTheLimit_BodySentAfterTheAnswer_IsTaken(int length)
    {
        await using var mesh = await FakeMesh.StartAsync(settings: ("CorrMesh:Limits:UploadBytes", Limit.ToString(CultureInfo.InvariantCulture)));
        using Socket socket = await AskAsync(mesh, length, "");

        Assert.StartsWith("HTTP/1.1 413 ", await AnswerAsync(socket), StringComparison.Ordinal);
        byte[] part = new byte[100_000];
        for (int sent = 0; sent < length; sent += part.Length) await socket.SendAsync(part.AsMemory(0, Math.Min(part.Length, length - sent)), Token);

        Assert.Equal(0, await socket.ReceiveAsync(part, Token));
    }

    // Goal: nobody holds a connection by it. Method: a body that is far too large, one that its sender waits with, and one that never comes.
    [Theory]
    [InlineData(Limit + Rest + 1, "")]
    [InlineData(Limit + 1, "Expect: 100-continue\r\n")]
    [InlineData(Limit + 1, "")]
    public async Task BodyThatDoesNotCome_ConnectionIsClosed(int length, string header)
    {
        await using var mesh = await FakeMesh.StartAsync(settings: ("CorrMesh:Limits:UploadBytes", Limit.ToString(CultureInfo.InvariantCulture)));
        using Socket socket = await AskAsync(mesh, length, header);

        Assert.StartsWith("HTTP/1.1 413 ", await AnswerAsync(socket), StringComparison.Ordinal);

        using var soon = CancellationTokenSource.CreateLinkedTokenSource(Token);
        soon.CancelAfter(TimeSpan.FromSeconds(30));
        Assert.Equal(0, await socket.ReceiveAsync(new byte[1], soon.Token));
    }

    private static async Task<Socket> AskAsync(FakeMesh mesh, int length, string header)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, mesh.Http.BaseAddress!.Port, Token);
        await socket.SendAsync(Encoding.ASCII.GetBytes($"POST /v1/features HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: {length}\r\n{header}\r\n"), Token);
        return socket;
    }

    // To the end of its last chunk, or of its length.
    private static async Task<string> AnswerAsync(Socket socket)
    {
        var answer = new StringBuilder();
        byte[] buffer = new byte[4096];
        while (!IsWhole(answer.ToString()) && await socket.ReceiveAsync(buffer, Token) is > 0 and var count) answer.Append(Encoding.Latin1.GetString(buffer, 0, count));
        return answer.ToString();

        static bool IsWhole(string text)
        {
            if (text.EndsWith("\r\n0\r\n\r\n", StringComparison.Ordinal)) return true;
            string[] parts = text.Split("\r\n\r\n", 2);
            return parts.Length == 2 && parts[0].Split("\r\n").FirstOrDefault(line => line.StartsWith("Content-Length: ", StringComparison.OrdinalIgnoreCase)) is { } length
                && parts[1].Length >= int.Parse(length[16..], CultureInfo.InvariantCulture);
        }
    }
}
