using System.ComponentModel.DataAnnotations;
using System.Text;

namespace CorrMesh.Features.Store;

/// <summary>The cache that features processes share; section `CorrMesh:Redis`.</summary>
public sealed class RedisOptions : IValidatableObject
{
    public const string Section = "CorrMesh:Redis";

    private const int FileBytes = 65536, SigningKeyBytes = 16;

    /// <summary>HOST:PORT of a Redis server; empty for none.</summary>
    public string Address { get; init; } = "";

    /// <summary>ACL user; empty for the default one.</summary>
    public string User { get; init; } = "";

    /// <summary>Password of the user; empty for none. <see cref="PasswordFile"/> keeps it out of command lines and environments.</summary>
    public string Password { get; init; } = "";

    /// <summary>A file with the password; white space around it does not count.</summary>
    public string PasswordFile { get; init; } = "";

    /// <summary>Whether the connection is encrypted and the server's certificate checked.</summary>
    public bool Tls { get; init; }

    /// <summary>A PEM file with the authority that the server's certificate must come from; empty for those of the system.</summary>
    public string TlsAuthority { get; init; } = "";

    /// <summary>When set, values carry an HMAC-SHA256 under this key and others are not taken, so whoever may write to Redis still cannot plant features.</summary>
    public string SigningKey { get; init; } = "";

    /// <summary>A file with the signing key; white space around it does not count.</summary>
    public string SigningKeyFile { get; init; } = "";

    /// <summary>How long a request waits for Redis before the map is computed as if it were not there.</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "00:00:10")]
    public TimeSpan Budget { get; init; } = TimeSpan.FromMilliseconds(150);

    /// <summary>How long Redis is left alone after it has failed several times; then one request tries.</summary>
    [Range(typeof(TimeSpan), "00:00:00.500", "00:05:00")]   // the lower bound is Polly's
    public TimeSpan Pause { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long a value is kept after it was written.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "30.00:00:00")]
    public TimeSpan TimeToLive { get; init; } = TimeSpan.FromHours(12);

    /// <summary>What keys in Redis begin with; the 64 hex digits of the features key follow.</summary>
    [MaxLength(128)]
    public string KeyPrefix { get; init; } = "corrmesh:map:";

    /// <summary>Largest value in bytes; larger ones are neither written nor taken.</summary>
    [Range(1 << 20, 512 << 20)]   // Redis itself ends at 512 MiB
    public int ValueBytes { get; init; } = 256 << 20;

    /// <summary>Bytes of values that wait to be written; more are dropped.</summary>
    [Range(1L << 20, 1L << 36)]
    public long WriteQueueBytes { get; init; } = 128L << 20;

    /// <summary>Whether there is a Redis to use.</summary>
    internal bool IsOn => Address.Length > 0;

    /// <summary>Host and port of a well-formed <see cref="Address"/>; IPv6 in brackets.</summary>
    internal (string Host, int Port) HostAndPort => (Parsed!.Host, Parsed.Port);

    private Uri? Parsed =>
        Uri.TryCreate($"redis://{Address}", UriKind.Absolute, out Uri? uri) && uri is { Port: > 0, UserInfo.Length: 0, PathAndQuery: "" or "/" } ? uri : null;

    internal string ReadPassword() => PasswordFile.Length > 0 ? File.ReadAllText(PasswordFile).Trim() : Password;

    /// <summary>Null without a signing key.</summary>
    internal byte[]? ReadSigningKey()
    {
        string key = SigningKeyFile.Length > 0 ? File.ReadAllText(SigningKeyFile).Trim() : SigningKey;
        return key.Length == 0 ? null : Encoding.UTF8.GetBytes(key);
    }

    /// <remarks>No fault names a secret's member, for the value is printed with it.</remarks>
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (IsOn && Parsed is null) yield return new("HOST:PORT needed", [nameof(Address)]);
        if (Password.Length > 0 && PasswordFile.Length > 0) yield return new("Password and PasswordFile: one of them allowed, both given");
        if (SigningKey.Length > 0 && SigningKeyFile.Length > 0) yield return new("SigningKey and SigningKeyFile: one of them allowed, both given");
        if (TlsAuthority.Length > 0 && !Tls) yield return new("allowed with Tls only", [nameof(TlsAuthority)]);
        foreach ((string member, string path) in new[] { (nameof(PasswordFile), PasswordFile), (nameof(SigningKeyFile), SigningKeyFile), (nameof(TlsAuthority), TlsAuthority) })
        {
            if (path.Length > 0 && FileFault(path) is { } fault) yield return new(fault, [member]);
        }

        if (SigningKey.Length > 0 && Encoding.UTF8.GetByteCount(SigningKey) < SigningKeyBytes)
            yield return new($"SigningKey: at least {SigningKeyBytes} bytes needed, {Encoding.UTF8.GetByteCount(SigningKey)} given");
        if (SigningKeyFile.Length > 0 && FileFault(SigningKeyFile) is null && (ReadSigningKey()?.Length ?? 0) < SigningKeyBytes)
            yield return new($"at least {SigningKeyBytes} bytes of content needed, {ReadSigningKey()?.Length ?? 0} found", [nameof(SigningKeyFile)]);
    }

    private static string? FileFault(string path)
    {
        try
        {
            using FileStream file = File.OpenRead(path);
            return file.Length is > 0 and <= FileBytes ? null : $"a file of 1 to {FileBytes} bytes needed, this one has {file.Length}";
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return "a file that can be read needed";
        }
    }
}
