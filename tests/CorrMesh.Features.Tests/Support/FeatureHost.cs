using CorrMesh.Features.Execution;
using CorrMesh.Hosting;
using CorrMesh.Hosting.Errors;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Xunit;
using Contract = CorrMesh.Protos.Features.V1.FeatureService;

namespace CorrMesh.Features.Tests.Support;

/// <summary>The features module (and those a test adds) on free ports of the loopback, with an engine that the test gives.</summary>
internal sealed class FeatureHost : IAsyncDisposable
{
    private readonly TestData data;
    private readonly List<GrpcChannel> channels = [];

    private FeatureHost(Mesh mesh, TestData data, FakeEngine engine) => (Mesh, this.data, Engine) = (mesh, data, engine);

    public Mesh Mesh { get; }

    public FakeEngine Engine { get; }

    public string DataDirectory => data.Root;

    public Contract.FeatureServiceClient Client => new(Channel(MeshTopology.Features));

    /// <summary>Starts with the models `tiny` (default, 12 channels, adapter `tuned`) and `wide` (24 channels).</summary>
    public static async Task<FeatureHost> StartAsync(
        IReadOnlyList<IMeshModule>? others = null, Action<IServiceCollection>? services = null, params (string Key, string Value)[] settings)
    {
        var data = new TestData();
        data.AddModel("tiny");
        data.AddModel("wide", width: 24);
        data.AddAdapter("tuned", "tiny");
        var engine = new FakeEngine();
        Mesh mesh = await Mesh.StartAsync(
            Settings([("CorrMesh:Data:Directory", data.Root), ("CorrMesh:Features:DefaultModel", "tiny"), .. settings]),
            [new FeaturesModule(), .. others ?? []],
            services: collection =>
            {
                collection.AddSingleton<IFeatureEngine>(engine);
                services?.Invoke(collection);
            },
            cancellationToken: TestContext.Current.CancellationToken);
        engine.Reset();
        return new FeatureHost(mesh, data, engine);
    }

    public static Task<FeatureHost> StartAsync(params (string Key, string Value)[] settings) => StartAsync(null, null, settings);

    public static IConfiguration Settings(params (string Key, string Value)[] settings) => new ConfigurationBuilder()
        .AddInMemoryCollection([new("CorrMesh:Listen:PortBase", "0"), new("CorrMesh:Listen:HttpPort", "0"), new("CorrMesh:Listen:GrpcPort", "0"), new("CorrMesh:Retry:Retries", "0")])
        .AddInMemoryCollection(settings.Select(setting => new KeyValuePair<string, string?>(setting.Key, setting.Value)))
        .Build();

    public T ServiceOf<T>(string module = MeshTopology.Features)
        where T : notnull => Mesh.ServicesOf(module).GetRequiredService<T>();

    public GrpcChannel Channel(string module)
    {
        Uri address = Mesh.Endpoints.First(endpoint => endpoint.Service == module).Grpc;
        channels.Add(GrpcChannel.ForAddress(address, new GrpcChannelOptions { MaxReceiveMessageSize = null, MaxSendMessageSize = null }));
        return channels[^1];
    }

    public async ValueTask DisposeAsync()
    {
        Engine.Release();
        foreach (GrpcChannel channel in channels) channel.Dispose();
        await Mesh.DisposeAsync();
        data.Dispose();
    }
}

internal static class CallExtensions
{
    /// <summary>Asserts that a call fails with a code, blaming exactly one field when one is named.</summary>
    public static async Task<RpcException> FailsAsync<T>(this AsyncUnaryCall<T> call, StatusCode code, string? field = null)
    {
        var error = await Assert.ThrowsAsync<RpcException>(() => call.ResponseAsync);
        Assert.True(code == error.StatusCode, error.ToString());
        if (field is not null) Assert.Equal([field], error.FieldViolations().Select(violation => violation.Field));
        return error;
    }
}
