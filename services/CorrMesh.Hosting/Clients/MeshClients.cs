using CorrMesh.Hosting.Options;
using CorrMesh.Hosting.Routing;
using CorrMesh.Protos.Features.V1;
using CorrMesh.Protos.Matching.V1;
using CorrMesh.Protos.Pose.V1;
using CorrMesh.Protos.Training.V1;
using Grpc.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace CorrMesh.Hosting.Clients;

/// <summary>The generated clients of the mesh's services: the one registration of them.</summary>
/// <remarks>
/// Inject `FeatureService.FeatureServiceClient` and the like. Deadline and cancellation of the gRPC call being served go along
/// by themselves, and so does the trace. In HTTP routes pass the request's own cancellation token.
/// </remarks>
public static class MeshClients
{
    /// <summary>Registers a client for every service of the topology, and a health client for each by the service's name.</summary>
    public static IServiceCollection AddMeshClients(this IServiceCollection services)
    {
        services.AddHttpContextAccessor();
        services.AddSingleton<MeshReplicas>();
        services.AddSingleton<AffinityInterceptor>();
        Add<FeatureService.FeatureServiceClient>(services, MeshTopology.Features);
        Add<MatchingService.MatchingServiceClient>(services, MeshTopology.Matching);
        Add<TrainingService.TrainingServiceClient>(services, MeshTopology.Training);
        Add<PoseService.PoseServiceClient>(services, MeshTopology.Pose);
        // A health check that fails is the answer, so these are not tried again.
        foreach (var service in MeshTopology.Services) Configure(services.AddGrpcClient<Grpc.Health.V1.Health.HealthClient>(service.Name, options => options.Address = ReplicaHandler.PlaceholderOf(service.Name)), service.Name);
        return services;
    }

    private static void Add<TClient>(IServiceCollection services, string service)
        where TClient : class
    {
        services.AddKeyedSingleton(service, (provider, _) => new RetryInterceptor(
            provider.GetRequiredService<MeshReplicas>().Of(service), provider.GetRequiredService<RetryOptions>(), provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<RetryInterceptor>>()));
        Configure(services.AddGrpcClient<TClient>(options => options.Address = ReplicaHandler.PlaceholderOf(service)), service)
            .EnableCallContextPropagation(propagation => propagation.SuppressContextNotFoundErrors = true)
            .AddInterceptor(provider => provider.GetRequiredService<AffinityInterceptor>())
            .AddInterceptor(provider => provider.GetRequiredKeyedService<RetryInterceptor>(service));
    }

    private static IHttpClientBuilder Configure(IHttpClientBuilder client, string service) => client
        .ConfigurePrimaryHttpMessageHandler(provider => provider.GetRequiredService<MeshReplicas>().HandlerOf(service))
        .ConfigureChannel((provider, channel) =>
        {
            var limits = provider.GetRequiredService<MeshLimits>();
            channel.MaxReceiveMessageSize = limits.MessageBytes;
            channel.MaxSendMessageSize = limits.MessageBytes;
        });
}
