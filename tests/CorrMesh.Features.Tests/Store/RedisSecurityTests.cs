using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using CorrMesh.Features.Store;
using CorrMesh.Features.Tests.Support;
using CorrMesh.Protos.Features.V1;
using CorrMesh.TestKit;
using Xunit;
using static CorrMesh.Features.Tests.Support.RedisHosts;

namespace CorrMesh.Features.Tests.Store;

/// <summary>Who may use a redis-server, whether it is the right one, and whose values are taken.</summary>
public sealed class RedisSecurityTests
{
    [Fact]
    public async Task Connect_WithPassword_IsUsedAndAWrongOneSaysSoWithoutShowingIt()
    {
        using RedisServer redis = RedisServer.Start("--requirepass", "open-sesame");
        using var file = new TempFile("open-sesame\n");
        foreach ((string key, string value) in new[] { ("Password", "open-sesame"), ("PasswordFile", file.Path) })
        {
            await using FeatureHost host = await FeatureHost.StartAsync([.. Settings(redis.Address), ($"CorrMesh:Redis:{key}", value)]);
            await UpAsync(host);
        }

        var log = new RecordedLog();
        await using FeatureHost wrong = await FeatureHost.StartAsync(null, log.AddTo, [.. Settings(redis.Address), ("CorrMesh:Redis:Password", "wrong-guess")]);
        // On a busy machine the first line may only say that it did not answer in time.
        await Eventually.HoldsAsync(() => log.Lines.Any(line => line.Id == Lost && line.Text.Contains("auth", StringComparison.OrdinalIgnoreCase)), "the refusal is logged");
        Assert.InRange(log.Count(Lost), 1, 2);
        Assert.Equal(Expected(1), (await ExtractAsync(wrong, 1)).Values.Data);
        Assert.Equal(RedisState.Down, Statistics(wrong).Redis);
        Assert.DoesNotContain(log.Lines, line => line.Text.Contains("wrong-guess", StringComparison.Ordinal));
    }

    // Goal: a password that is changed while the service runs is told, and read from its file when the connection is made anew. Method: another one for the user, and its connections closed.
    [Fact]
    public async Task Connect_PasswordChanged_SaysSoAndTakesTheNewOneFromItsFile()
    {
        using RedisServer redis = RedisServer.Start();
        redis.Call("ACL", "SETUSER", "mesh", "on", ">first-password", "~corrmesh:*", "+@all");
        redis.Call("ACL", "SETUSER", "default", "-@all", "+acl", "+client|kill");   // or whoever gives a wrong password goes on as this one
        using var file = new TempFile("first-password\n");
        var log = new RecordedLog();
        await using FeatureHost host = await FeatureHost.StartAsync(null, log.AddTo, [.. Settings(redis.Address), ("CorrMesh:Redis:User", "mesh"), ("CorrMesh:Redis:PasswordFile", file.Path)]);
        await UpAsync(host);
        redis.Call("ACL", "SETUSER", "mesh", "resetpass", ">second-password");
        redis.Call("CLIENT", "KILL", "USER", "mesh");
        await Eventually.HoldsAsync(() => log.Lines.Any(line => line.Id == Lost && line.Text.Contains("WRONGPASS", StringComparison.Ordinal)), "the refusal is logged");
        int back = log.Count(Back);
        Assert.Equal(RedisState.Down, Statistics(host).Redis);
        await File.WriteAllTextAsync(file.Path, "second-password\n", TestContext.Current.CancellationToken);
        await UpAsync(host);
        await Eventually.HoldsAsync(() => log.Count(Back) == back + 1, "that it is back is logged");
    }

    // Goal: whatever keeps the service from Redis is in the log in words that help. Method: nobody at the port; a user without a permission that connecting takes; a web server.
    [Fact]
    public async Task Connect_Refused_SaysWhy()
    {
        using RedisServer redis = RedisServer.Start(), gone = RedisServer.Start();
        gone.Kill();
        redis.Call("ACL", "SETUSER", "mute", "on", ">mutepass", "~corrmesh:*", "+@all", "-echo");
        using var webServer = new TcpListener(IPAddress.Loopback, 0);
        webServer.Start();
        Task answering = Task.Run(async () =>
        {
            while (true)
            {
                using TcpClient client = await webServer.AcceptTcpClientAsync(TestContext.Current.CancellationToken);
                await client.GetStream().WriteAsync("HTTP/1.1 400 Bad Request\r\n\r\n"u8.ToArray(), TestContext.Current.CancellationToken);
                await client.GetStream().CopyToAsync(Stream.Null, TestContext.Current.CancellationToken);
            }
        });
        foreach ((string address, string user, string expected) in new[] { (gone.Address, "", "Connection refused"), (redis.Address, "mute", "NOPERM"), ($"{webServer.LocalEndpoint}", "", "RESP protocol") })
        {
            var log = new RecordedLog();
            await using FeatureHost host = await FeatureHost.StartAsync(
                null, log.AddTo, [.. Settings(address), .. user.Length > 0 ? [("CorrMesh:Redis:User", user), ("CorrMesh:Redis:Password", $"{user}pass")] : Array.Empty<(string, string)>()]);
            await Eventually.HoldsAsync(() => log.Count(Lost) > 0, "the reason is logged");
            Assert.Matches($"{expected}|no answer within", log.Lines.First(line => line.Id == Lost).Text);   // the latter on a busy machine
        }

        webServer.Stop();
        await Task.WhenAny(answering);
    }

