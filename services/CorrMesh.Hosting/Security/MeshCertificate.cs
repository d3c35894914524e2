using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using CorrMesh.Hosting.Options;
using Microsoft.Extensions.Logging;

namespace CorrMesh.Hosting.Security;

/// <summary>The certificate that this process shows; files that change are read again, so renewal needs no restart.</summary>
/// <remarks>Looked at when a handshake begins, at most once a second. A pair that cannot be read leaves the one before in force.</remarks>
public sealed class MeshCertificate(TlsOptions options, TimeProvider time, ILogger<MeshCertificate> logger)
{
    private readonly Lock gate = new();
    private FileWatch? watch;
    private (X509Certificate2 Leaf, SslStreamCertificateContext Context)? current;

    /// <summary>For a server's handshake.</summary>
    internal SslStreamCertificateContext Context => Current().Context;

    /// <summary>For a client's.</summary>
    internal X509Certificate2 Leaf => Current().Leaf;

    /// <summary>Whether a file has a certificate that clients would take today.</summary>
    /// <exception cref="CryptographicException">There is none, or it is not in force.</exception>
    internal static void Check(string certificateFile)
    {
        using var leaf = X509Certificate2.CreateFromPem(File.ReadAllText(certificateFile));
        var (now, begin, end) = (TimeProvider.System.GetUtcNow().UtcDateTime, leaf.NotBefore.ToUniversalTime(), leaf.NotAfter.ToUniversalTime());
        if (now < begin) throw new CryptographicException($"it begins to hold on {begin:u}");
        if (now > end) throw new CryptographicException($"it ended on {end:u}");
    }

    internal static (X509Certificate2 Leaf, SslStreamCertificateContext Context) Load(string certificateFile, string keyFile)
    {
        Check(certificateFile);
        var leaf = X509Certificate2.CreateFromPemFile(certificateFile, keyFile);
        var chain = new X509Certificate2Collection();
        chain.ImportFromPemFile(certificateFile);
        // Offline: what is sent is what the file holds; nothing is fetched.
        return (leaf, SslStreamCertificateContext.Create(leaf, chain, offline: true));
    }

    private (X509Certificate2 Leaf, SslStreamCertificateContext Context) Current()
    {
        lock (gate)
        {
            watch ??= new FileWatch(time, options.Certificate!, options.Key!);
            if (!watch.HasChanged() && current is { } known) return known;
            try
            {
                // The one before may still be in use by handshakes; the collector takes it.
                current = Load(options.Certificate!, options.Key!);
                HostingLog.CertificateRead(logger, options.Certificate!, current.Value.Leaf.NotAfter.ToUniversalTime());
            }
            catch (Exception exception) when (current is not null && exception is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException)
            {
                HostingLog.CertificateUnreadable(logger, options.Certificate!, exception.Message);
            }

            return current!.Value;
        }
    }
}
