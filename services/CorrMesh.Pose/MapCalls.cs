using CorrMesh.Hosting.Errors;
using CorrMesh.Protos.Common.V1;
using CorrMesh.Protos.Features.V1;
using Google.Protobuf;
using Grpc.Core;

namespace CorrMesh.Pose;

/// <summary>FeatureService as poses use it: one map of a part of a picture, asked by its key after the first time.</summary>
/// <param name="features">The client.</param>
/// <param name="spec">Whose features.</param>
/// <param name="names">Fields of FeatureService, and those of the caller's request that they stand for.</param>
/// <param name="patience">How long a full queue is waited for; none: its refusal is the caller's.</param>
internal sealed class MapCalls(
    FeatureService.FeatureServiceClient features, FeatureSpec spec, (string Theirs, string Ours)[] names, CancellationToken cancellation, TimeSpan patience = default)
{
    private static readonly TimeSpan ShortWait = TimeSpan.FromMilliseconds(100);

    /// <summary>Makes sure that a map is there.</summary>
    /// <param name="image">The whole picture.</param>
    /// <param name="region">What the network sees of it; null for all.</param>
    /// <param name="tokens">Along the longer side of that; 0 for the spec's.</param>
    public async Task<FeatureMapReference> ExtractAsync(Image image, Rectangle? region, uint tokens = 0) =>
        (await PatientlyAsync(() => features.ExtractFeaturesAsync(new ExtractFeaturesRequest { Source = new FeatureSource { Image = image }, Spec = Of(region, tokens) }, cancellationToken: cancellation)).ConfigureAwait(false)).Reference;

    /// <summary>Unit descriptors at pixels, as float16.</summary>
    public Task<SampleDescriptorsResponse> SampleAsync(Image image, Rectangle? region, uint tokens, IEnumerable<Point> points)
    {
        var list = new PointList();
        list.Points.AddRange(points);
        var request = new SampleDescriptorsRequest
        {
            Source = new FeatureSource { Image = image },
            Spec = Of(region, tokens),
            Selection = new PointSelection { Points = list },
            Normalise = true,
            ReturnValues = DataType.F16,
        };
        return PatientlyAsync(() => features.SampleDescriptorsAsync(request, cancellationToken: cancellation));
    }

    /// <summary>Mutual nearest neighbours of descriptors among a map's tokens.</summary>
    /// <param name="map">Asked for by its key, and by the picture when it has gone meanwhile.</param>
    /// <param name="descriptors">[2 N C] bytes of float16.</param>
    /// <param name="channels">C.</param>
    public async Task<MatchDescriptorSetsResponse> MatchAsync(FeatureMapReference map, Image image, Rectangle? region, uint tokens, byte[] descriptors, int channels)
    {
        var values = new Tensor { DataType = DataType.F16, Data = UnsafeByteOperations.UnsafeWrap(descriptors) };
        values.Shape.Add((uint)(descriptors.Length / 2 / channels));
        values.Shape.Add((uint)channels);
        var request = new MatchDescriptorSetsRequest { Descriptors = new DescriptorSet { Values = values }, Target = new FeatureSource { FeaturesKey = map.FeaturesKey } };
        try
        {
            return await PatientlyAsync(() => features.MatchDescriptorSetsAsync(request, cancellationToken: cancellation)).ConfigureAwait(false);
        }
        catch (RpcException exception) when (exception.IsFeaturesExpired())
        {
            (request.Target, request.Spec) = (new FeatureSource { Image = image }, Of(region, tokens));
            return await PatientlyAsync(() => features.MatchDescriptorSetsAsync(request, cancellationToken: cancellation)).ConfigureAwait(false);
        }
    }

    /// <summary>The best pixel for each descriptor, and the map's descriptor there.</summary>
    public Task<CorrelateDescriptorsResponse> CorrelateAsync(Image image, Rectangle? region, uint tokens, Tensor descriptors, bool withBest)
    {
        var request = new CorrelateDescriptorsRequest { Descriptors = new DescriptorSet { Values = descriptors }, Target = new FeatureSource { Image = image }, Spec = Of(region, tokens) };
        if (withBest) request.ReturnBestDescriptors = DataType.F16;
        return PatientlyAsync(() => features.CorrelateDescriptorsAsync(request, cancellationToken: cancellation));
    }

    private FeatureSpec Of(Rectangle? region, uint tokens)
    {
        FeatureSpec part = spec.Clone();
        part.RegionOfInterest = region;
        if (tokens != 0) part.Tokens = tokens;
        return part;
    }

    // Making an object is long work that callers in a hurry may overtake.
    private async Task<T> PatientlyAsync<T>(Func<AsyncUnaryCall<T>> call)
    {
        var waited = TimeSpan.Zero;
        while (true)
        {
            try
            {
                return await call().RenamedAsync(names).ConfigureAwait(false);
            }
            catch (RpcException exception) when (exception.StatusCode == StatusCode.ResourceExhausted && exception.RetryDelay() is { } delay && waited < patience)
            {
                TimeSpan wait = delay > ShortWait ? delay : ShortWait;
                waited += wait;
                await Task.Delay(wait, cancellation).ConfigureAwait(false);
            }
        }
    }
}