    // Goal: an ACL user needs no more than reading and writing under the prefix, and one that may only read still reads.
    [Fact]
    public async Task Connect_AsAclUser_NeedsLittleAndDoesWhatItMay()
    {
        using RedisServer redis = RedisServer.Start();
        redis.Call("ACL", "SETUSER", "mesh", "on", ">meshpass", "~corrmesh:*", "+getrange", "+setex", "+ping", "+echo", "+hello", "+client", "+select");
        redis.Call("ACL", "SETUSER", "reader", "on", ">readpass", "~corrmesh:*", "+getrange", "+ping", "+echo", "+hello", "+client", "+select");
        await using FeatureHost mesh = await FeatureHost.StartAsync([.. Settings(redis.Address), ("CorrMesh:Redis:User", "mesh"), ("CorrMesh:Redis:Password", "meshpass")]);
        await UpAsync(mesh);
        ExtractFeaturesResponse computed = await ExtractAsync(mesh, 1);
        await WrittenAsync(redis, computed);
        var log = new RecordedLog();
        await using FeatureHost reader = await FeatureHost.StartAsync(
            null, log.AddTo, [.. Settings(redis.Address), ("CorrMesh:Redis:User", "reader"), ("CorrMesh:Redis:Password", "readpass")]);
        await UpAsync(reader);
        Assert.Equal(computed.Values, (await ExtractAsync(reader, 1)).Values);
        Assert.Equal(0, reader.Engine.ImageCount);
        await ExtractAsync(reader, 2);
        await Eventually.HoldsAsync(() => log.Count(Refuses) == 1, "the refused write is logged");
        Assert.Equal(0, mesh.ServiceOf<FeatureMetrics>().RedisFailures);
    }

    // Goal: the connection is encrypted and the server is who it says. Method: certificates made here; the right authority, another one, and another name.
    [Theory]
    [InlineData("127.0.0.1", true, RedisState.Up)]
    [InlineData("127.0.0.1", false, RedisState.Down)]
    [InlineData("127.0.0.2", true, RedisState.Down)]
    public async Task Connect_WithTls_ChecksAuthorityAndName(string name, bool rightAuthority, RedisState expected)
    {
        using X509Certificate2 authority = Authority(), other = Authority(), certificate = Issue(authority, IPAddress.Parse(name));
        using TempFile authorityFile = new((rightAuthority ? authority : other).ExportCertificatePem()), certificateFile = new(certificate.ExportCertificatePem()),
            keyFile = new(certificate.GetRSAPrivateKey()!.ExportPkcs8PrivateKeyPem());
        using RedisServer redis = RedisServer.Start(
            "--port", "0", "--tls-port", "{port}", "--tls-cert-file", certificateFile.Path, "--tls-key-file", keyFile.Path, "--tls-ca-cert-file", certificateFile.Path, "--tls-auth-clients", "no");
        var log = new RecordedLog();
        await using FeatureHost host = await FeatureHost.StartAsync(
            null, log.AddTo, [.. Settings(redis.Address), ("CorrMesh:Redis:Tls", "true"), ("CorrMesh:Redis:TlsAuthority", authorityFile.Path)]);
        await Eventually.HoldsAsync(() => log.Count(Lost) + log.Count(Back) > 0, "the connection is made or refused");
        Assert.Equal(expected, Statistics(host).Redis);
        Assert.Equal(Expected(1), (await ExtractAsync(host, 1)).Values.Data);
    }

    // Goal: whoever can write to Redis but lacks the key cannot plant features. Method: the same map written by hosts with and without keys.
    [Fact]
    public async Task Extract_SigningKey_TakesOnlyWhatCarriesIt()
    {
        using RedisServer redis = RedisServer.Start();
        (string, string) ours = ("CorrMesh:Redis:SigningKey", "a key of the mesh's own"), others = ("CorrMesh:Redis:SigningKey", "a key of somebody else");
        await using FeatureHost writer = await StartAsync(redis, ours);
        ExtractFeaturesResponse computed = await ExtractAsync(writer, 1);
        await WrittenAsync(redis, computed);
        byte[] good = redis.Call("GET", NameOf(computed));
        foreach (((string, string)[] settings, bool isTaken) in new[] { (new[] { ours }, true), ([others], false), (Array.Empty<(string, string)>(), false) })
        {
            redis.Call("SET", NameOf(computed), good);
            await using FeatureHost reader = await StartAsync(redis, settings);
            Assert.Equal(computed.Values, (await ExtractAsync(reader, 1)).Values);
            Assert.Equal((isTaken ? 0 : 1, isTaken ? 0 : 1), (reader.Engine.ImageCount, Statistics(reader).RedisCorrupt));
        }
    }

    private static X509Certificate2 Authority()
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=Test authority", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
    }

    private static X509Certificate2 Issue(X509Certificate2 authority, IPAddress address)
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=redis", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(address);
        request.CertificateExtensions.Add(names.Build());
        using X509Certificate2 issued = request.Create(authority, DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddHours(1), [1, 2, 3, 4]);
        return issued.CopyWithPrivateKey(key);
    }
}
