using System.Diagnostics;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using CorrMesh.Protos.Features.V1;
using CorrMesh.TestKit;
using Grpc.Core;
using Grpc.Net.Client;
using Xunit;

namespace CorrMesh.Hosting.Tests.Security;

public sealed class TlsTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ServiceBeyondLoopback_CallerWithoutTheMeshsCertificate_IsNotLetIn()
    {
        using var authority = new TestAuthority();
        await using var mesh = await new FakeModule().StartAsync([.. authority.Settings, ("CorrMesh:Listen:Address", "0.0.0.0")]);
        MeshEndpoint features = Assert.Single(mesh.Endpoints);

        async Task Call(SocketsHttpHandler handler)
        {
            using var channel = GrpcChannel.ForAddress(features.Grpc, new GrpcChannelOptions { HttpHandler = handler, DisposeHttpClient = true });
            await new FeatureService.FeatureServiceClient(channel).ExtractFeaturesAsync(new ExtractFeaturesRequest(), cancellationToken: Token);
        }

        Assert.Equal(("https", "127.0.0.1"), (features.Grpc.Scheme, features.Grpc.Host));
        await Call(authority.Trusting(showsCertificate: true));
        await Assert.ThrowsAsync<RpcException>(() => Call(authority.Trusting()));
        await Assert.ThrowsAsync<RpcException>(() => Call(new SocketsHttpHandler()));
    }

    // Goal: the door beside the one that is watched is closed. Method: a call over HTTP/2 by the port for operations, without a certificate.
    [Fact]
    public async Task ServiceBeyondLoopback_CallByTheOperationsPort_IsNotTaken()
    {
        using var authority = new TestAuthority();
        await using var mesh = await new FakeModule().StartAsync([.. authority.Settings, ("CorrMesh:Listen:Address", "0.0.0.0")]);
        using var channel = GrpcChannel.ForAddress(mesh.Endpoints[0].Http, new GrpcChannelOptions { HttpHandler = authority.Trusting(), DisposeHttpClient = true });

        var refused = await Assert.ThrowsAsync<RpcException>(async () => await new FeatureService.FeatureServiceClient(channel).ExtractFeaturesAsync(new ExtractFeaturesRequest(), cancellationToken: Token));

        Assert.Contains("415", refused.Status.Detail, StringComparison.Ordinal);
    }

    // Goal: the HTTP port with TLS speaks both versions, and operations need no certificate of the caller's.
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task HttpPort_WithTls_SpeaksTheVersionThatTheClientPrefers(int version)
    {
        using var authority = new TestAuthority();
        await using var mesh = await new FakeModule().StartAsync([.. authority.Settings, ("CorrMesh:Listen:Address", "0.0.0.0")]);
        using var http = new HttpClient(authority.Trusting());
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(mesh.Endpoints[0].Http, "/livez")) { Version = new Version(version, version == 1 ? 1 : 0), VersionPolicy = HttpVersionPolicy.RequestVersionExact };

        using var response = await http.SendAsync(request, Token);

        Assert.Equal((HttpStatusCode.OK, version), (response.StatusCode, response.Version.Major));
    }

    // Goal: services find each other over TLS: the mesh's own clients trust the authority and show their certificate. Method: a second
    // process's worth of matching, whose one call goes to the first's features.
    [Fact]
    public async Task Clients_ServiceElsewhereWithTls_AreLetIn()
    {
        using var authority = new TestAuthority();
        await using var features = await new FakeModule().StartAsync([.. authority.Settings, ("CorrMesh:Listen:Address", "0.0.0.0")]);
        await using var matching = await Mesh.StartAsync(
            FakeModule.Settings([.. authority.Settings, ("CorrMesh:Services:features", features.Endpoints[0].Grpc.ToString())]), [new MeshTests.MatchingModule()], cancellationToken: Token);
        var client = new Protos.Matching.V1.MatchingService.MatchingServiceClient(GrpcChannel.ForAddress(matching.Endpoints[0].Grpc));

        await client.MatchDenseAsync(new Protos.Matching.V1.MatchDenseRequest(), cancellationToken: Token);
    }

    [Fact]
    public async Task Certificate_FilesReplaced_NewHandshakesGetTheNewOne()
    {
        using var authority = new TestAuthority();
        await using var mesh = await new FakeModule().StartAsync([.. authority.Settings, ("CorrMesh:Listen:Address", "0.0.0.0")]);

        async Task<string> SubjectAsync()
        {
            using var tcp = new TcpClient("127.0.0.1", mesh.Endpoints[0].Http.Port);
            using var tls = new SslStream(tcp.GetStream());
            SslClientAuthenticationOptions trusting = authority.Trusting().SslOptions;
            trusting.TargetHost = "localhost";
            await tls.AuthenticateAsClientAsync(trusting, Token);
            return tls.RemoteCertificate!.Subject;
        }

        Assert.Equal("CN=first", await SubjectAsync());
        File.WriteAllText(authority.Certificate, "not a certificate");
        await Task.Delay(700, Token);
        Assert.Equal("CN=first", await SubjectAsync());
        authority.Issue("second");
        long started = Stopwatch.GetTimestamp();
        while (await SubjectAsync() != "CN=second")
        {
            Assert.True(Stopwatch.GetElapsedTime(started) < TimeSpan.FromSeconds(20));
            await Task.Delay(100, Token);
        }
    }

    [Theory]
    [InlineData("CorrMesh:Tls:Certificate", "CorrMesh:Tls:Certificate: Certificate and Key needed together")]
    [InlineData("CorrMesh:Tls:Authority", "CorrMesh:Tls:Authority: a PEM file with at least one certificate needed")]
    public async Task Start_FilesMissing_IsRefused(string key, string expected)
    {
        var refused = await Assert.ThrowsAsync<MeshConfigurationException>(() => new FakeModule().StartAsync((key, "/no/such/file.pem")));

        Assert.Contains(refused.Faults, fault => fault.StartsWith(expected, StringComparison.Ordinal));
    }

    // Goal: what would break every handshake ends the start, by the name of the option to correct. Method: each file as it should not be.
    [Theory]
    [InlineData("no certificate file", "Certificate", "certificate.pem")]
    [InlineData("no key file", "Key", "key.pem")]
    [InlineData("certificate file without a certificate", "Certificate", "")]
    [InlineData("certificate ended", "Certificate", "it ended on 20")]
    [InlineData("certificate not begun", "Certificate", "it begins to hold on 20")]
    [InlineData("key file without a key", "Key", "")]
    [InlineData("key of another certificate", "Key", "")]
    [InlineData("key with a password", "Key", "not encrypted")]
    [InlineData("folder", "Certificate", "")]
    public async Task Start_FilesUnfit_IsRefusedByTheOptionsName(string what, string option, string reason)
    {
        using var authority = new TestAuthority();
        string own = File.ReadAllText(authority.Key);
        switch (what)
        {
            case "no certificate file": File.Delete(authority.Certificate); break;
            case "no key file": File.Delete(authority.Key); break;
            case "certificate file without a certificate": File.WriteAllText(authority.Certificate, own); break;
            case "certificate ended": authority.Issue("ended", beginsInDays: -0.5, endsInDays: -0.25); break;
            case "certificate not begun": authority.Issue("to come", beginsInDays: 1); break;
            case "key file without a key": File.Copy(authority.Certificate, authority.Key, overwrite: true); break;
            case "key of another certificate": authority.Issue("another"); File.WriteAllText(authority.Key, own); break;
            case "key with a password":
                using (var key = ECDsa.Create())
                {
                    key.ImportFromPem(own);
                    File.WriteAllText(authority.Key, key.ExportEncryptedPkcs8PrivateKeyPem("password", new PbeParameters(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 10_000)));
                }

                break;
            case "folder": File.Delete(authority.Certificate); Directory.CreateDirectory(authority.Certificate); break;
        }

        var refused = await Assert.ThrowsAsync<MeshConfigurationException>(() => new FakeModule().StartAsync(authority.Settings));
        if (what == "folder") Directory.Delete(authority.Certificate);

        string fault = Assert.Single(refused.Faults);
        TestContext.Current.TestOutputHelper!.WriteLine(fault);
        Assert.StartsWith($"CorrMesh:Tls:{option}: a PEM file with ", fault, StringComparison.Ordinal);
        Assert.Contains(reason, fault, StringComparison.Ordinal);
        Assert.EndsWith("pem' given", fault, StringComparison.Ordinal);
    }
}
