using CorrMesh.Hosting;
using CorrMesh.Hosting.Options;
using CorrMesh.Hosting.Reporting;
using CorrMesh.Hosting.Routing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace CorrMesh.Matching;

/// <summary>The matching service; needs the features service, no Torch.</summary>
public sealed class MatchingModule : IMeshModule
{
    public string Name => MeshTopology.Matching;

    public void AddServices(IHostApplicationBuilder builder) => builder.Services.AddSingleton(services => new MatchAdmission(
        Math.Max(1, services.GetRequiredService<MeshLimits>().QueueLength * services.GetRequiredService<MeshReplicas>().Of(MeshTopology.Features).Replicas.Count / 2)));

    public void MapEndpoints(IEndpointRouteBuilder endpoints)
    {
        var status = endpoints.ServiceProvider.GetRequiredService<ModuleStatus>();
        var admission = endpoints.ServiceProvider.GetRequiredService<MatchAdmission>();
        status.Number("queue.length", () => admission.Count);
        status.Number("queue.capacity", () => admission.Capacity);
        endpoints.MapGrpcService<MatchingService>();
    }
}
