using System.Net;
using System.Threading.RateLimiting;
using CorrMesh.Hosting.Options;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using KestrelListenOptions = Microsoft.AspNetCore.Server.Kestrel.Core.ListenOptions;

namespace CorrMesh.Gateway.Security;

/// <summary>
/// How fast one client may open connections and call streams off: what costs the gateway work before any key is looked at
/// (CVE-2023-44487 and its like).
/// </summary>
/// <remarks>
/// Connections above the pace of their address wait their turn rather than being refused, since everyone behind a proxy, and every
/// program of this machine, has the same address. Too many resets end their own connection, and so its other calls.
/// </remarks>
internal sealed class ClientPace(GatewayOptions options, MeshLimits limits) : IDisposable
{
    // The first connections of an address, as of a program that opens a pool of them, need not wait.
    private const int SecondsInHand = 2;

    private readonly PartitionedRateLimiter<IPAddress> connections = PartitionedRateLimiter.Create<IPAddress, IPAddress>(
        address => RateLimitPartition.GetTokenBucketLimiter(Network(address), _ => new TokenBucketRateLimiterOptions
        {
            TokenLimit = options.ConnectionsPerSecond * SecondsInHand,
            TokensPerPeriod = options.ConnectionsPerSecond,
            ReplenishmentPeriod = TimeSpan.FromSeconds(1),
            // Those that wait take none of the places that other addresses need.
            QueueLimit = limits.Connections / 4,
        }));

    /// <summary>Makes the connections of a listener wait for their turn, before any of their bytes is read.</summary>
    public void Pace(KestrelListenOptions listener) => listener.Use(next => async connection =>
    {
        var address = (connection.RemoteEndPoint as IPEndPoint)?.Address ?? IPAddress.None;
        using (var turn = await connections.AcquireAsync(address, 1, connection.ConnectionClosed).ConfigureAwait(false))
        {
            if (!turn.IsAcquired)
            {
                Refused("TOO_MANY_CONNECTIONS");
                return;
            }
        }

        connection.Features.Set(new Resets(connection, options.ResetsPerSecond));
        await next(connection).ConfigureAwait(false);
    });

    /// <summary>Counts the calls that their client called off, and ends a connection of too many.</summary>
    public static async Task CountResets(HttpContext context, RequestDelegate next)
    {
        try
        {
            await next(context).ConfigureAwait(false);
        }
        finally
        {
            if (context.RequestAborted.IsCancellationRequested) context.Features.Get<Resets>()?.Count();
        }
    }

    public void Dispose() => connections.Dispose();

    // Whoever has one IPv6 address usually has all of its last 64 bits.
    private static IPAddress Network(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6) return address.MapToIPv4();
        byte[] bytes = address.GetAddressBytes();
        if (bytes.Length == 16) bytes.AsSpan(8).Clear();
        return new IPAddress(bytes);
    }

    private static void Refused(string reason) => GatewayMetrics.Refusals.Add(1, new KeyValuePair<string, object?>("reason", reason));

    private sealed class Resets(ConnectionContext connection, int perSecond)
    {
        private readonly Lock counting = new();
        private long second;
        private int count;

        public void Count()
        {
            long now = Environment.TickCount64 / 1000;
            lock (counting)
            {
                if (now != second) (second, count) = (now, 0);
                if (++count != perSecond + 1) return;
            }

            // Calls that end because their connection did come here too.
            if (connection.ConnectionClosed.IsCancellationRequested) return;
            Refused("TOO_MANY_RESETS");
            connection.Abort(new ConnectionAbortedException($"at most {perSecond} resets a second allowed"));
        }
    }
}
