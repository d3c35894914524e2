using CorrMesh.Features.Tests.Support;
using CorrMesh.Hosting;
using CorrMesh.Hosting.Errors;
using CorrMesh.Protos.Common.V1;
using CorrMesh.Protos.Features.V1;
using CorrMesh.Protos.Matching.V1;
using CorrMesh.Vision.Features;
using CorrMesh.Vision.Images;
using CorrMesh.Vision.Similarity;
using Grpc.Core;
using Xunit;
using Contract = CorrMesh.Protos.Matching.V1.MatchingService;

namespace CorrMesh.Matching.Tests;

/// <summary>Matching in front of a real features service, over gRPC on the loopback.</summary>
public sealed class MatchingServiceTests
{
    private static CancellationToken Test => TestContext.Current.CancellationToken;

    [Fact]
    public async Task MatchKeypoints_IdenticalImages_MatchOntoThemselves()
    {
        await using FeatureHost host = await StartAsync();
        (double X, double Y)[] points = [(20, 20), (50, 33), (77, 41)];
        MatchKeypointsResponse response = await Client(host).MatchKeypointsAsync(
            new MatchKeypointsRequest { Source = Make.Source(), Target = Make.Source(), Selection = Make.Points(points) }, cancellationToken: Test);
        Assert.Equal(points, response.Matches.Select(m => (m.Source.X, m.Source.Y)));
        Assert.Equal(points, response.Matches.Select(m => (m.Target.X, m.Target.Y)));
        Assert.All(response.Matches, match => Assert.Equal((0, true), (match.CycleErrorPx, match.Visible)));
        Assert.All(response.Matches, match => Assert.InRange(match.Similarity, 1 - 1e-5, 1));
        Assert.Equal(response.Source, response.Target);
        Assert.Equal(1, host.Engine.ImageCount);
        Assert.True(response.Timings.DecodeNs > 0 && response.Timings.ComputeNs > 0 && response.Timings.TotalNs > 0);
    }

    // Goal: match, similarity, cycle error and visible are what the contract says, for visible points and for others. Method: the way there and back by the core search.
    [Fact]
    public async Task MatchKeypoints_OtherImages_AreThereAndBackByTheContract()
    {
        await using FeatureHost host = await StartAsync();
        FeatureMap source = Make.Map(96, 64, 1).Map, target = Make.Map(120, 80, 2).Map;
        TokenGram sourceGram = TokenGram.Create(source), targetGram = TokenGram.Create(target);
        MatchKeypointsResponse response = await Client(host).MatchKeypointsAsync(
            new MatchKeypointsRequest { Source = Make.Source(96, 64, 1), Target = Make.Source(120, 80, 2), Selection = Make.Grid(12, 8) }, cancellationToken: Test);

        Assert.Equal(96, response.Matches.Count);
        double step = Math.Max(response.Source.Grid.StepXPx, response.Source.Grid.StepYPx);
        foreach (KeypointMatch match in response.Matches)
        {
            PixelMatch there = BestPosition.Find(targetGram, KeypointSampler.Sample(source, [(float)match.Source.X + 0.5f, (float)match.Source.Y + 0.5f], normalise: true))[0];
            PixelMatch back = BestPosition.Find(sourceGram, KeypointSampler.Sample(target, [there.X + 0.5f, there.Y + 0.5f], normalise: true))[0];
            Assert.Equal((there.X, there.Y), (match.Target.X, match.Target.Y));
            Assert.Equal(there.Score, match.Similarity, 1e-6);
            double cycle = Math.Sqrt(Math.Pow(match.Source.X - back.X, 2) + Math.Pow(match.Source.Y - back.Y, 2));
            Assert.Equal(cycle, match.CycleErrorPx, 1e-9);
            Assert.Equal(cycle <= 1.5 * step, match.Visible);
        }

        Assert.Contains(response.Matches, match => match.Visible);
        Assert.Contains(response.Matches, match => !match.Visible);
        Assert.Equal((96u, 120u), (response.Source.ImageSize.Width, response.Target.ImageSize.Width));
    }

