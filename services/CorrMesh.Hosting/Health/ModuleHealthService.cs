using CorrMesh.Hosting.Errors;
using Grpc.Core;
using Grpc.Health.V1;
using static Grpc.Health.V1.HealthCheckResponse.Types;

namespace CorrMesh.Hosting.Health;

/// <summary>`grpc.health.v1` of one module, under the empty name and under those of its contracts.</summary>
/// <remarks>Watchers hear of the drain and then see their stream end; streams that stayed open would keep the listener from closing.</remarks>
internal sealed class ModuleHealthService(ModuleHealth health) : Grpc.Health.V1.Health.HealthBase
{
    public override Task<HealthCheckResponse> Check(HealthCheckRequest request, ServerCallContext context) => StatusOf(request.Service) switch
    {
        ServingStatus.ServiceUnknown => throw new NotFoundException("service", request.Service),
        var status => Task.FromResult(new HealthCheckResponse { Status = status }),
    };

    public override async Task Watch(HealthCheckRequest request, IServerStreamWriter<HealthCheckResponse> responseStream, ServerCallContext context)
    {
        var last = ServingStatus.Unknown;
        while (true)
        {
            var changed = health.Changed;
            bool draining = health.Draining.IsCancellationRequested;
            var status = StatusOf(request.Service);
            if (status != last) await responseStream.WriteAsync(new HealthCheckResponse { Status = last = status }, context.CancellationToken).ConfigureAwait(false);
            if (draining) return;
            await changed.WaitAsync(context.CancellationToken).ConfigureAwait(false);
        }
    }

    private ServingStatus StatusOf(string name)
    {
        if (name.Length > 0 && health.Service.Contracts.All(contract => contract.FullName != name)) return ServingStatus.ServiceUnknown;
        return health.IsServing ? ServingStatus.Serving : ServingStatus.NotServing;
    }
}
