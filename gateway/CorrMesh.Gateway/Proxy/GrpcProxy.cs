using System.Globalization;
using System.Net;
using CorrMesh.Hosting;
using CorrMesh.Hosting.Clients;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
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
        services.AddSingleton<IProxyConfigProvider, ConfigProvider>();
        services.AddReverseProxy().ConfigureHttpClient((_, handler) =>
        {
            handler.KeepAlivePingDelay = TimeSpan.FromSeconds(30);
            handler.KeepAlivePingTimeout = TimeSpan.FromSeconds(10);
            handler.InitialHttp2StreamWindowSize = 4 << 20;
        });
        return services;
    }

    internal static void MapGrpcProxy(this IEndpointRouteBuilder endpoints) => endpoints.MapReverseProxy(proxy =>
    {
        proxy.Use(AnswerInGrpc);
        proxy.UseLoadBalancing();
        proxy.UsePassiveHealthChecks();
    });

    /// <summary>A service that cannot be reached is UNAVAILABLE in gRPC's own words rather than an HTTP 502.</summary>
    private static async Task AnswerInGrpc(HttpContext context, RequestDelegate next)
    {
        await next(context).ConfigureAwait(false);
        if (context.GetForwarderErrorFeature() is not { } failure || context.Response.HasStarted || context.RequestAborted.IsCancellationRequested) return;
        string cluster = context.GetReverseProxyFeature().Cluster.Config.ClusterId;
        var code = failure.Error == ForwarderError.RequestTimedOut ? StatusCode.DeadlineExceeded : StatusCode.Unavailable;
        context.Response.Clear();
        context.Response.StatusCode = StatusCodes.Status200OK;
        context.Response.ContentType = "application/grpc";
        context.Response.Headers["grpc-status"] = ((int)code).ToString(CultureInfo.InvariantCulture);
        context.Response.Headers["grpc-message"] = Uri.EscapeDataString($"{cluster}: the service cannot be reached");
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

    private sealed record Config(IReadOnlyList<RouteConfig> Routes, IReadOnlyList<ClusterConfig> Clusters) : IProxyConfig
    {
        public IChangeToken ChangeToken { get; } = new CancellationChangeToken(CancellationToken.None);
    }
}