    // Goal: mutual pairs do not depend on which image comes first. Method: dense matching both ways round.
    [Fact]
    public async Task MatchDense_SwappedImages_GiveTheSamePairs()
    {
        await using FeatureHost host = await StartAsync();
        async Task<MatchDenseResponse> Match(int first, int second) => await Client(host).MatchDenseAsync(
            new MatchDenseRequest { Source = Make.Source(seed: first), Target = Make.Source(seed: second), GridStepPx = 9 }, cancellationToken: Test);
        MatchDenseResponse one = await Match(1, 2), other = await Match(2, 1);
        Assert.NotEmpty(one.Matches);
        Assert.Equal(
            one.Matches.Select(m => (m.Source.X, m.Source.Y, m.Target.X, m.Target.Y)).Order(),
            other.Matches.Select(m => (m.Target.X, m.Target.Y, m.Source.X, m.Source.Y)).Order());
    }

    [Fact]
    public async Task MatchDense_IdenticalImages_MatchEveryCellOntoItself()
    {
        await using FeatureHost host = await StartAsync();
        foreach ((double step, int count) in new[] { (0.0, 160), (16, 24), (500, 1), (1, 96 * 64) })
        {
            MatchDenseResponse response = await Client(host).MatchDenseAsync(new MatchDenseRequest { Source = Make.Source(), Target = Make.Source(), GridStepPx = step }, cancellationToken: Test);
            if (step != 1) Assert.Equal(count, response.Matches.Count);
            Assert.InRange(response.Matches.Count, 1, count);   // at one pixel, cells beyond the outermost tokens are alike
            Assert.All(response.Matches, match => Assert.Equal(match.Source, match.Target));
            Assert.All(response.Matches, match => Assert.True(match.Mutual && match.Similarity > 1 - 1e-5));
            Assert.Equal(response.Matches.OrderBy(m => m.Source.Y).ThenBy(m => m.Source.X), response.Matches);
        }
    }

    [Fact]
    public async Task MatchDense_OneWay_AddsEveryCellOfTheSource()
    {
        await using FeatureHost host = await StartAsync();
        var request = new MatchDenseRequest { Source = Make.Source(seed: 1), Target = Make.Source(seed: 2), GridStepPx = 8, IncludeOneWay = true };
        MatchDenseResponse all = await Client(host).MatchDenseAsync(request, cancellationToken: Test);
        request.IncludeOneWay = false;
        MatchDenseResponse mutual = await Client(host).MatchDenseAsync(request, cancellationToken: Test);
        Assert.Equal(96, all.Matches.Count);
        Assert.Equal(all.Matches.Where(match => match.Mutual), mutual.Matches);
        Assert.InRange(mutual.Matches.Count, 1, 95);
    }

    // Goal: with a region of interest the grid keeps its step, in pixels of the whole image.
    [Fact]
    public async Task MatchDense_RegionOfInterest_KeepsTheStep()
    {
        await using FeatureHost host = await StartAsync();
        MatchDenseResponse response = await Client(host).MatchDenseAsync(
            new MatchDenseRequest
            {
                Source = Make.Source(),
                Target = Make.Source(),
                GridStepPx = 8,
                Spec = new FeatureSpec { RegionOfInterest = new Rectangle { X = 20, Y = 10, Width = 48, Height = 32 } },
            }, cancellationToken: Test);
        Assert.Equal([.. Enumerable.Range(0, 24).Select(i => (23.5 + i % 6 * 8, 13.5 + i / 6 * 8))], response.Matches.Select(m => (m.Source.X, m.Source.Y)));

        // A key stands for the map with its region, though the request has no spec.
        var byKey = new MatchDenseRequest
        {
            Source = new FeatureSource { FeaturesKey = response.Source.FeaturesKey },
            Target = new FeatureSource { FeaturesKey = response.Target.FeaturesKey },
            GridStepPx = 8,
        };
        Assert.Equal(response.Matches, (await Client(host).MatchDenseAsync(byKey, cancellationToken: Test)).Matches);
    }

    [Fact]
    public async Task Heatmap_APoint_IsThePictureAndTheBestOfCorrelation()
    {
        await using FeatureHost host = await StartAsync();
        HeatmapResponse response = await Client(host).HeatmapAsync(
            new HeatmapRequest { Source = Make.Source(96, 64), Target = Make.Source(60, 90, 2), Point = new Point { X = 30.5, Y = 20 } }, cancellationToken: Test);
        KeypointMatch match = (await Client(host).MatchKeypointsAsync(
            new MatchKeypointsRequest { Source = Make.Source(96, 64), Target = Make.Source(60, 90, 2), Selection = Make.Points((30.5, 20)) }, cancellationToken: Test)).Matches[0];
        Assert.Equal((match.Target, match.Similarity), (response.Best, response.Similarity));
        RgbImage picture = ImageDecoder.Decode(response.Png.Span);
        Assert.Equal((60, 90), (picture.Width, picture.Height));
    }

