using Grpc.Core;
using Grpc.Health.V1;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using static Grpc.Health.V1.HealthCheckResponse.Types;

namespace CorrMesh.Hosting.Routing;

/// <summary>Listens to the health of every replica that this module calls: one `grpc.health.v1` Watch each.</summary>
/// <remarks>A drain is heard before the listener closes, and a killed process by its connection breaking: calls go elsewhere at once.</remarks>
internal sealed class ReplicaWatch(MeshReplicas replicas, MeshService service, RoutingOptions options, TimeProvider time, ILogger<ReplicaWatch> logger) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // Where there is no choice there is nothing to know: a call then finds out by itself.
        var sets = service.Needs.Select(replicas.Of).Where(set => set.Replicas.Count > 1);
        await Task.WhenAll(sets.SelectMany(set => set.Replicas, (set, replica) => WatchAsync(set.Service, replica, stoppingToken))).ConfigureAwait(false);
    }

    private async Task WatchAsync(string name, Replica replica, CancellationToken stopping)
    {
        var client = new Grpc.Health.V1.Health.HealthClient(replicas.ChannelTo(replica));
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                using var watch = client.Watch(new HealthCheckRequest(), cancellationToken: stopping);
                await foreach (var health in watch.ResponseStream.ReadAllAsync(stopping).ConfigureAwait(false)) Hear(name, replica, health.Status == ServingStatus.Serving);
            }
            catch (RpcException) when (!stopping.IsCancellationRequested)
            {
                // Not reached: as good as not serving, until it is.
            }
            catch (Exception exception) when (stopping.IsCancellationRequested && exception is RpcException or OperationCanceledException)
            {
                return;
            }

            Hear(name, replica, isServing: false);
            await Task.Delay(options.HealthRetry, time, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private void Hear(string name, Replica replica, bool isServing)
    {
        if (!replica.Heard(isServing)) return;
        if (isServing) HostingLog.ReplicaServes(logger, name, replica.Address);
        else HostingLog.ReplicaGone(logger, name, replica.Address);
    }
}
