using CorrMesh.Protos.Features.V1;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Xunit;

namespace CorrMesh.Hosting.Tests;

/// <summary>The features module with its behaviour given by a test.</summary>
internal sealed class FakeModule : FeatureService.FeatureServiceBase, IMeshModule
{
    public string Name => MeshTopology.Features;

    public Func<ExtractFeaturesRequest, ServerCallContext, Task<ExtractFeaturesResponse>> OnExtract { get; init; } =
        (_, _) => Task.FromResult(new ExtractFeaturesResponse());

    public Func<IAsyncStreamReader<StreamFeaturesRequest>, IServerStreamWriter<StreamFeaturesResponse>, ServerCallContext, Task> OnStream { get; init; } =
        (_, _, _) => Task.CompletedTask;

    public Action<IHostApplicationBuilder> OnAddServices { get; init; } = _ => { };

    public void AddServices(IHostApplicationBuilder builder)
    {
        builder.Services.AddSingleton(this);
        OnAddServices(builder);
    }

    public void MapEndpoints(IEndpointRouteBuilder endpoints) => endpoints.MapGrpcService<FakeModule>();

    public override Task<ExtractFeaturesResponse> ExtractFeatures(ExtractFeaturesRequest request, ServerCallContext context) => OnExtract(request, context);

    public override Task StreamFeatures(
        IAsyncStreamReader<StreamFeaturesRequest> requestStream, IServerStreamWriter<StreamFeaturesResponse> responseStream, ServerCallContext context) =>
        OnStream(requestStream, responseStream, context);

    /// <summary>Starts a mesh of this module on free ports.</summary>
    public Task<Mesh> StartAsync(params (string Key, string Value)[] settings) =>
        Mesh.StartAsync(Settings(settings), [this], cancellationToken: TestContext.Current.CancellationToken);

    public static IConfiguration Settings(params (string Key, string Value)[] settings) => new ConfigurationBuilder()
        .AddInMemoryCollection([
            new("CorrMesh:Listen:PortBase", "0"), new("CorrMesh:Listen:HttpPort", "0"), new("CorrMesh:Listen:GrpcPort", "0"),
        ])
        .AddInMemoryCollection(settings.Select(setting => new KeyValuePair<string, string?>(setting.Key, setting.Value)))
        .Build();
}

internal static class MeshExtensions
{
    public static GrpcChannel Channel(this Mesh mesh, Action<GrpcChannelOptions>? configure = null)
    {
        var options = new GrpcChannelOptions { MaxReceiveMessageSize = null, MaxSendMessageSize = null };
        configure?.Invoke(options);
        return GrpcChannel.ForAddress(mesh.Endpoints[0].Grpc, options);
    }

    public static FeatureService.FeatureServiceClient Features(this Mesh mesh) => new(mesh.Channel());
}
