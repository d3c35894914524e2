using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace CorrMesh.Hosting.Tests.Security;

/// <summary>A root of its own and certificates that it vouches for, as PEM files in a temporary folder.</summary>
internal sealed class TestAuthority : IDisposable
{
    private readonly ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly X509Certificate2 root;

    public TestAuthority()
    {
        var request = new CertificateRequest("CN=test authority", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        root = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(30));
        File.WriteAllText(Authority, root.ExportCertificatePem());
        Issue("first");
    }

    public string Folder { get; } = Directory.CreateTempSubdirectory("corrmesh-tls-").FullName;

    public string Authority => Path.Combine(Folder, "authority.pem");

    public string Certificate => Path.Combine(Folder, "certificate.pem");

    public string Key => Path.Combine(Folder, "key.pem");

    public (string, string)[] Settings => [("CorrMesh:Tls:Certificate", Certificate), ("CorrMesh:Tls:Key", Key), ("CorrMesh:Tls:Authority", Authority)];

    /// <summary>Replaces certificate and key.</summary>
    public void Issue(string name)
    {
        using var leafKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", leafKey, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        using var leaf = request.Create(root, DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(20), RandomNumberGenerator.GetBytes(8));
        File.WriteAllText(Key, leafKey.ExportPkcs8PrivateKeyPem());
        File.WriteAllText(Certificate, leaf.ExportCertificatePem());
    }

    public SocketsHttpHandler Trusting(bool showsCertificate = false)
    {
        var handler = new SocketsHttpHandler();
        handler.SslOptions.CertificateChainPolicy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        handler.SslOptions.CertificateChainPolicy.CustomTrustStore.Add(root);
        if (showsCertificate) handler.SslOptions.ClientCertificates = [X509Certificate2.CreateFromPemFile(Certificate, Key)];
        return handler;
    }

    public void Dispose()
    {
        root.Dispose();
        key.Dispose();
        Directory.Delete(Folder, recursive: true);
    }
}
