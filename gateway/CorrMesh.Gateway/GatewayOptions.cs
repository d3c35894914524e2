using System.ComponentModel.DataAnnotations;
using CorrMesh.Hosting.Security;

namespace CorrMesh.Gateway;

/// <summary>What is the gateway's own; section `CorrMesh:Gateway`.</summary>
public sealed class GatewayOptions : IValidatableObject
{
    public const string Section = "CorrMesh:Gateway";

    /// <summary>How long an HTTP request may wait for the services; later it is answered with 504. gRPC callers bring deadlines of their own.</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "01:00:00")]
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>How long making an object, or fetching one whole, may take: pictures are rendered and looked at one by one.</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "12:00:00")]
    public TimeSpan ObjectTimeout { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>How long a service may take to say whether it serves.</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "00:01:00")]
    public TimeSpan HealthTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How often watchers of the mesh's health are looked after.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "00:01:00")]
    public TimeSpan HealthInterval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>The file of API keys, relative to the data directory; while there is none, nobody on loopback needs a key.</summary>
    [Required, MinLength(1)]
    public string KeysFile { get; init; } = ApiKeys.DefaultFile;

    /// <summary>Origins whose pages may call this gateway from a browser, comma-separated: `https://example.com`. Its own page always may.</summary>
    public string? AllowedOrigins { get; init; }

    /// <summary>Host names, comma-separated, that requests may be addressed to besides localhost when the gateway listens on loopback.</summary>
    public string? AllowedHosts { get; init; }

    /// <summary>How many connections a second one address may open, two seconds' worth at once; more wait for their turn.</summary>
    [Range(1, 1_000_000)]
    public int ConnectionsPerSecond { get; init; } = 100;

    /// <summary>How many calls a second may be called off on one connection; more end it.</summary>
    [Range(1, 1_000_000)]
    public int ResetsPerSecond { get; init; } = 200;

    internal IReadOnlyList<string> Origins => Split(AllowedOrigins);

    internal IReadOnlyList<string> Hosts => Split(AllowedHosts);

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        foreach (string origin in Origins)
            if (!(Uri.TryCreate(origin, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https" && uri.GetLeftPart(UriPartial.Authority) == origin))
                yield return new($"origins such as https://example.com needed, without a path; '{origin}' is none", [nameof(AllowedOrigins)]);
        foreach (string host in Hosts)
            if (Uri.CheckHostName(host) == UriHostNameType.Unknown) yield return new($"host names needed, without a port; '{host}' is none", [nameof(AllowedHosts)]);
    }

    private static string[] Split(string? list) => list?.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) ?? [];
}
