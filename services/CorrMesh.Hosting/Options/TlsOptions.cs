using System.ComponentModel.DataAnnotations;
using System.Security.Cryptography;
using CorrMesh.Hosting.Security;

namespace CorrMesh.Hosting.Options;

/// <summary>Encryption of the listeners and of calls between services; section `CorrMesh:Tls`.</summary>
/// <remarks>The gateway's listeners use it whenever a certificate is given, those of other services when they listen beyond loopback.</remarks>
public sealed class TlsOptions : IValidatableObject
{
    public const string Section = "CorrMesh:Tls";

    /// <summary>A PEM file with the certificate of this process and those between it and its root. Read again when it changes.</summary>
    public string? Certificate { get; init; }

    /// <summary>A PEM file with the certificate's private key, not encrypted.</summary>
    public string? Key { get; init; }

    /// <summary>
    /// A PEM file with the roots that services of the mesh are trusted by, in place of the system's. A service that listens beyond
    /// loopback takes calls only from holders of a certificate that these roots vouch for.
    /// </summary>
    public string? Authority { get; init; }

    internal bool IsOn => Certificate is not null;

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (Certificate is null != Key is null) yield return new("Certificate and Key needed together, one given", [Certificate is null ? nameof(Key) : nameof(Certificate)]);
        else if (Certificate is not null && Fault(() => MeshCertificate.Check(Certificate)) is { } fault) yield return new($"a PEM file with a certificate that is in force needed ({fault})", [nameof(Certificate)]);
        else if (Certificate is not null && Fault(() => MeshCertificate.Load(Certificate, Key!)) is { } unfit) yield return new($"a PEM file with the certificate's private key, not encrypted, needed ({unfit})", [nameof(Key)]);
        if (Authority is not null && Fault(() => MeshTrust.Roots(Authority)) is { } unread) yield return new($"a PEM file with at least one certificate needed ({unread})", [nameof(Authority)]);
    }

    private static string? Fault(Action load)
    {
        try
        {
            load();
            return null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException)
        {
            return exception.Message.TrimEnd('.');
        }
    }
}
