using System.Net;
using System.Net.Sockets;
using System.Text;
using CorrMesh.Hosting.Health;
using CorrMesh.Protos.Common.V1;
using CorrMesh.Protos.Features.V1;
using CorrMesh.TestKit;
using Grpc.Core;
using Grpc.Net.Client;
using Grpc.Net.Client.Web;
using Xunit;

namespace CorrMesh.Gateway.Tests.Security;

/// <summary>The gateway's own listeners with a certificate, as clients meet them that trust its authority alone.</summary>
public sealed class GatewayTlsTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    // Goal: with TLS the HTTP port speaks both versions and serves all that it serves without.
    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 0)]
    public async Task HttpPort_EachVersion_IsSpoken(int major, int minor)
    {
        using var authority = new TestAuthority();
        await using var mesh = await StartAsync(authority, null, ("CorrMesh:Limits:UploadBytes", "65536"), ("CorrMesh:Limits:EncodedBytes", "1024"));
        using var http = new HttpClient(authority.Trusting()) { BaseAddress = mesh.Http.BaseAddress };

        foreach (string path in new[] { "/healthz", "/v1/models", "/v1/status", "/" })
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, path) { Version = new Version(major, minor), VersionPolicy = HttpVersionPolicy.RequestVersionExact };
            using var response = await http.SendAsync(request, Token);
            Assert.Equal((path, HttpStatusCode.OK, major), (path, response.StatusCode, response.Version.Major));
        }

        foreach (var (bytes, status) in new[] { (100, 200), (70_000, 413) })
        {
            using var form = new MultipartFormDataContent { { new ByteArrayContent(new byte[bytes]), "image", "image.png" } };
            using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/features") { Content = form, Version = new Version(major, minor), VersionPolicy = HttpVersionPolicy.RequestVersionExact };
            using var response = await http.SendAsync(request, Token);
            Assert.Equal((status, major), ((int)response.StatusCode, response.Version.Major));
        }
    }

    [Fact]
    public async Task HealthCheck_OfTheBinaryItself_KnowsAnEncryptedPort()
    {
        using var authority = new TestAuthority();
        await using var mesh = await StartAsync(authority);
        using var errors = new StringWriter();

        Assert.Equal(0, await HealthCheck.RunAsync([$"{mesh.Http.BaseAddress!.Port}"], errors));
        await mesh.StopAsync();
        Assert.Equal(1, await HealthCheck.RunAsync([$"{mesh.Http.BaseAddress.Port}"], errors));
    }

    // Goal: gRPC comes in by either port, and gRPC-Web by HTTP/2, too. Method: a unary call and a stream through the proxy, and a refusal's details.
    [Theory]
    [InlineData("grpc port", null)]
    [InlineData("http port", null)]
    [InlineData("http port", GrpcWebMode.GrpcWeb)]
    [InlineData("http port", GrpcWebMode.GrpcWebText)]
    public async Task Grpc_OverTls_IsServed(string port, GrpcWebMode? web)
    {
        using var authority = new TestAuthority();
        await using var mesh = await StartAsync(authority, new FakeFeatures { OnExtract = (_, _) => throw new Hosting.Errors.FieldException("spec.tokens", "d") });
        using var trusting = authority.Trusting();
        using HttpMessageHandler handler = web is { } mode ? new GrpcWebHandler(mode, trusting) : trusting;
        using var channel = GrpcChannel.ForAddress(port == "grpc port" ? mesh.GrpcAddress : mesh.Http.BaseAddress!, new GrpcChannelOptions { HttpHandler = handler, HttpVersion = HttpVersion.Version20 });
        var client = new FeatureService.FeatureServiceClient(channel);
        using var stream = client.StreamFeatures(cancellationToken: Token);

        Assert.Equal("compact", (await client.ListModelsAsync(new ListModelsRequest(), cancellationToken: Token)).DefaultModel);
        await stream.RequestStream.WriteAsync(new StreamFeaturesRequest { Frame = new Frame { Sequence = 1 } }, Token);
        await stream.RequestStream.CompleteAsync();
        Assert.True(await stream.ResponseStream.MoveNext(Token));
        Assert.False(await stream.ResponseStream.MoveNext(Token));
        var refused = await Assert.ThrowsAsync<RpcException>(() => client.ExtractFeaturesAsync(new ExtractFeaturesRequest(), cancellationToken: Token).ResponseAsync);
        Assert.Equal("spec.tokens", Assert.Single(Hosting.Errors.RpcErrors.FieldViolations(refused)).Field);
    }

    [Fact]
    public async Task Client_ThatDoesNotTrustTheAuthority_SendsNothing()
    {
        using var authority = new TestAuthority();
        using var other = new TestAuthority();
        var features = new FakeFeatures();
        await using var mesh = await StartAsync(authority, features);
        foreach (var handler in new[] { other.Trusting(), new SocketsHttpHandler() })
        {
            using var channel = GrpcChannel.ForAddress(mesh.GrpcAddress, new GrpcChannelOptions { HttpHandler = handler, DisposeHttpClient = true });
            var refused = await Assert.ThrowsAsync<RpcException>(() => new FeatureService.FeatureServiceClient(channel).ExtractFeaturesAsync(new ExtractFeaturesRequest(), cancellationToken: Token).ResponseAsync);
            Assert.IsType<System.Security.Authentication.AuthenticationException>(refused.Status.DebugException?.GetBaseException());
        }

        Assert.Null(features.Last);
    }

    // Goal: plain text at a port that speaks TLS is turned away without a word of HTTP, and disturbs nobody. Method: HTTP/1.1 and HTTP/2 in plain
    // text and noise at both ports, between two requests over one connection that must live on.
    [Fact]
    public async Task PlainText_AtEitherPort_IsRefusedAndCostsOthersNothing()
    {
        using var authority = new TestAuthority();
        await using var mesh = await StartAsync(authority);
        int connections = 0;
        var handler = authority.Trusting();
        handler.ConnectCallback = async (context, cancellation) =>
        {
            connections++;
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            await socket.ConnectAsync(context.DnsEndPoint, cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        };
        using var http = new HttpClient(handler) { BaseAddress = mesh.Http.BaseAddress };
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync("/v1/models", Token)).StatusCode);

        foreach (int port in new[] { mesh.Http.BaseAddress!.Port, mesh.GrpcAddress.Port })
            foreach (string hello in new[] { "GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u0004\0\0\0\0\0", new string('x', 5_000) })
            {
                byte[] answer = await AskAsync(port, Encoding.Latin1.GetBytes(hello));
                // Nothing, or an alert of TLS.
                Assert.True(answer.Length == 0 || answer[0] == 0x15, $"port {port}: {Encoding.Latin1.GetString(answer)}");
            }

        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync("/v1/models", Token)).StatusCode);
        Assert.Equal(1, connections);
    }

    // Goal: TLS 1.0 and 1.1 are not spoken. Method: a hello by hand, since clients no longer offer those; the same one for TLS 1.2 is taken up, so
    // the version alone makes the difference.
    [Theory]
    [InlineData(1, false)]
    [InlineData(2, false)]
    [InlineData(3, true)]
    public async Task Handshake_OldVersion_IsRefused(byte minor, bool isTaken)
    {
        using var authority = new TestAuthority();
        await using var mesh = await StartAsync(authority);
        byte[] extensions =
        [
            0, 10, 0, 6, 0, 4, 0, 23, 0, 24,   // groups: P-256, P-384
            0, 11, 0, 2, 1, 0,   // uncompressed points
            0, 13, 0, 8, 0, 6, 4, 3, 5, 3, 2, 3,   // signatures: ECDSA with SHA-256, SHA-384, SHA-1
            0, 16, 0, 14, 0, 12, 2, (byte)'h', (byte)'2', 8, .. "http/1.1"u8,   // protocols
        ];
        byte[] suites = [0xc0, 0x2b, 0xc0, 0x09, 0xc0, 0x0a, 0xc0, 0x13, 0xc0, 0x14];   // ECDHE with AES: GCM of TLS 1.2, then CBC, which 1.0 knows
        byte[] hello = [3, minor, .. new byte[32], 0, 0, (byte)suites.Length, .. suites, 1, 0, 0, (byte)extensions.Length, .. extensions];
        byte[] handshake = [1, 0, 0, (byte)hello.Length, .. hello];
        byte[] record = [0x16, 3, 1, 0, (byte)handshake.Length, .. handshake];

        foreach (int port in new[] { mesh.Http.BaseAddress!.Port, mesh.GrpcAddress.Port })
        {
            byte[] answer = await AskAsync(port, record);
            if (isTaken) Assert.Equal([0x16, 3, 3], answer[..3]);
            else Assert.Equal([0x15, 2, 70], [answer[0], .. answer[5..7]]);   // alert, fatal, protocol_version
        }
    }

    // Goal: browsers are told to stay with TLS once they came by it, under a name that is the mesh's own; localhost is everybody's.
    [Theory]
    [InlineData(true, "mesh.example", true)]
    [InlineData(true, "localhost", false)]
    [InlineData(false, "mesh.example", false)]
    public async Task Hsts_OverTlsAndByName_IsSent(bool encrypted, string host, bool expected)
    {
        using var authority = new TestAuthority();
        authority.Issue("mesh", dnsName: "mesh.example");
        await using var mesh = encrypted ? await StartAsync(authority, null, ("CorrMesh:Gateway:AllowedHosts", "mesh.example")) : await FakeMesh.StartAsync(settings: ("CorrMesh:Gateway:AllowedHosts", "mesh.example"));
        using var http = new HttpClient(authority.Trusting()) { BaseAddress = mesh.Http.BaseAddress };
        foreach (var (path, status) in new[] { ("/v1/models", 200), ("/no/such/route", 404), ("/", 200) })
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, path) { Headers = { Host = host } };
            using var response = await http.SendAsync(request, Token);
            Assert.Equal((status, expected), ((int)response.StatusCode, response.Headers.Contains("Strict-Transport-Security")));
        }
    }

    [Fact]
    public async Task Start_OnePortForBoth_IsRefusedWithTlsToo()
    {
        using var authority = new TestAuthority();

        var refused = await Assert.ThrowsAsync<Hosting.MeshConfigurationException>(() => StartAsync(authority, null, ("CorrMesh:Listen:HttpPort", "18443"), ("CorrMesh:Listen:GrpcPort", "18443")));

        Assert.Equal(["CorrMesh:Listen:HttpPort: two listeners would share port 18443, 18443 given"], refused.Faults);
    }

    // Certificate and key alone, as README has it: the authority is for services that call each other.
    private static Task<FakeMesh> StartAsync(TestAuthority authority, FakeFeatures? features = null, params (string Key, string Value)[] settings) =>
        FakeMesh.StartAsync(features, null, [.. authority.Settings[..2], .. settings]);

    /// <summary>Sends bytes and reads what comes back until the server closes or has said its first word.</summary>
    private static async Task<byte[]> AskAsync(int port, byte[] bytes)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, port, Token);
        await socket.SendAsync(bytes, Token);
        byte[] answer = new byte[4096];
        try { return answer[..await socket.ReceiveAsync(answer, Token)]; }
        catch (SocketException exception) when (exception.SocketErrorCode == SocketError.ConnectionReset) { return []; }
    }
}
