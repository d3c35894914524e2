using CorrMesh.Features.Tests.Support;
using CorrMesh.Hosting.Errors;
using CorrMesh.Hosting.Health;
using CorrMesh.Protos.Common.V1;
using CorrMesh.Protos.Features.V1;
using CorrMesh.TestKit;
using Google.Protobuf;
using Grpc.Core;
using Xunit;

namespace CorrMesh.Features.Tests;

/// <summary>Every call that cannot be answered: the code, and the field that is to blame.</summary>
public sealed class FeatureServiceErrorTests
{
    private static readonly string Unknown = new('e', 64);

    private static CancellationToken Test => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AnyCall_BadFields_AreNamedBeforeAnythingIsComputed()
    {
        await using FeatureHost host = await FeatureHost.StartAsync();
        AsyncUnaryCall<ExtractFeaturesResponse> Extract(ExtractFeaturesRequest request) => host.Client.ExtractFeaturesAsync(request, cancellationToken: Test);
        AsyncUnaryCall<SampleDescriptorsResponse> Sample(SampleDescriptorsRequest request) => host.Client.SampleDescriptorsAsync(request, cancellationToken: Test);
        AsyncUnaryCall<CorrelateDescriptorsResponse> Correlate(CorrelateDescriptorsRequest request) => host.Client.CorrelateDescriptorsAsync(request, cancellationToken: Test);
        AsyncUnaryCall<MatchDescriptorSetsResponse> Match(MatchDescriptorSetsRequest request) => host.Client.MatchDescriptorSetsAsync(request, cancellationToken: Test);
        AsyncUnaryCall<RenderFeaturesResponse> Render(RenderFeaturesRequest request) => host.Client.RenderFeaturesAsync(request, cancellationToken: Test);
        var image = Make.Source();
        var set = new DescriptorSet { Values = WireTensors.Encode(new float[12], DataType.F32, 1, 12) };
        const StatusCode invalid = StatusCode.InvalidArgument;

        await Extract(new()).FailsAsync(invalid, "source");
        await Extract(new() { Source = new FeatureSource() }).FailsAsync(invalid, "source");
        await Extract(new() { Source = new FeatureSource { Image = new Image() } }).FailsAsync(invalid, "source.image");
        await Extract(new() { Source = Make.Source([]) }).FailsAsync(invalid, "source.image.encoded");
        await Extract(new() { Source = image, ReturnValues = (DataType)7 }).FailsAsync(invalid, "return_values");
        await Extract(new() { Source = image, Spec = new FeatureSpec { Tokens = 7 } }).FailsAsync(invalid, "spec.tokens");
        await Extract(new() { Source = Make.Key("short") }).FailsAsync(invalid, "source.features_key");
        await Extract(new() { Source = Make.Key(Unknown), Spec = new FeatureSpec { Tokens = 16 } }).FailsAsync(invalid, "spec");
        await Extract(new() { Source = image, Spec = new FeatureSpec { Model = "nothing" } }).FailsAsync(StatusCode.NotFound, "model");
        await Extract(new() { Source = image, Spec = new FeatureSpec { Adapter = "nothing" } }).FailsAsync(StatusCode.NotFound, "adapter");
        await Sample(new() { Source = image }).FailsAsync(invalid, "selection");
        await Sample(new() { Source = image, Selection = Make.Points() }).FailsAsync(invalid, "selection.points");
        await Sample(new() { Source = image, Selection = Make.Grid(129, 128) }).FailsAsync(invalid, "selection.grid");
        await Sample(new() { Source = image, Selection = Make.Points([.. Enumerable.Repeat((1.0, 1.0), 16_385)]) }).FailsAsync(invalid, "selection.points");
        await Correlate(new() { Target = image }).FailsAsync(invalid, "descriptors");
        await Correlate(new() { Descriptors = new DescriptorSet { Values = new Tensor() }, Target = image }).FailsAsync(invalid, "descriptors.values.data_type");
        await Correlate(new() { Descriptors = new DescriptorSet { DescriptorSetKey = "short" }, Target = image }).FailsAsync(invalid, "descriptors.descriptor_set_key");
        await Correlate(new() { Descriptors = set }).FailsAsync(invalid, "target");
        await Correlate(new() { Descriptors = set, Target = image, TopK = 65 }).FailsAsync(invalid, "top_k");
        await Correlate(new() { Descriptors = set, Target = image, TopK = 2, SoftArgMax = new SoftArgMax() }).FailsAsync(invalid, "top_k");
        foreach (double number in new[] { -1, double.NaN, double.PositiveInfinity })
        {
            await Correlate(new() { Descriptors = set, Target = image, SoftArgMax = new SoftArgMax { RadiusPx = number } }).FailsAsync(invalid, "soft_arg_max.radius_px");
            await Correlate(new() { Descriptors = set, Target = image, MinSeparationPx = number }).FailsAsync(invalid, "min_separation_px");
        }

        await Correlate(new()
        {
            Descriptors = new DescriptorSet { Values = WireTensors.Encode(new float[17 * 12], DataType.F32, 17, 12) }, Target = image, ReturnHeatmaps = true,
        }).FailsAsync(invalid, "return_heatmaps");
        await Match(new() { Target = image }).FailsAsync(invalid, "descriptors");
        await Match(new() { Descriptors = set, Target = image, TargetGrid = new Grid { Columns = 0, Rows = 4 } }).FailsAsync(invalid, "target_grid");
        await Render(new()).FailsAsync(invalid, "sources");
        await Render(new() { Sources = { Enumerable.Repeat(image, 17) } }).FailsAsync(invalid, "sources");
        await Render(new() { Sources = { image }, LongSidePx = 2049 }).FailsAsync(invalid, "long_side_px");
        await Render(new() { Sources = { Make.Key(Unknown) }, Spec = new FeatureSpec { Tokens = 16 } }).FailsAsync(invalid, "spec");
        Assert.Equal(0, host.Engine.ImageCount);

        await Correlate(new() { Descriptors = new DescriptorSet { Values = WireTensors.Encode(new float[24], DataType.F32, 1, 24) }, Target = image }).FailsAsync(invalid, "descriptors");
        await Render(new() { Sources = { image, Make.Key((await Extract(new() { Source = image, Spec = new FeatureSpec { Model = "wide" } })).Reference.FeaturesKey) } }).FailsAsync(invalid, "sources[1]");
        await Sample(new() { Source = image, Selection = Make.Points((1, 1), (96, 1)) }).FailsAsync(invalid, "selection.points.points[1].x");
    }

