using CorrMesh.Hosting;
using CorrMesh.Hosting.Health;
using Grpc.Core;
using Grpc.Health.V1;
using Grpc.Net.ClientFactory;
using static Grpc.Health.V1.HealthCheckResponse.Types;

namespace CorrMesh.Gateway.Health;

/// <summary>Asks the services behind the gateway whether they serve.</summary>
internal sealed class MeshHealthProbe(GrpcClientFactory clients, ModuleHealth gateway, GatewayOptions options, TimeProvider time)
{
    /// <summary>Every service behind the gateway, in the topology's order, asked side by side.</summary>
    public async Task<IReadOnlyList<(string Service, ServingStatus Status)>> CheckAllAsync(CancellationToken cancellationToken) =>
        await Task.WhenAll(MeshTopology.Services.Where(service => service.Contracts.Count > 0).Select(async service =>
            (service.Name, await CheckAsync(service, cancellationToken).ConfigureAwait(false)))).ConfigureAwait(false);

    /// <summary>Serving when every service serves and the gateway itself is not about to stop.</summary>
    public async Task<ServingStatus> CheckMeshAsync(CancellationToken cancellationToken) =>
        gateway.IsServing && (await CheckAllAsync(cancellationToken).ConfigureAwait(false)).All(service => service.Status == ServingStatus.Serving)
            ? ServingStatus.Serving
            : ServingStatus.NotServing;

    /// <summary>A service that gives no answer in time does not serve.</summary>
    public async Task<ServingStatus> CheckAsync(MeshService service, CancellationToken cancellationToken)
    {
        try
        {
            var response = await clients.CreateClient<Grpc.Health.V1.Health.HealthClient>(service.Name).CheckAsync(
                new HealthCheckRequest(), deadline: (time.GetUtcNow() + options.HealthTimeout).UtcDateTime, cancellationToken: cancellationToken).ConfigureAwait(false);
            return response.Status;
        }
        catch (RpcException) when (!cancellationToken.IsCancellationRequested)
        {
            return ServingStatus.NotServing;
        }
    }
}
