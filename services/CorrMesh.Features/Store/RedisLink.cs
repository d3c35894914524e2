using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using StackExchange.Redis;

namespace CorrMesh.Features.Store;

/// <summary>The connection to Redis: made in the background, restored by itself, never waited for.</summary>
internal sealed class RedisLink : IAsyncDisposable
{
    private const int ConnectMilliseconds = 2000, AnswerMilliseconds = 2000, RetryMilliseconds = 500;

    private readonly RedisOptions options;
    private readonly RedisHealth health;
    private readonly Func<Task> restored;
    private readonly CancellationTokenSource stopping = new();
    private readonly Task connecting;
    private volatile ConnectionMultiplexer? connection;

    /// <param name="restored">Called when the connection is back after it was lost.</param>
    public RedisLink(RedisOptions options, RedisHealth health, Func<Task> restored)
    {
        (this.options, this.health, this.restored) = (options, health, restored);
        connecting = options.IsOn ? Task.Run(ConnectAsync) : Task.CompletedTask;
    }

    /// <summary>Null until the first attempt to connect has ended.</summary>
    public IDatabase? Database => connection?.GetDatabase();

    public bool IsConnected => connection?.IsConnected == true;

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync().ConfigureAwait(false);
        await connecting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (connection is not null) await connection.DisposeAsync().ConfigureAwait(false);
        stopping.Dispose();
    }

    private async Task ConnectAsync()
    {
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                ConnectionMultiplexer made = await ConnectionMultiplexer.ConnectAsync(Configuration()).ConfigureAwait(false);
                made.ConnectionFailed += (_, change) =>
                {
                    if (!stopping.IsCancellationRequested) health.Lost(change.Exception is null ? change.FailureType.ToString() : $"{change.FailureType}: {RedisHealth.Reason(change.Exception)}");
                };
                made.ConnectionRestored += (_, _) => _ = RestoredAsync();
                connection = made;
                await made.GetDatabase().PingAsync().WaitAsync(stopping.Token).ConfigureAwait(false);
                health.Restored();
                return;
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                return;
            }
#pragma warning disable CA1031 // Whatever it is, the service goes on without Redis.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                health.Lost(RedisHealth.Reason(exception));
            }

            if (connection is not null) return;   // tries again by itself
            await Task.Delay(RetryMilliseconds, stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task RestoredAsync()
    {
        if (stopping.IsCancellationRequested) return;
        await restored().ConfigureAwait(false);
        health.Restored();
    }

    private ConfigurationOptions Configuration()
    {
        (string host, int port) = options.HostAndPort;
        var configuration = new ConfigurationOptions
        {
            AbortOnConnectFail = false,
            ClientName = "corrmesh-features",
            User = options.User.Length > 0 ? options.User : null,
            Password = options.ReadPassword() is { Length: > 0 } password ? password : null,
            ConnectTimeout = ConnectMilliseconds,
            AsyncTimeout = AnswerMilliseconds,
            ReconnectRetryPolicy = new LinearRetry(RetryMilliseconds),
            // What cannot be sent at once fails at once: a request has better things to do than to wait for a connection.
            BacklogPolicy = BacklogPolicy.FailFast,
            // Nothing here listens to channels, asks for the configuration or picks a primary, so an ACL need not allow it.
            CommandMap = CommandMap.Create(["SUBSCRIBE", "CONFIG", "CLUSTER", "INFO"], available: false),
            ConfigurationChannel = "",
            TieBreaker = "",
            Ssl = options.Tls,
            SslHost = options.Tls ? host : null,
        };
        configuration.EndPoints.Add(host, port);
        if (options.TlsAuthority.Length > 0)
        {
            X509Certificate2Collection authorities = [];
            authorities.ImportFromPemFile(options.TlsAuthority);
            configuration.CertificateValidation += (_, certificate, _, errors) => IsTrusted(certificate, errors, authorities);
        }

        return configuration;
    }

    // The name must be right and the chain must end in one of the given authorities, whatever the system trusts.
    private static bool IsTrusted(X509Certificate? certificate, SslPolicyErrors errors, X509Certificate2Collection authorities)
    {
        if (certificate is null || (errors & ~SslPolicyErrors.RemoteCertificateChainErrors) != SslPolicyErrors.None) return false;
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(authorities);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        using var server = new X509Certificate2(certificate);
        return chain.Build(server);
    }
}