    [Fact]
    public async Task AnyCall_KeyThatIsGone_IsFeaturesExpiredAndNamesIt()
    {
        await using FeatureHost host = await FeatureHost.StartAsync();
        RpcException map = await host.Client.ExtractFeaturesAsync(new ExtractFeaturesRequest { Source = Make.Key(Unknown) }, cancellationToken: Test)
            .FailsAsync(StatusCode.FailedPrecondition, "source.features_key");
        RpcException set = await host.Client.CorrelateDescriptorsAsync(
            new CorrelateDescriptorsRequest { Descriptors = new DescriptorSet { DescriptorSetKey = Unknown }, Target = Make.Source() }, cancellationToken: Test)
            .FailsAsync(StatusCode.FailedPrecondition, "descriptors.descriptor_set_key");
        Assert.True(map.IsFeaturesExpired() && set.IsFeaturesExpired());
    }

    // Goal: the store is a bound, and a map that went comes back by its image. Method: a store of 1 MiB and more pictures than fit.
    [Fact]
    public async Task ExtractFeatures_SmallStore_OldKeysExpireAndTheBoundHolds()
    {
        await using FeatureHost host = await FeatureHost.StartAsync(("CorrMesh:Features:StoreBytes", $"{1 << 20}"));
        var store = host.ServiceOf<Features.Store.FeatureStore>();
        async Task<string> Extract(int seed) => (await host.Client.ExtractFeaturesAsync(
            new ExtractFeaturesRequest { Source = Make.Source(seed: seed), Spec = new FeatureSpec { Tokens = 40 } }, cancellationToken: Test)).Reference.FeaturesKey;
        string first = await Extract(0);
        for (int seed = 1; seed < 12; seed++)
        {
            await Extract(seed);
            Assert.InRange(store.SizeBytes, 1, 1 << 20);
        }

        Assert.True((await host.Client.ExtractFeaturesAsync(new ExtractFeaturesRequest { Source = Make.Key(first) }, cancellationToken: Test)
            .FailsAsync(StatusCode.FailedPrecondition, "source.features_key")).IsFeaturesExpired());
        Assert.Equal(first, await Extract(0));
        Assert.Equal(13, host.Engine.ImageCount);
    }

    // Goal: a file that two requests send at once, in different fields, is blamed in the field of each. Method: one damaged file twice in one render.
    [Fact]
    public async Task RenderFeatures_DamagedFileSharedByRequests_IsNamedByEachCallersOwnField()
    {
        await using FeatureHost host = await FeatureHost.StartAsync();
        byte[] damaged = Make.Png(400, 300)[..20_000];
        Task<RpcException>[] calls =
        [
            .. Enumerable.Range(0, 10).Select(i => i % 2 == 0
                ? host.Client.ExtractFeaturesAsync(new ExtractFeaturesRequest { Source = Make.Source(damaged) }, cancellationToken: Test).FailsAsync(StatusCode.InvalidArgument, "source.image.encoded")
                : host.Client.RenderFeaturesAsync(new RenderFeaturesRequest { Sources = { Make.Source(), Make.Source(damaged) } }, cancellationToken: Test)
                    .FailsAsync(StatusCode.InvalidArgument, "sources[1].image.encoded")),
        ];
        Assert.All(await Task.WhenAll(calls), error => Assert.Contains("image.encoded: ", error.Status.Detail, StringComparison.Ordinal));
    }

