using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using StackExchange.Redis;

namespace CorrMesh.Features.Store;

/// <summary>The connection to Redis: made in the background, made anew when it is lost, never waited for.</summary>
/// <remarks>Every attempt has a client of its own: one that reconnects by itself tells a failure only once, so a refusal (a wrong password, say) could stay unsaid. A password file is read for each.</remarks>
internal sealed class RedisLink : IAsyncDisposable
{
    private const int ConnectMilliseconds = 2000, AnswerMilliseconds = 2000, RetryMilliseconds = 500;

    private readonly RedisOptions options;
    private readonly RedisHealth health;
    private readonly Func<Task> restored;
    private readonly CancellationTokenSource stopping = new();
    private readonly Task connecting;
    private volatile IDatabase? database;

    /// <param name="restored">Called whenever a connection is there.</param>
    public RedisLink(RedisOptions options, RedisHealth health, Func<Task> restored)
    {
        (this.options, this.health, this.restored) = (options, health, restored);
        connecting = options.IsOn ? Task.Run(StayConnectedAsync) : Task.CompletedTask;
    }

    /// <summary>Null while there is no connection.</summary>
    public IDatabase? Database => database;

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync().ConfigureAwait(false);
        await connecting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        stopping.Dispose();
    }

    private async Task StayConnectedAsync()
    {
        while (!stopping.IsCancellationRequested)
        {
            using var log = new RedisAttemptLog();
            try
            {
                await using ConnectionMultiplexer made = await ConnectionMultiplexer.ConnectAsync(Configuration(log)).ConfigureAwait(false);
                health.Lost(await UseAsync(made).ConfigureAwait(false));
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                return;
            }
            catch (RedisConnectionException exception) when (exception.FailureType is ConnectionFailureType.UnableToConnect)
            {
                health.Lost(log.Failure is null ? $"no answer within {ConnectMilliseconds} ms" : RedisHealth.Reason(log.Failure));
            }
#pragma warning disable CA1031 // Whatever it is, the service goes on without Redis.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                health.Lost(RedisHealth.Reason(exception));
            }

            await Task.Delay(RetryMilliseconds, stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <returns>Why the connection was lost.</returns>
    private async Task<string> UseAsync(ConnectionMultiplexer made)
    {
        var lost = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        made.ConnectionFailed += (_, change) =>
            lost.TrySetResult(change.Exception is null ? change.FailureType.ToString() : $"{change.FailureType}: {RedisHealth.Reason(change.Exception)}");
        IDatabase connected = made.GetDatabase();
        await connected.PingAsync().WaitAsync(stopping.Token).ConfigureAwait(false);
        database = connected;
        try
        {
            await restored().ConfigureAwait(false);
            health.Restored();
            return await lost.Task.WaitAsync(stopping.Token).ConfigureAwait(false);
        }
        finally
        {
            database = null;
        }
    }

    private ConfigurationOptions Configuration(RedisAttemptLog log)
    {
        (string host, int port) = options.HostAndPort;
        var configuration = new ConfigurationOptions
        {
            AbortOnConnectFail = true,
            ConnectRetry = 1,   // trying again is done here
            ClientName = "corrmesh-features",
            User = options.User.Length > 0 ? options.User : null,
            Password = options.ReadPassword() is { Length: > 0 } password ? password : null,
            ConnectTimeout = ConnectMilliseconds,
            AsyncTimeout = AnswerMilliseconds,
            // What cannot be sent at once fails at once: a request has better things to do than to wait for a connection.
            BacklogPolicy = BacklogPolicy.FailFast,
            // Nothing here listens to channels, asks for the configuration or picks a primary, so an ACL need not allow it.
            CommandMap = CommandMap.Create(["SUBSCRIBE", "CONFIG", "CLUSTER", "INFO"], available: false),
            ConfigurationChannel = "",
            TieBreaker = "",
            Ssl = options.Tls,
            SslHost = options.Tls ? host : null,
            LoggerFactory = log,
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
