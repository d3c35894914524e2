using CorrMesh.Hosting.Options;
using CorrMesh.Hosting.Security;
using CorrMesh.Protos.Features.V1;
using CorrMesh.Protos.Matching.V1;
using Grpc.Core;
using Microsoft.Extensions.DependencyInjection;

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
        services.AddSingleton<RetryInterceptor>();
        Add<FeatureService.FeatureServiceClient>(services, MeshTopology.Features);
        Add<MatchingService.MatchingServiceClient>(services, MeshTopology.Matching);
        // A health check that fails is the answer, so these are not tried again.
        foreach (var service in MeshTopology.Services) Configure(services.AddGrpcClient<Grpc.Health.V1.Health.HealthClient>(service.Name, _ => { }), service.Name);
        return services;
    }

    private static void Add<TClient>(IServiceCollection services, string service)
        where TClient : class =>
        Configure(services.AddGrpcClient<TClient>(_ => { }), service)
            .EnableCallContextPropagation(propagation => propagation.SuppressContextNotFoundErrors = true)
            .AddInterceptor(provider => provider.GetRequiredService<RetryInterceptor>());

    private static IHttpClientBuilder Configure(IHttpClientBuilder client, string service)
    {
        client.Services.AddOptions<Grpc.Net.ClientFactory.GrpcClientFactoryOptions>(client.Name)
            .Configure<MeshAddresses>((options, addresses) => options.Address = addresses.Of(service));
        return client
            .ConfigurePrimaryHttpMessageHandler(provider =>
            {
                var handler = new SocketsHttpHandler
                {
                    EnableMultipleHttp2Connections = true,
                    // Feature maps of 10 MB come in one piece; the default window of 64 KiB would make each wait for many acknowledgements.
                    InitialHttp2StreamWindowSize = 4 << 20,
                    KeepAlivePingDelay = TimeSpan.FromSeconds(30),
                    KeepAlivePingTimeout = TimeSpan.FromSeconds(10),
                    PooledConnectionLifetime = TimeSpan.FromMinutes(5),
                    UseProxy = false,
                };
                provider.GetRequiredService<MeshTrust>().Configure(handler);
                return handler;
            })
            .ConfigureChannel((provider, channel) =>
            {
                var limits = provider.GetRequiredService<MeshLimits>();
                channel.MaxReceiveMessageSize = limits.MessageBytes;
                channel.MaxSendMessageSize = limits.MessageBytes;
            });
    }
}
