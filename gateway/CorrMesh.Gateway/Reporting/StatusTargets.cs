using CorrMesh.Hosting;
using CorrMesh.Hosting.Routing;
using Grpc.Core;

namespace CorrMesh.Gateway.Reporting;

/// <summary>One process of a service, to be asked for its status.</summary>
internal readonly record struct StatusTarget(string Service, Uri Address, CallInvoker Invoker);

/// <summary>Every process behind the gateway that can be asked for its status.</summary>
internal sealed class StatusTargets(MeshReplicas replicas)
{
    /// <summary>In the topology's order, each service's replicas in the configuration's.</summary>
    public IReadOnlyList<StatusTarget> List() =>
    [
        .. from service in MeshTopology.Services
           where service.Contracts.Count > 0
           from replica in replicas.Of(service.Name).Replicas
           select new StatusTarget(service.Name, replica.Address, replicas.ChannelTo(replica).CreateCallInvoker()),
    ];
}
