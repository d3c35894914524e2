using System.Collections.Concurrent;
using CorrMesh.Hosting;
using CorrMesh.Hosting.Clients;
using Grpc.Core;
using Grpc.Net.Client;

namespace CorrMesh.Gateway.Reporting;

/// <summary>One process of a service, to be asked for its status.</summary>
internal readonly record struct StatusTarget(string Service, Uri Address, CallInvoker Invoker);

/// <summary>Every process behind the gateway that can be asked for its status.</summary>
internal sealed class StatusTargets(MeshAddresses addresses) : IDisposable
{
    private readonly ConcurrentDictionary<Uri, GrpcChannel> channels = new();

    /// <summary>In the topology's order.</summary>
    public IReadOnlyList<StatusTarget> List() =>
    [
        .. from service in MeshTopology.Services
           where service.Contracts.Count > 0
           let address = addresses.Of(service.Name)
           select new StatusTarget(service.Name, address, channels.GetOrAdd(address, Open).CreateCallInvoker()),
    ];

    public void Dispose()
    {
        foreach (var channel in channels.Values) channel.Dispose();
    }

    private static GrpcChannel Open(Uri address) => GrpcChannel.ForAddress(address, new GrpcChannelOptions
    {
        DisposeHttpClient = true,
        HttpHandler = new SocketsHttpHandler { UseProxy = false, KeepAlivePingDelay = TimeSpan.FromSeconds(30), KeepAlivePingTimeout = TimeSpan.FromSeconds(10) },
    });
}
