using CorrMesh.Protos.Status.V1;
using Grpc.Core;

namespace CorrMesh.Hosting.Reporting;

/// <summary>`corrmesh.status.v1` of one module.</summary>
internal sealed class ModuleStatusService(ModuleStatus status) : StatusService.StatusServiceBase
{
    public override Task<GetStatusResponse> GetStatus(GetStatusRequest request, ServerCallContext context) => Task.FromResult(status.Read());
}