    [Fact]
    public async Task ExtractFeatures_FullQueue_IsResourceExhaustedWithRetryInfo()
    {
        await using FeatureHost host = await FeatureHost.StartAsync(("CorrMesh:Limits:QueueLength", "2"), ("CorrMesh:Features:BatchCount", "1"));
        host.Engine.Hold();
        Task<ExtractFeaturesResponse> running = Extract(0).ResponseAsync;
        await host.Engine.LaunchedAsync();
        Task<ExtractFeaturesResponse> waiting = Extract(1).ResponseAsync;
        var queue = host.ServiceOf<Features.Execution.FeatureQueue>();
        while (queue.Count < 2) await Task.Yield();

        RpcException refused = await Extract(2).FailsAsync(StatusCode.ResourceExhausted);
        Assert.Equal(QueueFullException.Reason, refused.ErrorReason());
        Assert.True(refused.RetryDelay() > TimeSpan.Zero);
        host.Engine.Release();
        await Task.WhenAll(running, waiting);
        await Extract(2);

        AsyncUnaryCall<ExtractFeaturesResponse> Extract(int seed) => host.Client.ExtractFeaturesAsync(new ExtractFeaturesRequest { Source = Make.Source(seed: seed) }, cancellationToken: Test);
    }

    // Goal: a deadline reaches the queue: what waits past it is never launched. Method: one request held on the device, one behind it with a short deadline.
    [Fact]
    public async Task ExtractFeatures_DeadlinePassesInTheQueue_IsDeadlineExceededAndNeverLaunched()
    {
        await using FeatureHost host = await FeatureHost.StartAsync(("CorrMesh:Features:BatchCount", "1"));
        host.Engine.Hold();
        Task<ExtractFeaturesResponse> running = host.Client.ExtractFeaturesAsync(new ExtractFeaturesRequest { Source = Make.Source() }, cancellationToken: Test).ResponseAsync;
        await host.Engine.LaunchedAsync();
        await host.Client.ExtractFeaturesAsync(new ExtractFeaturesRequest { Source = Make.Source(seed: 2) }, deadline: DateTime.UtcNow.AddSeconds(0.5), cancellationToken: Test)
            .FailsAsync(StatusCode.DeadlineExceeded);
        var queue = host.ServiceOf<Features.Execution.FeatureQueue>();
        while (queue.Count > 1) await Task.Yield();
        host.Engine.Release();
        await running;
        await host.Client.ExtractFeaturesAsync(new ExtractFeaturesRequest { Source = Make.Source(seed: 3) }, cancellationToken: Test);
        Assert.Equal(2, host.Engine.ImageCount);
    }

    [Fact]
    public async Task ExtractFeatures_EngineFails_IsInternalWithoutItsWords()
    {
        await using FeatureHost host = await FeatureHost.StartAsync();
        host.Engine.Failure = new InvalidDataException("/secret/path is damaged");
        RpcException error = await host.Client.ExtractFeaturesAsync(new ExtractFeaturesRequest { Source = Make.Source() }, cancellationToken: Test).FailsAsync(StatusCode.Internal);
        Assert.DoesNotContain("secret", error.ToString(), StringComparison.Ordinal);
    }

    // Goal: at most 63 MiB of values in a reply; past that the field is named and F16 helps. Method: a wide model and a fine grid, just past the limit in F32.
    [Fact]
    public async Task SampleDescriptors_MoreValuesThanAMessage_AreRefusedAndFitInF16()
    {
        await using FeatureHost host = await FeatureHost.StartAsync(("CorrMesh:Limits:MessageBytes", $"{1 << 20}"), ("CorrMesh:Limits:EncodedBytes", $"{1 << 19}"));
        var request = new SampleDescriptorsRequest { Source = Make.Source(), Selection = Make.Grid(128, 128), ReturnValues = DataType.F32 };
        Assert.Equal(16_384 * 12 * 4, (1 << 20) - (1 << 18));   // exactly what is left for values
        Assert.Equal(16_384, (await host.Client.SampleDescriptorsAsync(request, cancellationToken: Test)).Points.Count);
        request.Spec = new FeatureSpec { Model = "wide" };
        await host.Client.SampleDescriptorsAsync(request, cancellationToken: Test).FailsAsync(StatusCode.InvalidArgument, "return_values");
        request.ReturnValues = DataType.F16;
        Assert.Equal(16_384 * 24 * 2, (await host.Client.SampleDescriptorsAsync(request, cancellationToken: Test)).Values.Data.Length);
    }
}
