using CorrMesh.Features.Execution;
using CorrMesh.Features.Models;
using CorrMesh.Features.Store;
using CorrMesh.Hosting;
using CorrMesh.Hosting.Options;
using CorrMesh.Hosting.Reporting;
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
        IServiceCollection services = builder.Services;
        services.AddSingleton(p => Catalog(p.GetRequiredService<DataOptions>(), p.GetRequiredService<FeatureOptions>()));
        services.AddSingleton<FeatureMetrics>();
        services.AddSingleton(p => new FeatureStore(p.GetRequiredService<FeatureOptions>().StoreBytes));
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
    }

    public void MapEndpoints(IEndpointRouteBuilder endpoints)
    {
        Describe(endpoints.ServiceProvider);
        endpoints.MapGrpcService<FeatureService>();
    }

    private static void Describe(IServiceProvider services)
    {
        var status = services.GetRequiredService<ModuleStatus>();
        var options = services.GetRequiredService<FeatureOptions>();
        var catalog = services.GetRequiredService<ModelCatalog>();
        var queue = services.GetRequiredService<FeatureQueue>();
        var store = services.GetRequiredService<FeatureStore>();
        var metrics = services.GetRequiredService<FeatureMetrics>();
        int capacity = services.GetRequiredService<MeshLimits>().QueueLength;
        status.Fact("device", () => options.Device);
        status.Fact("default_model", () => catalog.Model("").Name);
        status.Number("queue.length", () => queue.Count);
        status.Number("queue.capacity", () => capacity);
        status.Number("store.size", () => store.SizeBytes);
        status.Number("store.capacity", () => options.StoreBytes);
        status.Number("store.count", () => store.Count);
        status.Number("store.hits", () => metrics.Hits);
        status.Number("store.misses", () => metrics.Misses);
    }

    private static ModelCatalog Catalog(DataOptions data, FeatureOptions options)
    {
        try
        {
            return new ModelCatalog(new DataDirectory(AppContext.BaseDirectory), new DataDirectory(data.Directory), options.DefaultModel);
        }
        catch (InvalidDataException exception)
        {
            throw new MeshConfigurationException([exception.Message]);
        }
    }
}
