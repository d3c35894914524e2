using CorrMesh.Hosting;
using CorrMesh.Hosting.Security;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace CorrMesh.Gateway.Proxy;

/// <summary>The routes of every gRPC call of the mesh: to the service that implements it.</summary>
public static class GrpcProxy
{
    /// <summary>One route for each contract of the topology, to the service that has it.</summary>
    public static IReadOnlyList<(string Path, string Service)> Routes { get; } =
    [
        .. from service in MeshTopology.Services
           from contract in service.Contracts
           select ($"/{contract.FullName}/{{method}}", service.Name),
    ];

    internal static IServiceCollection AddGrpcProxy(this IServiceCollection services)
    {
        // Its catch-all route would hide from HTTP callers that a route exists for another method.
        services.Configure<Grpc.AspNetCore.Server.GrpcServiceOptions>(options => options.IgnoreUnknownServices = true);
        services.AddHttpForwarder();
        services.AddSingleton<GrpcForwarder>();
        return services;
    }

    internal static void MapGrpcProxy(this IEndpointRouteBuilder endpoints)
    {
        var forwarder = endpoints.ServiceProvider.GetRequiredService<GrpcForwarder>();
        foreach (var (path, service) in Routes) endpoints.Map(path, context => forwarder.ForwardAsync(context, service)).ExcludeFromDescription();
    }

    /// <summary>Answers calls of services that nobody implements; without it they would see an HTTP 404.</summary>
    internal static void UseGrpcAnswers(this IApplicationBuilder app) => app.Use(async (context, next) =>
    {
        await next(context).ConfigureAwait(false);
        if (context.IsGrpc() && context.Response is { HasStarted: false, StatusCode: StatusCodes.Status404NotFound })
            GrpcForwarder.Answer(context, Grpc.Core.StatusCode.Unimplemented, $"{context.Request.Path}: no service of the mesh has this method");
    });
}
