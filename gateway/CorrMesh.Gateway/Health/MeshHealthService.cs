using CorrMesh.Hosting;
using CorrMesh.Hosting.Errors;
using CorrMesh.Hosting.Health;
using Grpc.Core;
using Grpc.Health.V1;
using static Grpc.Health.V1.HealthCheckResponse.Types;

namespace CorrMesh.Gateway.Health;

/// <summary>`grpc.health.v1` for the mesh at one address: the empty name is all of it, a contract's name the service behind it.</summary>
internal sealed class MeshHealthService(MeshHealthProbe probe, ModuleHealth gateway, GatewayOptions options, TimeProvider time)
    : Grpc.Health.V1.Health.HealthBase
{
    public override async Task<HealthCheckResponse> Check(HealthCheckRequest request, ServerCallContext context)
    {
        var status = await StatusOf(request.Service, context.CancellationToken).ConfigureAwait(false);
        return status == ServingStatus.ServiceUnknown ? throw new NotFoundException("service", request.Service) : new HealthCheckResponse { Status = status };
    }

    public override async Task Watch(HealthCheckRequest request, IServerStreamWriter<HealthCheckResponse> responseStream, ServerCallContext context)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, gateway.Draining);
        var last = ServingStatus.Unknown;
        while (!context.CancellationToken.IsCancellationRequested)
        {
            var status = await StatusOf(request.Service, context.CancellationToken).ConfigureAwait(false);
            if (status != last) await responseStream.WriteAsync(new HealthCheckResponse { Status = last = status }, context.CancellationToken).ConfigureAwait(false);
            // Watchers have seen NOT_SERVING by now; ending their streams lets the listener close.
            if (gateway.Draining.IsCancellationRequested) return;
            await Task.Delay(options.HealthInterval, time, ending.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task<ServingStatus> StatusOf(string name, CancellationToken cancellationToken)
    {
        if (name.Length == 0) return await probe.CheckMeshAsync(cancellationToken).ConfigureAwait(false);
        var service = MeshTopology.Services.FirstOrDefault(service => service.Contracts.Any(contract => contract.FullName == name));
        return service is null ? ServingStatus.ServiceUnknown : await probe.CheckAsync(service, cancellationToken).ConfigureAwait(false);
    }
}
