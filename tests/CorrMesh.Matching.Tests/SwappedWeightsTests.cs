using CorrMesh.Features.Tests.Support;
using CorrMesh.Hosting.Errors;
using CorrMesh.Protos.Common.V1;
using CorrMesh.Protos.Features.V1;
using CorrMesh.Protos.Matching.V1;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Grpc.Core;
using Xunit;
using Status = Google.Rpc.Status;

namespace CorrMesh.Matching.Tests;

/// <summary>An adapter takes over a name while a match is made of several calls.</summary>
public sealed class SwappedWeightsTests
{
    // Goal: no match mixes weights, whichever two calls the swap falls between. Method: a features service that keeps no maps, so that matching must send images again
    // and again, and whose weights change after N calls; it answers 1 where descriptors and map are of one content, and -1 where they are not.
    [Theory]
    [MemberData(nameof(Calls))]
    public async Task Match_SwapAfterAnyCall_IsOfOneContent(int calls)
    {
        MatchKeypointsResponse keypoints = await Matcher(calls).MatchKeypointsAsync(Make.Points((1, 1)));
        Assert.Equal((1, 0), (keypoints.Matches[0].Similarity, keypoints.Matches[0].CycleErrorPx));
        Assert.Equal(keypoints.Source.Identity, keypoints.Target.Identity);
        MatchDenseResponse dense = await Matcher(calls).MatchDenseAsync(gridStepPx: 1, includeOneWay: false, maxPoints: 1);
        Assert.Equal(1, dense.Matches[0].Similarity);
        Assert.Equal(dense.Source.Identity, dense.Target.Identity);
        HeatmapResponse heatmap = await Matcher(calls).HeatmapAsync(new Point { X = 1, Y = 1 });
        Assert.Equal(1, heatmap.Similarity);
        Assert.Equal(heatmap.Source.Identity, heatmap.Target.Identity);
    }

    public static IEnumerable<TheoryDataRow<int>> Calls => Enumerable.Range(0, 12).Select(calls => new TheoryDataRow<int>(calls));

    private static ImageMatcher Matcher(int calls) => new(
        new FeatureCalls(new Swapping(calls), new Hosting.RequestTimer(), TestContext.Current.CancellationToken), Make.Source(seed: 1), Make.Source(seed: 2), new FeatureSpec { Adapter = "tuned" });

    private sealed class Swapping(int swapAfter) : FeatureService.FeatureServiceClient
    {
        private int calls;

        private string Digest => Interlocked.Increment(ref calls) > swapAfter ? "new" : "old";

        public override AsyncUnaryCall<ExtractFeaturesResponse> ExtractFeaturesAsync(
            ExtractFeaturesRequest request, Metadata? headers = null, DateTime? deadline = null, CancellationToken cancellationToken = default) =>
            Answer(request.Source, digest => new ExtractFeaturesResponse { Reference = Reference(digest), Timings = new Timings() });

        public override AsyncUnaryCall<SampleDescriptorsResponse> SampleDescriptorsAsync(
            SampleDescriptorsRequest request, Metadata? headers = null, DateTime? deadline = null, CancellationToken cancellationToken = default) =>
            Answer(request.Source, digest => new SampleDescriptorsResponse { Reference = Reference(digest), Values = Values(digest), Points = { new Point { X = 1, Y = 1 } }, Timings = new Timings() });

        public override AsyncUnaryCall<CorrelateDescriptorsResponse> CorrelateDescriptorsAsync(
            CorrelateDescriptorsRequest request, Metadata? headers = null, DateTime? deadline = null, CancellationToken cancellationToken = default) =>
            Answer(request.Target, digest => new CorrelateDescriptorsResponse
            {
                Target = Reference(digest),
                BestDescriptors = Values(digest),
                Correlations = { new DescriptorCorrelation { Candidates = { new Candidate { Position = new Point { X = Score(request.Descriptors, digest), Y = 1 }, Similarity = Score(request.Descriptors, digest) } } } },
                Timings = new Timings(),
            });

        public override AsyncUnaryCall<MatchDescriptorSetsResponse> MatchDescriptorSetsAsync(
            MatchDescriptorSetsRequest request, Metadata? headers = null, DateTime? deadline = null, CancellationToken cancellationToken = default) =>
            Answer(request.Target, digest => new MatchDescriptorSetsResponse
            {
                Target = Reference(digest),
                Matches = { new SetMatch { Position = new Point(), Similarity = Score(request.Descriptors, digest) } },
                Timings = new Timings(),
            });

        private AsyncUnaryCall<T> Answer<T>(FeatureSource source, Func<string, T> answer)
        {
            string digest = Digest;
            Task<T> response = source.SourceCase == FeatureSource.SourceOneofCase.FeaturesKey ? Task.FromException<T>(Expired()) : Task.FromResult(answer(digest));
            return new AsyncUnaryCall<T>(response, Task.FromResult(new Metadata()), () => default, () => [], () => { });
        }

        private static int Score(DescriptorSet descriptors, string digest) => descriptors.Values.Data.ToStringUtf8() == digest ? 1 : -1;

        private static Tensor Values(string digest) => new() { Shape = { 1, 1 }, Data = ByteString.CopyFromUtf8(digest) };

        private static FeatureMapReference Reference(string digest) => new()
        {
            FeaturesKey = new string('a', 64),
            Grid = new TokenGrid { Columns = 1, Rows = 1, StepXPx = 1, StepYPx = 1 },
            Region = new Rectangle { Width = 1, Height = 1 },
            Identity = new ModelIdentity { Model = "tiny", Adapter = "tuned", AdapterDigest = digest },
        };

        private static RpcException Expired() => new Status
        {
            Code = (int)Code.FailedPrecondition,
            Details = { Any.Pack(new ErrorInfo { Domain = RpcErrors.Domain, Reason = FeaturesExpiredException.Reason }) },
        }.ToRpcException();
    }
}
