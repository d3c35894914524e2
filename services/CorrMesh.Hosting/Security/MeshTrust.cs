using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using CorrMesh.Hosting.Options;

namespace CorrMesh.Hosting.Security;

/// <summary>Whom calls between services trust, and what they show: for every HTTP handler that goes from one service to another.</summary>
public sealed class MeshTrust(TlsOptions options, MeshCertificate certificate)
{
    /// <summary>Roots are `CorrMesh:Tls:Authority`, or the system's; the own certificate is shown to services that ask for one.</summary>
    public void Configure(SocketsHttpHandler handler)
    {
        handler.SslOptions.CertificateChainPolicy = Policy();
        if (options.IsOn) handler.SslOptions.LocalCertificateSelectionCallback = (_, _, _, _, _) => certificate.Leaf;
    }

    /// <summary>How certificates of the mesh are checked; null: as the system does.</summary>
    internal X509ChainPolicy? Policy()
    {
        if (options.Authority is null) return null;
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck, DisableCertificateDownloads = true };
        policy.CustomTrustStore.AddRange(Roots(options.Authority));
        return policy;
    }

    internal static X509Certificate2Collection Roots(string file)
    {
        var roots = new X509Certificate2Collection();
        roots.ImportFromPemFile(file);
        return roots.Count > 0 ? roots : throw new ArgumentException("none found");
    }
}
