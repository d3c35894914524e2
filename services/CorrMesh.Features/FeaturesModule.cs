using System.Globalization;
using CorrMesh.Features.Admin;
using CorrMesh.Features.Execution;
using CorrMesh.Features.Store;
using CorrMesh.Hosting;
using CorrMesh.Hosting.Data;
using CorrMesh.Hosting.Images;
using CorrMesh.Hosting.Options;
using CorrMesh.Hosting.Reporting;
using CorrMesh.Hosting.Routing;
using CorrMesh.Models;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;

namespace CorrMesh.Features;

/// <summary>The features service: the only one with Torch and with feature maps.</summary>
public sealed class FeaturesModule : IMeshModule
{
    public string Name => MeshTopology.Features;

    public void AddServices(IHostApplicationBuilder builder)
    {
        builder.AddMeshOptions<FeatureOptions>(FeatureOptions.Section);
        builder.AddMeshOptions<DataOptions>(DataOptions.Section);
        builder.AddMeshOptions<RedisOptions>(RedisOptions.Section);
        IServiceCollection services = builder.Services;
        services.AddSingleton(p => Catalog(p.GetRequiredService<DataOptions>(), p.GetRequiredService<FeatureOptions>()));
        services.AddSingleton<FeatureMetrics>();
        services.AddSingleton(p => new FeatureStore(p.GetRequiredService<FeatureOptions>().StoreBytes));
        services.AddSingleton<RedisTier>();
        services.TryAddSingleton<IFeatureEngine, TorchFeatureEngine>();
        services.AddSingleton(p => new FeatureQueue(
            p.GetRequiredService<IFeatureEngine>(), p.GetRequiredService<FeatureMetrics>(), p.GetRequiredService<MeshLimits>().QueueLength, p.GetRequiredService<FeatureOptions>().BatchCount));
        services.AddSingleton(p => new ComputeGate(p.GetRequiredService<MeshLimits>().QueueLength));
        services.AddSingleton<SpecResolver>();
        services.AddSingleton<ImageReader>();
        services.AddSingleton<FeatureExtractor>();
        services.AddSingleton<DescriptorSets>();
        services.AddSingleton<SimilaritySearch>();
        services.AddSingleton<FeatureRenderer>();
        services.AddSingleton<FeatureStream>();
        services.AddHostedService<ModelLoader>();
        services.AddHostedService<CatalogWatcher>();
    }

    // Callers spill to other replicas by it.
    public void Configure(IApplicationBuilder app)
    {
        var queue = app.ApplicationServices.GetRequiredService<FeatureQueue>();
        app.Use((context, next) =>
        {
            context.Response.OnStarting(() =>
            {
                context.Response.Headers[ReplicaHandler.QueueHeader] = queue.Count.ToString(CultureInfo.InvariantCulture);
                return Task.CompletedTask;
            });
            return next(context);
        });
    }

    public void MapEndpoints(IEndpointRouteBuilder endpoints)
    {
        Describe(endpoints.ServiceProvider);
        endpoints.MapGrpcService<FeatureService>();
        endpoints.MapGrpcService<AdminService>();
    }

    private static void Describe(IServiceProvider services)
    {
        var status = services.GetRequiredService<ModuleStatus>();
        var options = services.GetRequiredService<FeatureOptions>();
        var catalog = services.GetRequiredService<LiveCatalog>();
        var queue = services.GetRequiredService<FeatureQueue>();
        var store = services.GetRequiredService<FeatureStore>();
        var tier = services.GetRequiredService<RedisTier>();
        var metrics = services.GetRequiredService<FeatureMetrics>();
        int capacity = services.GetRequiredService<MeshLimits>().QueueLength;
        FeatureStoreStatistics Now() => FeatureStoreStatistics.Of(store, tier, metrics);
        status.Fact("device", () => options.Device);
        status.Fact("default_model", () => catalog.Current.Model("").Name);
        status.Fact("shared_cache", () => tier.State == RedisState.Off ? "no Redis" : $"Redis {tier.State.ToString().ToLowerInvariant()}");
        status.Number("queue.length", () => queue.Count);
        status.Number("queue.capacity", () => capacity);
        status.Number("store.capacity", () => options.StoreBytes);
        status.Number("store.size", () => Now().MemoryBytes);
        status.Number("store.count", () => Now().MemoryCount);
        // What memory lacks is asked of Redis, and what that lacks is computed.
        status.Number("store.hits", () => Now().MemoryHits);
        status.Number("store.misses", () => Now().RedisHits + Now().Computed);
        status.Number("maps.computed", () => Now().Computed);
        if (tier.State == RedisState.Off) return;
        status.Number("redis.hits", () => Now().RedisHits);
        status.Number("redis.misses", () => Now().Computed);
        status.Number("redis.corrupt", () => Now().RedisCorrupt);
        status.Number("redis.failures", () => Now().RedisFailures);
        status.Number("redis.dropped", () => Now().RedisDropped);
    }

    private static LiveCatalog Catalog(DataOptions data, FeatureOptions options)
    {
        try
        {
            return new LiveCatalog(new DataDirectory(AppContext.BaseDirectory), new DataDirectory(data.Directory), options.DefaultModel);
        }
        catch (InvalidDataException exception)
        {
            throw new MeshConfigurationException([exception.Message]);
        }
    }
}
