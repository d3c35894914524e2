using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace CorrMesh.TestKit;

/// <summary>A root of its own and certificates that it vouches for, as PEM files in a temporary folder.</summary>
public sealed class TestAuthority : IDisposable
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

    /// <summary>Replaces certificate and key; the certificate is for localhost and 127.0.0.1.</summary>
    /// <param name="name">The subject's common name.</param>
    /// <param name="dnsName">One name more.</param>
    /// <param name="beginsInDays">When it begins to hold; the root began yesterday.</param>
    /// <param name="endsInDays">When it no longer holds.</param>
    public void Issue(string name, string? dnsName = null, double beginsInDays = -1, double endsInDays = 20)
    {
        using var leafKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", leafKey, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        if (dnsName is not null) names.AddDnsName(dnsName);
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        DateTimeOffset now = DateTimeOffset.UtcNow;
        using var leaf = request.Create(root, now.AddDays(beginsInDays), now.AddDays(endsInDays), RandomNumberGenerator.GetBytes(8));
        File.WriteAllText(Key, leafKey.ExportPkcs8PrivateKeyPem());
        File.WriteAllText(Certificate, leaf.ExportCertificatePem());
    }

    /// <summary>A handler that trusts this authority and nobody else.</summary>
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
