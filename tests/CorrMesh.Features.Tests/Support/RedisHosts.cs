using CorrMesh.Features.Store;
using CorrMesh.Protos.Common.V1;
using CorrMesh.Protos.Features.V1;
using CorrMesh.TestKit;
using Xunit;

namespace CorrMesh.Features.Tests.Support;

/// <summary>Features services with a Redis, and what tests of them ask and wait for.</summary>
internal static class RedisHosts
{
    /// <summary>Event ids of the log.</summary>
    public const int Lost = 2010, Back = 2011, Refuses = 2012, Accepts = 2013;

    private static CancellationToken Test => TestContext.Current.CancellationToken;

    public static (string Key, string Value)[] Settings(string address) => [("CorrMesh:Redis:Address", address)];

    /// <summary>A features service that has found the server.</summary>
    public static async Task<FeatureHost> StartAsync(RedisServer redis, params (string Key, string Value)[] settings)
    {
        FeatureHost host = await FeatureHost.StartAsync([.. Settings(redis.Address), .. settings]);
        await UpAsync(host);
        return host;
    }

    public static Task UpAsync(FeatureHost host) => Eventually.HoldsAsync(() => Statistics(host).Redis == RedisState.Up, "Redis is found");

    public static FeatureStoreStatistics Statistics(FeatureHost host) =>
        FeatureStoreStatistics.Of(host.ServiceOf<FeatureStore>(), host.ServiceOf<RedisTier>(), host.ServiceOf<FeatureMetrics>());

    public static async Task<ExtractFeaturesResponse> ExtractAsync(FeatureHost host, int seed, string adapter = "") => await host.Client.ExtractFeaturesAsync(
        new ExtractFeaturesRequest { Source = Make.Source(96, 64, seed), Spec = new FeatureSpec { Adapter = adapter }, ReturnValues = DataType.F32 }, cancellationToken: Test);

    /// <summary>What a service without any cache answers: the network's map, through fp16.</summary>
    public static Google.Protobuf.ByteString Expected(int seed) => WireTensors.Encode(Make.Map(96, 64, seed).Map.Values, DataType.F32, 10, 16, 12)!.Data;

    /// <summary>Where the server keeps an answer's map.</summary>
    public static string NameOf(ExtractFeaturesResponse response) => "corrmesh:map:" + response.Reference.FeaturesKey;

    public static Task WrittenAsync(RedisServer redis, ExtractFeaturesResponse response) =>
        Eventually.HoldsAsync(() => redis.Text("EXISTS", NameOf(response)) == "1", "the map is written");
}
