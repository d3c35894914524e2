using CorrMesh.Hosting;
using CorrMesh.Hosting.Options;
using CorrMesh.Hosting.Reporting;
using CorrMesh.Training.Jobs;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace CorrMesh.Training;

/// <summary>The training service: jobs and their queue. It computes nothing itself: Torch is loaded by the jobs' processes alone.</summary>
/// <param name="program">What starts the program that has the command `job-run`: a program and its first arguments.</param>
public sealed class TrainingModule(IReadOnlyList<string> program) : IMeshModule
{
    public string Name => MeshTopology.Training;

    public void AddServices(IHostApplicationBuilder builder)
    {
        builder.AddMeshOptions<TrainingOptions>(TrainingOptions.Section);
        IServiceCollection services = builder.Services;
        services.AddSingleton(new JobProgram(program));
        services.AddSingleton<TrainingMetrics>();
        services.AddSingleton<JobStore>();
        services.AddSingleton<JobIntake>();
        services.AddSingleton<AdapterPublisher>();
        services.AddSingleton<JobSupervisor>();
        services.AddHostedService(provider => provider.GetRequiredService<JobSupervisor>());
    }

    public void MapEndpoints(IEndpointRouteBuilder endpoints)
    {
        var status = endpoints.ServiceProvider.GetRequiredService<ModuleStatus>();
        var store = endpoints.ServiceProvider.GetRequiredService<JobStore>();
        var supervisor = endpoints.ServiceProvider.GetRequiredService<JobSupervisor>();
        int capacity = endpoints.ServiceProvider.GetRequiredService<TrainingOptions>().QueuedJobs;
        int Waiting() => store.Queue().Count(job => job.Manifest.State == JobState.Queued);
        status.Number("queue.length", () => Waiting());
        status.Number("queue.capacity", () => capacity);
        status.Number("jobs.running", () => supervisor.RunningCount);
        endpoints.ServiceProvider.GetRequiredService<TrainingMetrics>().Observe(() => supervisor.RunningCount, Waiting);
        endpoints.MapGrpcService<TrainingService>();
    }
}
