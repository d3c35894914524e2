using System.Text.Json;
using System.Text.Json.Serialization;
using CorrMesh.Gateway.Health;
using CorrMesh.Gateway.Http;
using CorrMesh.Gateway.OpenApi;
using CorrMesh.Gateway.Page;
using CorrMesh.Gateway.Proxy;
using CorrMesh.Gateway.Reporting;
using CorrMesh.Gateway.Security;
using CorrMesh.Hosting;
using CorrMesh.Hosting.Options;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace CorrMesh.Gateway;

/// <summary>The mesh's front door: gRPC passed through to the services, and an HTTP API for everyone else.</summary>
public sealed class GatewayModule : IMeshModule
{
    public string Name => MeshTopology.Gateway;

    public void AddServices(IHostApplicationBuilder builder)
    {
        builder.AddMeshOptions<GatewayOptions>(GatewayOptions.Section);
        builder.Services.AddGrpcProxy();
        builder.Services.AddGatewayDoors();
        builder.Services.AddSingleton<ClientPace>();
        builder.Services.AddOptions<KestrelServerOptions>().Configure<ClientPace>((kestrel, pace) => kestrel.ConfigureEndpointDefaults(pace.Pace));
        builder.Services.AddSingleton<MeshHealthProbe>();
        builder.Services.AddSingleton<StatusTargets>();
        builder.Services.AddSingleton<StatusBoard>();
        builder.Services.ConfigureHttpJsonOptions(json =>
        {
            json.SerializerOptions.PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower;
            json.SerializerOptions.DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull;
            json.SerializerOptions.NumberHandling = JsonNumberHandling.Strict;   // or the API document calls every number "a number or a string"
        });
        builder.Services.AddApiDocument();
    }

    public void Configure(IApplicationBuilder app)
    {
        app.Use(ClientPace.CountResets);
        app.UseMiddleware<ProblemMiddleware>();
        app.UseGatewayDoors();
        app.UseGrpcAnswers();
    }

    public void MapEndpoints(IEndpointRouteBuilder endpoints)
    {
        endpoints.MapGrpcProxy();
        endpoints.MapGrpcService<MeshHealthService>();
        endpoints.MapModels();
        endpoints.MapFeatures();
        endpoints.MapMatch();
        endpoints.MapPictures();
        endpoints.MapPnp();
        endpoints.MapPoses();
        endpoints.MapObjects();
        endpoints.MapJobs();
        endpoints.MapAdapters();
        endpoints.MapHealthz();
        endpoints.MapStatus();
        endpoints.MapPage();
        endpoints.MapApiDocument();
    }
}