    // Goal: errors speak of the caller's own fields. Method: one fault at a time in each place.
    [Fact]
    public async Task AnyCall_BadFields_AreNamedAsInTheRequest()
    {
        await using FeatureHost host = await StartAsync();
        Contract.MatchingServiceClient client = Client(host);
        FeatureSource good = Make.Source(), bad = Make.Source("no picture"u8.ToArray());
        string known = (await host.Client.ExtractFeaturesAsync(new ExtractFeaturesRequest { Source = good }, cancellationToken: Test)).Reference.FeaturesKey;
        string other = (await host.Client.ExtractFeaturesAsync(new ExtractFeaturesRequest { Source = good, Spec = new FeatureSpec { Adapter = "tuned" } }, cancellationToken: Test)).Reference.FeaturesKey;
        PointSelection points = Make.Points((1, 1));
        const StatusCode invalid = StatusCode.InvalidArgument;
        AsyncUnaryCall<MatchKeypointsResponse> Keypoints(FeatureSource? source, FeatureSource? target, PointSelection? selection, FeatureSpec? spec = null) =>
            client.MatchKeypointsAsync(new MatchKeypointsRequest { Source = source, Target = target, Selection = selection, Spec = spec }, cancellationToken: Test);
        AsyncUnaryCall<MatchDenseResponse> Dense(FeatureSource? source, FeatureSource? target, double step = 0, FeatureSpec? spec = null) =>
            client.MatchDenseAsync(new MatchDenseRequest { Source = source, Target = target, GridStepPx = step, Spec = spec }, cancellationToken: Test);
        AsyncUnaryCall<HeatmapResponse> Heat(FeatureSource? source, FeatureSource? target, Point? point, FeatureSpec? spec = null) =>
            client.HeatmapAsync(new HeatmapRequest { Source = source, Target = target, Point = point, Spec = spec }, cancellationToken: Test);

        await Keypoints(null, good, points).FailsAsync(invalid, "source");
        await Keypoints(good, null, points).FailsAsync(invalid, "target");
        await Keypoints(bad, good, points).FailsAsync(invalid, "source.image.encoded");
        RpcException target = await Keypoints(good, bad, points).FailsAsync(invalid, "target.image.encoded");
        Assert.StartsWith("target.image.encoded: ", target.Status.Detail, StringComparison.Ordinal);
        await Keypoints(good, good, null).FailsAsync(invalid, "selection");
        await Keypoints(good, good, Make.Points((1, 1), (96, 1))).FailsAsync(invalid, "selection.points.points[1].x");
        await Keypoints(good, good, points, new FeatureSpec { Tokens = 7 }).FailsAsync(invalid, "spec.tokens");
        await Keypoints(good, good, points, new FeatureSpec { Model = "nothing" }).FailsAsync(StatusCode.NotFound, "model");
        await Keypoints(Make.Key(known), Make.Key(known), points, new FeatureSpec { Tokens = 16 }).FailsAsync(invalid, "spec");
        await Keypoints(Make.Key(known), Make.Key(other), points).FailsAsync(invalid, "target");
        await Keypoints(Make.Key(known), good, points, new FeatureSpec { Model = "wide" }).FailsAsync(invalid, "target");
        await Dense(null, good).FailsAsync(invalid, "source");
        await Dense(good, bad).FailsAsync(invalid, "target.image.encoded");
        foreach (double step in new[] { -1, 0.5, double.NaN, double.PositiveInfinity }) await Dense(good, good, step).FailsAsync(invalid, "grid_step_px");
        await Dense(Make.Source(200, 100), Make.Source(200, 100), 1).FailsAsync(invalid, "grid_step_px");
        await Dense(Make.Source(64, 64), good, 0, new FeatureSpec { Tokens = 129 }).FailsAsync(invalid, "grid_step_px");
        await Dense(Make.Key(known), Make.Key(known), 0, new FeatureSpec { Tokens = 16 }).FailsAsync(invalid, "spec");
        await Dense(Make.Key(known), Make.Key(other)).FailsAsync(invalid, "target");
        await Heat(good, good, null).FailsAsync(invalid, "point");
        await Heat(good, good, new Point { X = double.NaN }).FailsAsync(invalid, "point.x");
        await Heat(good, good, new Point { Y = 64 }).FailsAsync(invalid, "point.y");
        await Heat(good, bad, new Point()).FailsAsync(invalid, "target.image.encoded");
        await Heat(Make.Key(known), Make.Key(other), new Point()).FailsAsync(invalid, "target");
    }

