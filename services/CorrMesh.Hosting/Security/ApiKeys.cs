using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Threading.RateLimiting;
using CorrMesh.Hosting.Options;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;

namespace CorrMesh.Hosting.Security;

/// <summary>The API keys in force, read again when their file changes (within a second), and how often each may be used.</summary>
/// <remarks>
/// Without a file nobody is asked for a key. Once there was one, keys stay in force: a file that is gone or broken leaves the keys
/// before, so that no slip opens the door.
/// </remarks>
public sealed class ApiKeys
{
    /// <summary>The name of the file in the data directory, unless `CorrMesh:Gateway:KeysFile` says otherwise.</summary>
    public const string DefaultFile = "keys.json";

    private const string Setting = "CorrMesh:Gateway:KeysFile";

    private readonly string path;
    private readonly FileWatch watch;
    private readonly ILogger<ApiKeys> logger;
    private readonly ConcurrentDictionary<ApiKey, TokenBucketRateLimiter> limiters = new();
    private volatile KeyTable? table;

    /// <exception cref="MeshConfigurationException">There is a file, and it is not one of keys.</exception>
    public ApiKeys(IConfiguration configuration, TimeProvider time, ILogger<ApiKeys> logger)
    {
        path = PathIn(configuration);
        this.logger = logger;
        watch = new FileWatch(time, path);
        if (!watch.HasChanged() || !File.Exists(path)) return;
        try { table = new KeyTable(KeyFile.Read(path)); }
        catch (InvalidDataException exception) { throw new MeshConfigurationException([$"{Setting}: {exception.Message}"]); }
    }

    /// <summary>Whether callers must show a key.</summary>
    public bool InForce => Current() is not null;

    /// <summary>Where a configuration says that the keys are: a relative path is one in the data directory.</summary>
    public static string PathIn(IConfiguration configuration) => Path.Combine(
        configuration[$"{DataOptions.Section}:{nameof(DataOptions.Directory)}"] ?? new DataOptions().Directory, configuration[Setting] ?? DefaultFile);

    /// <summary>Whether a caller may go on, and if not, why.</summary>
    /// <param name="context">The call; its key is in `Authorization: Bearer KEY` or `x-api-key: KEY`.</param>
    /// <param name="needed">What the caller must be allowed to do.</param>
    /// <returns>Null when the call may go on.</returns>
    public Refusal? Check(HttpContext context, KeyRole needed)
    {
        if (Current() is not { } keys) return null;
        string? text = Presented(context.Request.Headers);
        if (text is null) return Refusal.Unauthenticated("an API key needed (`Authorization: Bearer KEY` or `x-api-key: KEY`), none given");
        if (keys.Find(text) is not { } key) return Refusal.Unauthenticated("this API key is not one of those in force");
        if (Wait(key) is { } wait) return Refusal.TooMany(key.RatePerSecond!.Value, wait);
        if (key.Role < needed) return Refusal.Forbidden("an API key with the role admin needed, one with the role user given");
        context.Features.Set(key);
        return null;
    }

    /// <summary>Whether a caller whom <see cref="Check"/> has let in may know what is the operator's: an admin, or anyone while there are no keys.</summary>
    public static bool IsOperator(HttpContext context) => context.Features.Get<ApiKey>() is null or { Role: KeyRole.Admin };

    private static string? Presented(IHeaderDictionary headers)
    {
        const string scheme = "Bearer ";
        string? authorization = headers.Authorization;
        if (authorization?.StartsWith(scheme, StringComparison.OrdinalIgnoreCase) == true) return authorization[scheme.Length..].Trim();
        return headers["x-api-key"] is [{ Length: > 0 } key] ? key : null;
    }

    private KeyTable? Current()
    {
        if (!watch.HasChanged() || (table is null && !File.Exists(path))) return table;
        try
        {
            table = new KeyTable(KeyFile.Read(path));
            // A key that was removed, or made anew with another rate, takes its bucket along.
            foreach (var key in limiters.Keys.Except(table.Keys)) limiters.TryRemove(key, out _);
        }
        catch (Exception exception) when (exception is InvalidDataException or IOException or UnauthorizedAccessException)
        {
            HostingLog.KeysUnreadable(logger, path, exception.Message);
            // A file that cannot be read is one all the same.
            table ??= new KeyTable(KeyFile.Empty);
        }

        return table;
    }

    /// <returns>How long until the key may be used again; null when it may be now, which is counted.</returns>
    private TimeSpan? Wait(ApiKey key)
    {
        if (key.RatePerSecond is not { } rate) return null;
        var limiter = limiters.GetOrAdd(key, _ => new TokenBucketRateLimiter(new TokenBucketRateLimiterOptions
        {
            TokenLimit = key.Burst ?? (int)Math.Max(1, Math.Ceiling(rate)),
            TokensPerPeriod = 1,
            ReplenishmentPeriod = TimeSpan.FromSeconds(1 / rate),
            // Filled when asked, by the time that has passed: no timer for each key.
            AutoReplenishment = false,
            QueueLimit = 0,
        }));
        limiter.TryReplenish();
        using var lease = limiter.AttemptAcquire();
        if (lease.IsAcquired) return null;
        return lease.TryGetMetadata(MetadataName.RetryAfter, out var after) ? after : TimeSpan.FromSeconds(1 / rate);
    }

    private sealed class KeyTable(KeyFile file)
    {
        private readonly (byte[] Hash, ApiKey Key)[] rows = [.. file.Keys.Select(key => (key.HashBytes(), key))];

        public IEnumerable<ApiKey> Keys => rows.Select(row => row.Key);

        /// <summary>Takes the same time whether and wherever a key is found.</summary>
        public ApiKey? Find(string text)
        {
            byte[] digest = ApiKey.Digest(text);
            ApiKey? found = null;
            foreach (var (hash, key) in rows)
                if (CryptographicOperations.FixedTimeEquals(hash, digest)) found = key;
            return found;
        }
    }
}
