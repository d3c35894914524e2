using CorrMesh.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace CorrMesh.Matching;

/// <summary>The matching service; needs the features service, no Torch.</summary>
public sealed class MatchingModule : IMeshModule
{
    public string Name => MeshTopology.Matching;

    public void AddServices(IHostApplicationBuilder builder) => builder.Services.AddSingleton<MatchAdmission>();

    public void MapEndpoints(IEndpointRouteBuilder endpoints) => endpoints.MapGrpcService<MatchingService>();
}
