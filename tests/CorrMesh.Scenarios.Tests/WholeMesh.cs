using System.Text.Json;
using CorrMesh.Features;
using CorrMesh.Features.Tests.Support;
using CorrMesh.Gateway;
using CorrMesh.Hosting;
using CorrMesh.Matching;
using CorrMesh.Pose;
using CorrMesh.Training;
using Grpc.Net.Client;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace CorrMesh.Scenarios.Tests;

/// <summary>All services of the mesh in this process, on free ports, with a small real network from a data directory.</summary>
internal sealed class WholeMesh : IStartedMesh
{
    private readonly TestData data;
    private readonly Mesh mesh;

    private WholeMesh(Mesh mesh, TestData data)
    {
        (this.mesh, this.data) = (mesh, data);
        MeshEndpoint gateway = mesh.Endpoints.First(endpoint => endpoint.Service == MeshTopology.Gateway);
        Http = new HttpClient { BaseAddress = gateway.Http };
        Grpc = GrpcChannel.ForAddress(gateway.Grpc, new GrpcChannelOptions { MaxReceiveMessageSize = null, MaxSendMessageSize = null });
    }

    /// <summary>To the gateway's HTTP API.</summary>
    public HttpClient Http { get; }

    /// <summary>To the gateway's gRPC port.</summary>
    public GrpcChannel Grpc { get; }

    public IReadOnlyList<MeshEndpoint> Endpoints => mesh.Endpoints;

    public static async Task<WholeMesh> StartAsync(params (string Key, string Value)[] settings)
    {
        var data = new TestData();
        try
        {
            data.AddModelFile("small", RandomNetwork.Write(data.PathOf("small.safetensors")), 14, 48, 3, 3, 16);
            return new WholeMesh(
                await Mesh.StartAsync(
                    Settings([("CorrMesh:Data:Directory", data.Root), ("CorrMesh:Features:DefaultModel", "small"), ("CorrMesh:Features:Threads", "1"), ("CorrMesh:Retry:Retries", "0"), .. settings]),
                    Modules(), cancellationToken: TestContext.Current.CancellationToken),
                data);
        }
        catch
        {
            data.Dispose();
            throw;
        }
    }

    public static IReadOnlyList<IMeshModule> Modules() => [new FeaturesModule(), new MatchingModule(), new TrainingModule(["dotnet", Path.Combine(AppContext.BaseDirectory, "CorrMesh.Host.dll")]), new PoseModule(), new GatewayModule()];

    public static IConfiguration Settings(params (string Key, string Value)[] settings) => new ConfigurationBuilder()
        .AddInMemoryCollection([new("CorrMesh:Listen:PortBase", "0"), new("CorrMesh:Listen:HttpPort", "0"), new("CorrMesh:Listen:GrpcPort", "0")])
        // A later setting replaces an earlier one of the same key.
        .AddInMemoryCollection(settings.GroupBy(setting => setting.Key).Select(group => new KeyValuePair<string, string?>(group.Key, group.Last().Value)))
        .Build();

    public T ServiceOf<T>(string module = MeshTopology.Features)
        where T : notnull => mesh.ServicesOf(module).GetRequiredService<T>();

    public Task StopAsync() => mesh.StopAsync(TestContext.Current.CancellationToken);

    public static async Task<JsonElement> JsonAsync(HttpResponseMessage response) =>
        JsonDocument.Parse(await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).RootElement;

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        Grpc.Dispose();
        await mesh.DisposeAsync();
        data.Dispose();
    }
}
