using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using CorrMesh.TestKit.Hostile;
using Xunit;

namespace CorrMesh.Gateway.Tests.Security;

/// <summary>How fast one client may open connections and call streams off.</summary>
public sealed class ClientPaceTests
{
    private const string ListModels = "/corrmesh.features.v1.FeatureService/ListModels";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    // Goal: the bound is the gateway's own, and bites where the server's defence does not. Method: calls without an end, a few at a time, so that
    // each is under way when it is reset and the server never has many to keep.
    [Theory]
    [InlineData(10, true)]
    [InlineData(1_000_000, false)]
    public async Task Resets_AboveThePace_EndTheirConnectionAlone(int perSecond, bool ends)
    {
        await using var mesh = await FakeMesh.StartAsync(settings: ("CorrMesh:Gateway:ResetsPerSecond", $"{perSecond}"));
        using var decent = await RawHttp2.ConnectAsync(mesh.GrpcAddress, Token);
        using var hostile = await RawHttp2.ConnectAsync(mesh.GrpcAddress, Token);
        await decent.FlushAsync(Token);

        bool open = true;
        for (int i = 0; i < 40 && open; i++)
        {
            hostile.AddCall(2 * i + 1, ListModels);
            open = await hostile.FlushAsync(Token);
            await Task.Delay(5, Token);
            hostile.AddReset(2 * i + 1);
            open = open && await hostile.FlushAsync(Token);
        }

        Assert.Equal(ends, !open || await hostile.IsClosedWithinAsync(TimeSpan.FromSeconds(ends ? 30 : 1), Token));
        Assert.False(await decent.IsClosedWithinAsync(TimeSpan.FromMilliseconds(200), Token));
    }

    [Fact]
    public async Task Connections_AboveThePace_WaitAndAreAnswered()
    {
        const int perSecond = 4, connections = 16;
        await using var mesh = await FakeMesh.StartAsync(settings: ("CorrMesh:Gateway:ConnectionsPerSecond", $"{perSecond}"));
        long started = Stopwatch.GetTimestamp();

        for (int i = 0; i < connections; i++)
        {
            using var client = new HttpClient { BaseAddress = mesh.Http.BaseAddress };
            Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/v1/models", Token)).StatusCode);
        }

        // Two seconds' worth at once, the others as the bucket fills.
        Assert.InRange(Stopwatch.GetElapsedTime(started).TotalSeconds, (connections - 2.0 * perSecond) / perSecond - 0.3, double.PositiveInfinity);
    }

    [Fact]
    public async Task Connections_ThatWaitAreTooMany_AreClosedUnanswered()
    {
        await using var mesh = await FakeMesh.StartAsync(settings: [("CorrMesh:Gateway:ConnectionsPerSecond", "1"), ("CorrMesh:Limits:Connections", "8")]);

        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => AnswerAsync(mesh.Http.BaseAddress!)));

        Assert.InRange(answers.Count(answered => answered), 4, 7);   // two at once, two that waited, and as many as the bucket took in meanwhile
        using var later = new HttpClient { BaseAddress = mesh.Http.BaseAddress };
        Assert.Equal(HttpStatusCode.OK, (await later.GetAsync("/v1/models", Token)).StatusCode);
    }

    private static async Task<bool> AnswerAsync(Uri address)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, address.Port, Token);
        try
        {
            await socket.SendAsync("GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"u8.ToArray(), Token);
            return await socket.ReceiveAsync(new byte[1024], Token) > 0;
        }
        catch (SocketException)
        {
            return false;   // closed while it was written to
        }
    }
}
