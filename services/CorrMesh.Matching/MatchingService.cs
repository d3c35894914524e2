using CorrMesh.Hosting;
using CorrMesh.Hosting.Options;
using CorrMesh.Protos.Features.V1;
using CorrMesh.Protos.Matching.V1;
using Grpc.Core;
using Contract = CorrMesh.Protos.Matching.V1.MatchingService;

namespace CorrMesh.Matching;

/// <summary>The gRPC edge of matching.</summary>
public sealed class MatchingService(FeatureService.FeatureServiceClient features, MatchAdmission admission, MeshLimits limits) : Contract.MatchingServiceBase
{
    public override async Task<MatchKeypointsResponse> MatchKeypoints(MatchKeypointsRequest request, ServerCallContext context)
    {
        var timer = new RequestTimer();
        MatchKeypointsResponse response = await admission.RunAsync(() => Matcher(request.Source, request.Target, request.Spec, timer, context)
            .MatchKeypointsAsync(request.Selection)).ConfigureAwait(false);
        response.Timings = timer.ToTimings();
        return response;
    }

    public override async Task<MatchDenseResponse> MatchDense(MatchDenseRequest request, ServerCallContext context)
    {
        var timer = new RequestTimer();
        MatchDenseResponse response = await admission.RunAsync(() => Matcher(request.Source, request.Target, request.Spec, timer, context)
            .MatchDenseAsync(request.GridStepPx, request.IncludeOneWay, limits.Points)).ConfigureAwait(false);
        response.Timings = timer.ToTimings();
        return response;
    }

    public override async Task<HeatmapResponse> Heatmap(HeatmapRequest request, ServerCallContext context)
    {
        var timer = new RequestTimer();
        HeatmapResponse response = await admission.RunAsync(() => Matcher(request.Source, request.Target, request.Spec, timer, context)
            .HeatmapAsync(request.Point)).ConfigureAwait(false);
        response.Timings = timer.ToTimings();
        return response;
    }

    private ImageMatcher Matcher(FeatureSource? source, FeatureSource? target, Protos.Common.V1.FeatureSpec? spec, RequestTimer timer, ServerCallContext context) =>
        new(new FeatureCalls(features, timer, context.CancellationToken), source, target, spec);
}