    // Goal: keys that matching itself uses between its calls may go at any time, and nobody notices. Method: a store of 1 MiB and maps larger than that, which are never kept.
    [Fact]
    public async Task AnyCall_MapsEvictedBetweenItsCalls_AreAnsweredAllTheSame()
    {
        await using FeatureHost small = await StartAsync(("CorrMesh:Features:StoreBytes", $"{1 << 20}")), large = await StartAsync();
        var spec = new FeatureSpec { Tokens = 160 };
        var keypoints = new MatchKeypointsRequest { Source = Make.Source(seed: 1), Target = Make.Source(seed: 2), Selection = Make.Grid(5, 5), Spec = spec };
        var dense = new MatchDenseRequest { Source = Make.Source(seed: 1), Target = Make.Source(seed: 2), Spec = spec, GridStepPx = 8 };
        var heat = new HeatmapRequest { Source = Make.Source(seed: 1), Target = Make.Source(seed: 2), Spec = spec, Point = new Point { X = 30, Y = 30 } };
        Assert.Equal(
            (await Client(large).MatchKeypointsAsync(keypoints, cancellationToken: Test)).Matches, (await Client(small).MatchKeypointsAsync(keypoints, cancellationToken: Test)).Matches);
        Assert.Equal((await Client(large).MatchDenseAsync(dense, cancellationToken: Test)).Matches, (await Client(small).MatchDenseAsync(dense, cancellationToken: Test)).Matches);
        Assert.Equal((await Client(large).HeatmapAsync(heat, cancellationToken: Test)).Best, (await Client(small).HeatmapAsync(heat, cancellationToken: Test)).Best);
        Assert.Equal(2, large.Engine.ImageCount);
        Assert.True(small.Engine.ImageCount > 2);
    }

    [Fact]
    public async Task AnyCall_CallersOwnKeyIsGone_IsReportedWithItsField()
    {
        await using FeatureHost host = await StartAsync();
        string gone = new('e', 64);
        RpcException source = await Client(host).MatchKeypointsAsync(
            new MatchKeypointsRequest { Source = Make.Key(gone), Target = Make.Source(), Selection = Make.Points((1, 1)) }, cancellationToken: Test)
            .FailsAsync(StatusCode.FailedPrecondition, "source.features_key");
        RpcException target = await Client(host).HeatmapAsync(new HeatmapRequest { Source = Make.Source(), Target = Make.Key(gone), Point = new Point() }, cancellationToken: Test)
            .FailsAsync(StatusCode.FailedPrecondition, "target.features_key");
        Assert.True(source.IsFeaturesExpired() && target.IsFeaturesExpired());
    }

    // Goal: a full queue reaches the caller with its advice, through matching. Method: one place, held.
    [Fact]
    public async Task MatchKeypoints_FullQueue_IsResourceExhaustedWithRetryInfo()
    {
        await using FeatureHost host = await StartAsync(("CorrMesh:Limits:QueueLength", "1"));
        host.Engine.Hold();
        Task<ExtractFeaturesResponse> held = host.Client.ExtractFeaturesAsync(new ExtractFeaturesRequest { Source = Make.Source(seed: 9) }, cancellationToken: Test).ResponseAsync;
        await host.Engine.LaunchedAsync();
        RpcException error = await Client(host).MatchKeypointsAsync(
            new MatchKeypointsRequest { Source = Make.Source(seed: 1), Target = Make.Source(seed: 2), Selection = Make.Points((1, 1)) }, cancellationToken: Test)
            .FailsAsync(StatusCode.ResourceExhausted);
        Assert.Equal(QueueFullException.Reason, error.ErrorReason());
        Assert.True(error.RetryDelay() > TimeSpan.Zero);
        host.Engine.Release();
        await held;
    }

    private static Task<FeatureHost> StartAsync(params (string Key, string Value)[] settings) => FeatureHost.StartAsync([new MatchingModule()], null, settings);

    private static Contract.MatchingServiceClient Client(FeatureHost host) => new(host.Channel(MeshTopology.Matching));
}
