using CorrMesh.Features.Store;
using CorrMesh.Hosting;
using CorrMesh.Hosting.Errors;
using CorrMesh.Hosting.Options;
using CorrMesh.Models;
using CorrMesh.Protos.Common.V1;
using CorrMesh.Protos.Features.V1;
using CorrMesh.Vision.Similarity;
using Google.Protobuf;
using Grpc.Core;
using Contract = CorrMesh.Protos.Features.V1.FeatureService;

namespace CorrMesh.Features;

/// <summary>The gRPC edge of features: validate, call, map.</summary>
public sealed class FeatureService(
    LiveCatalog catalog, SpecResolver specs, FeatureExtractor extractor, DescriptorSets descriptors, SimilaritySearch search, FeatureRenderer renderer, FeatureStream streams,
    MeshLimits limits)
    : Contract.FeatureServiceBase
{
    private const int MaxHeatmaps = 16, DefaultRenderSide = 640, MaxRenderSide = 2048;

    public override Task<ListModelsResponse> ListModels(ListModelsRequest request, ServerCallContext context) => Task.FromResult(catalog.Current.ToResponse(limits));

    public override async Task<ExtractFeaturesResponse> ExtractFeatures(ExtractFeaturesRequest request, ServerCallContext context)
    {
        var timer = new RequestTimer();
        WireTensors.CheckFormat(request.ReturnValues, "return_values");
        StoredMap map = await extractor.GetAsync(request.Source, request.Spec, "source", timer, context.CancellationToken).ConfigureAwait(false);
        WireTensors.CheckFits(map.Map.Values.LongLength, request.ReturnValues, limits.MessageBytes, "return_values");
        float[] values = request.ReturnValues != DataType.Unspecified && request.Normalise ? map.Map.Unit().Values : map.Map.Values;
        return new ExtractFeaturesResponse
        {
            Reference = map.ToReference(),
            Values = WireTensors.Encode(values, request.ReturnValues, map.Map.Y.Count, map.Map.X.Count, map.Map.Channels),
            Timings = timer.ToTimings(),
        };
    }

    public override async Task<SampleDescriptorsResponse> SampleDescriptors(SampleDescriptorsRequest request, ServerCallContext context)
    {
        var timer = new RequestTimer();
        WireTensors.CheckFormat(request.ReturnValues, "return_values");
        PointReader.Check(request.Selection, limits.Points, "selection");
        StoredMap map = await extractor.GetAsync(request.Source, request.Spec, "source", timer, context.CancellationToken).ConfigureAwait(false);
        (double X, double Y)[] points = PointReader.Read(request.Selection, map, limits.Points, "selection");
        WireTensors.CheckFits((long)points.Length * map.Map.Channels, request.ReturnValues, limits.MessageBytes, "return_values");
        StoredDescriptors set = await descriptors.SampleAsync(map, points, request.Normalise, timer, context.CancellationToken).ConfigureAwait(false);
        var response = new SampleDescriptorsResponse
        {
            Reference = map.ToReference(),
            DescriptorSetKey = set.Key,
            Values = WireTensors.Encode(set.Values, request.ReturnValues, set.Count, set.Channels),
        };
        response.Points.Add(points.Select(p => new Point { X = p.X, Y = p.Y }));
        response.Timings = timer.ToTimings();
        return response;
    }

    public override async Task<CorrelateDescriptorsResponse> CorrelateDescriptors(CorrelateDescriptorsRequest request, ServerCallContext context)
    {
        var timer = new RequestTimer();
        StoredDescriptors set = descriptors.Get(request.Descriptors, "descriptors");
        CorrelationSettings settings = Settings(request, set.Count);
        WireTensors.CheckFormat(request.ReturnBestDescriptors, "return_best_descriptors");
        WireTensors.CheckFits(set.Values.LongLength, request.ReturnBestDescriptors, limits.MessageBytes, "return_best_descriptors");
        StoredMap target = await extractor.GetAsync(request.Target, request.Spec, "target", timer, context.CancellationToken).ConfigureAwait(false);
        DescriptorSets.CheckFits(set, target, "descriptors");
        DescriptorCorrelation[] correlations = await search.CorrelateAsync(set, target, settings, timer, context.CancellationToken).ConfigureAwait(false);
        var response = new CorrelateDescriptorsResponse { Target = target.ToReference() };
        response.Correlations.Add(correlations);
        if (request.ReturnBestDescriptors != DataType.Unspecified)
        {
            (double X, double Y)[] best = [.. correlations.Select(c => (c.Candidates[0].Position.X, c.Candidates[0].Position.Y))];
            StoredDescriptors found = await descriptors.SampleAsync(target, best, normalise: true, timer, context.CancellationToken).ConfigureAwait(false);
            response.BestDescriptors = WireTensors.Encode(found.Values, request.ReturnBestDescriptors, found.Count, found.Channels);
        }

        response.Timings = timer.ToTimings();
        return response;
    }

    public override async Task<MatchDescriptorSetsResponse> MatchDescriptorSets(MatchDescriptorSetsRequest request, ServerCallContext context)
    {
        var timer = new RequestTimer();
        StoredDescriptors set = descriptors.Get(request.Descriptors, "descriptors");
        if (request.TargetGrid is not null) PointReader.CheckGrid(request.TargetGrid, limits.Points, "target_grid");
        StoredMap target = await extractor.GetAsync(request.Target, request.Spec, "target", timer, context.CancellationToken).ConfigureAwait(false);
        DescriptorSets.CheckFits(set, target, "descriptors");
        (double X, double Y)[]? grid = request.TargetGrid is null ? null : PointReader.ReadGrid(request.TargetGrid, target, limits.Points, "target_grid");
        SetMatch[] matches = await search.MatchAsync(set, target, grid, request.IncludeOneWay, timer, context.CancellationToken).ConfigureAwait(false);
        var response = new MatchDescriptorSetsResponse { Target = target.ToReference() };
        response.Matches.Add(matches);
        response.Timings = timer.ToTimings();
        return response;
    }

    public override async Task<RenderFeaturesResponse> RenderFeatures(RenderFeaturesRequest request, ServerCallContext context)
    {
        var timer = new RequestTimer();
        int count = request.Sources.Count, most = Math.Min(limits.RenderImages, JointPca.MaxMaps);
        if (count < 1 || count > most) throw new FieldException("sources", $"1 to {most} images allowed, {count} given");
        if (request.LongSidePx > MaxRenderSide) throw new FieldException("long_side_px", $"1 to {MaxRenderSide} allowed (0: {DefaultRenderSide}), {request.LongSidePx} given");
        if (request.Spec?.CalculateSize() > 0 && request.Sources.All(source => source.SourceCase == FeatureSource.SourceOneofCase.FeaturesKey))
            throw new FieldException("spec", "must be absent when every source is a features_key, whose maps have their own");
        var spec = new Lazy<ResolvedSpec>(() => specs.Resolve(request.Spec));
        StoredMap[] maps = await Task.WhenAll(request.Sources.Select((source, i) => extractor.GetAsync(
            source, () => spec.Value, $"sources[{i}]", timer, context.CancellationToken))).ConfigureAwait(false);
        int side = request.LongSidePx == 0 ? DefaultRenderSide : (int)request.LongSidePx;
        byte[][] pictures = await renderer.RenderAsync(maps, side, request.SideBySide, timer, context.CancellationToken).ConfigureAwait(false);
        var response = new RenderFeaturesResponse();
        response.Images.Add(maps.Select((map, i) => new RenderedFeatures
        {
            Png = request.SideBySide ? ByteString.Empty : UnsafeByteOperations.UnsafeWrap(pictures[i]),
            Reference = map.ToReference(),
        }));
        if (request.SideBySide) response.SideBySidePng = UnsafeByteOperations.UnsafeWrap(pictures[0]);
        response.Timings = timer.ToTimings();
        return response;
    }

    public override Task StreamFeatures(
        IAsyncStreamReader<StreamFeaturesRequest> requestStream, IServerStreamWriter<StreamFeaturesResponse> responseStream, ServerCallContext context) =>
        streams.RunAsync(requestStream, responseStream, context.CancellationToken);

    private static CorrelationSettings Settings(CorrelateDescriptorsRequest request, int count)
    {
        if (request.TopK > TopPositions.MaxCount) throw new FieldException("top_k", $"1 to {TopPositions.MaxCount} allowed (0: 1), {request.TopK} given");
        if (!double.IsFinite(request.MinSeparationPx) || request.MinSeparationPx < 0) throw new FieldException("min_separation_px", $"a number of at least 0 needed, {request.MinSeparationPx} given");
        if (request.ReturnHeatmaps && count > MaxHeatmaps) throw new FieldException("return_heatmaps", $"at most {MaxHeatmaps} descriptors allowed with heat maps, {count} given");
        double? radius = null;
        if (request.MethodCase == CorrelateDescriptorsRequest.MethodOneofCase.SoftArgMax)
        {
            radius = request.SoftArgMax.RadiusPx;
            if (request.TopK > 1) throw new FieldException("top_k", $"at most 1 with soft_arg_max, {request.TopK} given");
            if (!double.IsFinite(radius.Value) || radius < 0) throw new FieldException("soft_arg_max.radius_px", $"a number of at least 0 needed, {radius} given");
        }

        return new CorrelationSettings(Math.Max(1, (int)request.TopK), request.MinSeparationPx, radius, request.ReturnHeatmaps);
    }
}
