using CorrMesh.Hosting;
using CorrMesh.Hosting.Images;
using CorrMesh.Hosting.Options;
using CorrMesh.Hosting.Reporting;
using CorrMesh.Pose.Estimation;
using CorrMesh.Pose.Objects;
using CorrMesh.Pose.Pnp;
using CorrMesh.Pose.Relative;
using CorrMesh.Pose.Streams;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace CorrMesh.Pose;

/// <summary>The pose service; no Torch.</summary>
public sealed class PoseModule : IMeshModule
{
    public string Name => MeshTopology.Pose;

    public void AddServices(IHostApplicationBuilder builder)
    {
        builder.AddMeshOptions<PoseOptions>(PoseOptions.Section);
        IServiceCollection services = builder.Services;
        services.AddSingleton(provider => new SolverQueue(Environment.ProcessorCount, provider.GetRequiredService<MeshLimits>().QueueLength));
        services.AddSingleton<ImageReader>();
        services.AddSingleton<ObjectStore>();
        services.AddSingleton<ObjectBuilder>();
        services.AddSingleton<ObjectIntake>();
        services.AddSingleton<SceneReader>();
        services.AddSingleton<PoseEstimator>();
        services.AddSingleton<PoseStream>();
        services.AddSingleton<RelativeEstimator>();
    }

    public void MapEndpoints(IEndpointRouteBuilder endpoints)
    {
        var status = endpoints.ServiceProvider.GetRequiredService<ModuleStatus>();
        var queue = endpoints.ServiceProvider.GetRequiredService<SolverQueue>();
        status.Number("queue.length", () => queue.Count);
        status.Number("queue.capacity", () => queue.Capacity);
        var intake = endpoints.ServiceProvider.GetRequiredService<ObjectIntake>();
        status.Number("uploads", () => intake.Count);
        endpoints.MapGrpcService<PoseService>();
    }
}
