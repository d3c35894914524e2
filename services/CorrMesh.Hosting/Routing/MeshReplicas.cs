using System.Collections.Concurrent;
using System.Net;
using CorrMesh.Hosting.Clients;
using CorrMesh.Hosting.Options;
using CorrMesh.Hosting.Security;
using Grpc.Net.Client;

namespace CorrMesh.Hosting.Routing;

/// <summary>The replicas of every service, as the modules of this process see them: one set a service, shared by all who call it.</summary>
public sealed class MeshReplicas(MeshAddresses addresses, RoutingOptions options, MeshLimits limits, MeshTrust trust, TimeProvider time) : IDisposable
{
    private readonly ConcurrentDictionary<string, Lazy<ReplicaSet>> sets = new();
    private readonly ConcurrentDictionary<Replica, Lazy<GrpcChannel>> channels = new();

    /// <summary>A service's replicas. Addresses are looked up at the first call, by when a service of this process listens.</summary>
    public ReplicaSet Of(string service) => sets.GetOrAdd(service, name => new Lazy<ReplicaSet>(() =>
        new ReplicaSet(name, [.. addresses.Of(name).Select(address => new Replica(address, time))], options.SpillLength))).Value;

    /// <summary>A channel to one replica and no other, for questions about itself.</summary>
    public GrpcChannel ChannelTo(Replica replica) => channels.GetOrAdd(replica, to => new Lazy<GrpcChannel>(() => GrpcChannel.ForAddress(to.Address, new GrpcChannelOptions
    {
        HttpHandler = Connections(),
        DisposeHttpClient = true,
        MaxReceiveMessageSize = limits.MessageBytes,
        // A process that is started again is back within seconds; the library's own waits grow to two minutes.
        InitialReconnectBackoff = options.HealthRetry,
        MaxReconnectBackoff = options.HealthRetry,
    }))).Value;

    /// <summary>Connections of which each call picks its replica.</summary>
    public ReplicaHandler HandlerOf(string service) => new(Of(service), Connections());

    public void Dispose()
    {
        foreach (var channel in channels.Values) channel.Value.Dispose();
    }

    private SocketsHttpHandler Connections()
    {
        var handler = new SocketsHttpHandler
        {
            EnableMultipleHttp2Connections = true,
            // Feature maps of 10 MB come in one piece; the default window of 64 KiB would make each wait for many acknowledgements.
            InitialHttp2StreamWindowSize = 4 << 20,
            KeepAlivePingDelay = TimeSpan.FromSeconds(30),
            KeepAlivePingTimeout = TimeSpan.FromSeconds(10),
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
            ConnectTimeout = TimeSpan.FromSeconds(2),
            AutomaticDecompression = DecompressionMethods.None,
            AllowAutoRedirect = false,
            UseCookies = false,
            UseProxy = false,
            ActivityHeadersPropagator = System.Diagnostics.DistributedContextPropagator.Current,
        };
        trust.Configure(handler);
        return handler;
    }
}
