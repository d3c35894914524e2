using System.Globalization;
using System.Net;
using CorrMesh.Hosting;
using CorrMesh.Hosting.Clients;
using CorrMesh.Hosting.Security;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Primitives;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.Forwarder;

namespace CorrMesh.Gateway.Proxy;

/// <summary>Passes every gRPC call of the mesh through to the service that implements it, message by message.</summary>
public static class GrpcProxy
{
    // A camera that pauses for an hour keeps its stream; peers that are gone are found by HTTP/2 pings instead.
    private static readonly TimeSpan IdleLimit = TimeSpan.FromDays(1);

    /// <summary>One route for each contract of the topology, to the cluster named after its service.</summary>
    public static IReadOnlyList<RouteConfig> Routes { get; } =
    [
        .. from service in MeshTopology.Services
           from contract in service.Contracts
           select new RouteConfig
           {
               RouteId = contract.FullName,
               ClusterId = service.Name,
               Match = new RouteMatch { Path = $"/{contract.FullName}/{{**method}}" },
           },
    ];

    internal static IServiceCollection AddGrpcProxy(this IServiceCollection services)
    {
        // Its catch-all route would hide from HTTP callers that a route exists for another method.
        services.Configure<Grpc.AspNetCore.Server.GrpcServiceOptions>(options => options.IgnoreUnknownServices = true);
        services.AddSingleton<IProxyConfigProvider, ConfigProvider>();
        services.AddDataProtection().UseEphemeralDataProtectionProvider();
        services.AddReverseProxy();
        services.AddSingleton<IForwarderHttpClientFactory, ClientFactory>();
        DropKeyRing(services);
        return services;
    }

    // YARP brings data protection for session cookies, which nothing here uses. An ephemeral provider (above) keeps it from making a
    // directory for keys under the home directory; without its hosted service it writes none at start either.
    private static void DropKeyRing(IServiceCollection services)
    {
        foreach (var hosted in services.Where(service => service.ServiceType == typeof(IHostedService) && service.ImplementationType?.Namespace == "Microsoft.AspNetCore.DataProtection.Internal").ToList())
            services.Remove(hosted);
    }

    internal static void MapGrpcProxy(this IEndpointRouteBuilder endpoints) => endpoints.MapReverseProxy(proxy =>
    {
        proxy.Use(ForwardAsync);
        proxy.UseLoadBalancing();
        proxy.UsePassiveHealthChecks();
    });

    /// <summary>Answers calls of services that nobody implements; without it they would see an HTTP 404.</summary>
    internal static void UseGrpcAnswers(this IApplicationBuilder app) => app.Use(async (context, next) =>
    {
        await next(context).ConfigureAwait(false);
        if (context.IsGrpc() && context.Response is { HasStarted: false, StatusCode: StatusCodes.Status404NotFound })
            Answer(context, StatusCode.Unimplemented, $"{context.Request.Path}: no service of the mesh has this method");
    });

    private static async Task ForwardAsync(HttpContext context, RequestDelegate next)
    {
        if (!context.IsGrpc())
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }

        await next(context).ConfigureAwait(false);
        // A service that cannot be reached is UNAVAILABLE in gRPC's own words rather than an HTTP 502.
        if (context.GetForwarderErrorFeature() is not { } failure || context.Response.HasStarted || context.RequestAborted.IsCancellationRequested) return;
        string cluster = context.GetReverseProxyFeature().Cluster.Config.ClusterId;
        Answer(context, failure.Error == ForwarderError.RequestTimedOut ? StatusCode.DeadlineExceeded : StatusCode.Unavailable, $"{cluster}: the service cannot be reached");
    }

    private static void Answer(HttpContext context, StatusCode code, string message)
    {
        context.Response.Clear();
        context.Response.StatusCode = StatusCodes.Status200OK;
        context.Response.ContentType = "application/grpc";
        context.Response.Headers["grpc-status"] = ((int)code).ToString(CultureInfo.InvariantCulture);
        context.Response.Headers["grpc-message"] = Uri.EscapeDataString(message);
    }

    private sealed class ConfigProvider(MeshAddresses addresses) : IProxyConfigProvider
    {
        // Asked for when the routes are mapped, by when the services of this process listen and have their addresses.
        public IProxyConfig GetConfig() => new Config(Routes,
        [
            .. from service in MeshTopology.Services
               where service.Contracts.Count > 0
               select new ClusterConfig
               {
                   ClusterId = service.Name,
                   Destinations = new Dictionary<string, DestinationConfig> { [service.Name] = new() { Address = addresses.Of(service.Name).ToString() } },
                   HttpClient = new HttpClientConfig { EnableMultipleHttp2Connections = true },
                   HttpRequest = new ForwarderRequestConfig
                   {
                       Version = HttpVersion.Version20,
                       VersionPolicy = HttpVersionPolicy.RequestVersionExact,
                       ActivityTimeout = IdleLimit,
                   },
               },
        ]);
    }

    private sealed class ClientFactory(MeshTrust trust) : ForwarderHttpClientFactory
    {
        protected override void ConfigureHandler(ForwarderHttpClientContext context, SocketsHttpHandler handler)
        {
            base.ConfigureHandler(context, handler);
            trust.Configure(handler);
            handler.KeepAlivePingDelay = TimeSpan.FromSeconds(30);
            handler.KeepAlivePingTimeout = TimeSpan.FromSeconds(10);
            handler.InitialHttp2StreamWindowSize = 4 << 20;
        }
    }

    private sealed record Config(IReadOnlyList<RouteConfig> Routes, IReadOnlyList<ClusterConfig> Clusters) : IProxyConfig
    {
        public IChangeToken ChangeToken { get; } = new CancellationChangeToken(CancellationToken.None);
    }
}
