using CorrMesh.Hosting;
using CorrMesh.Hosting.Errors;
using CorrMesh.Protos.Common.V1;
using CorrMesh.Protos.Features.V1;

namespace CorrMesh.Matching;

/// <summary>FeatureService as matching uses it: errors name the fields of the matching request, times add up.</summary>
/// <param name="features">The client; deadline and cancellation go along.</param>
/// <param name="timer">The request's.</param>
internal sealed class FeatureCalls(FeatureService.FeatureServiceClient features, RequestTimer timer, CancellationToken cancellation)
{
    // 8,192 x 1,536 channels x 4 bytes = 48 MiB: below it, F32 fits for every backbone.
    private const ulong ManyDescriptors = 8192;

    /// <summary>Makes sure a map is there and tells its reference.</summary>
    /// <param name="field">The image's field in the matching request: "source" or "target".</param>
    public async Task<FeatureMapReference> ReferenceAsync(MatchedImage image, string field)
    {
        var request = new ExtractFeaturesRequest { Source = image.Source, Spec = image.Spec };
        ExtractFeaturesResponse response = await features.ExtractFeaturesAsync(request, cancellationToken: cancellation).RenamedAsync(("source", field)).ConfigureAwait(false);
        timer.Add(response.Timings);
        return response.Reference;
    }

    /// <summary>Samples unit descriptors. Their values come along, for the replica that holds the other image may be another one.</summary>
    /// <param name="field">The image's field in the matching request: "source" or "target".</param>
    /// <param name="names">Further fields: FeatureService's, and the matching request's that it stands for.</param>
    public async Task<SampleDescriptorsResponse> SampleAsync(MatchedImage image, PointSelection? selection, string field, params (string Theirs, string Ours)[] names)
    {
        var request = new SampleDescriptorsRequest { Source = image.Source, Spec = image.Spec, Selection = selection, Normalise = true, ReturnValues = FittingFormat(CountOf(selection)) };
        SampleDescriptorsResponse response = await features.SampleDescriptorsAsync(request, cancellationToken: cancellation).RenamedAsync([("source", field), .. names]).ConfigureAwait(false);
        timer.Add(response.Timings);
        return response;
    }

    /// <summary>The best position of each descriptor in an image, and what the image looks like there.</summary>
    /// <param name="descriptors">[N, C].</param>
    /// <param name="field">The image's field in the matching request; the descriptors are the other image's.</param>
    public Task<CorrelateDescriptorsResponse> CorrelateThereAsync(Tensor descriptors, MatchedImage image, string field) =>
        CorrelateAsync(new CorrelateDescriptorsRequest { ReturnBestDescriptors = FittingFormat(descriptors.Shape[0]) }, descriptors, image, field);

    /// <summary>The best position of each descriptor in an image.</summary>
    /// <param name="descriptors">[N, C].</param>
    /// <param name="field">The image's field in the matching request; the descriptors are the other image's.</param>
    public Task<CorrelateDescriptorsResponse> CorrelateAsync(Tensor descriptors, MatchedImage image, bool withHeatmaps, string field) =>
        CorrelateAsync(new CorrelateDescriptorsRequest { ReturnHeatmaps = withHeatmaps }, descriptors, image, field);

    /// <summary>Nearest neighbours between descriptors and a grid on an image.</summary>
    /// <param name="descriptors">[N, C].</param>
    public async Task<MatchDescriptorSetsResponse> MatchAsync(Tensor descriptors, MatchedImage image, Grid grid, bool includeOneWay)
    {
        var request = new MatchDescriptorSetsRequest
        {
            Descriptors = new DescriptorSet { Values = descriptors },
            Target = image.Source,
            Spec = image.Spec,
            TargetGrid = grid,
            IncludeOneWay = includeOneWay,
        };
        MatchDescriptorSetsResponse response = await features.MatchDescriptorSetsAsync(request, cancellationToken: cancellation).RenamedAsync(("descriptors", "source"), ("target_grid", "grid_step_px")).ConfigureAwait(false);
        timer.Add(response.Timings);
        return response;
    }

    private async Task<CorrelateDescriptorsResponse> CorrelateAsync(CorrelateDescriptorsRequest request, Tensor descriptors, MatchedImage image, string field)
    {
        (request.Descriptors, request.Target, request.Spec) = (new DescriptorSet { Values = descriptors }, image.Source, image.Spec);
        CorrelateDescriptorsResponse response = await features.CorrelateDescriptorsAsync(request, cancellationToken: cancellation).RenamedAsync(("target", field), ("descriptors", field == "target" ? "source" : "target")).ConfigureAwait(false);
        timer.Add(response.Timings);
        return response;
    }

    private static ulong CountOf(PointSelection? selection) => selection?.SelectionCase switch
    {
        PointSelection.SelectionOneofCase.Points => (ulong)selection.Points.Points.Count,
        PointSelection.SelectionOneofCase.Grid => (ulong)selection.Grid.Columns * selection.Grid.Rows,
        _ => 0,
    };

    // Many descriptors of a wide model are larger than a message in F32.
    private static DataType FittingFormat(ulong count) => count > ManyDescriptors ? DataType.F16 : DataType.F32;
}

/// <summary>An image of a matching request as FeatureService is asked for it.</summary>
/// <param name="Source">The image, or the key of its map.</param>
/// <param name="Spec">Null with a key, which has its own.</param>
internal readonly record struct MatchedImage(FeatureSource? Source, FeatureSpec? Spec)
{
    public static MatchedImage Of(FeatureSource? source, FeatureSpec? spec) =>
        new(source, source?.SourceCase == FeatureSource.SourceOneofCase.FeaturesKey ? null : spec);

    public static MatchedImage Of(FeatureMapReference reference) => new(new FeatureSource { FeaturesKey = reference.FeaturesKey }, null);
}
