using CorrMesh.Hosting.Errors;
using CorrMesh.Protos.Common.V1;
using CorrMesh.Protos.Features.V1;
using CorrMesh.Protos.Matching.V1;
using Grpc.Core;

namespace CorrMesh.Matching;

/// <summary>Composes FeatureService's answers into matches; owns what mutual, cycle and visible mean.</summary>
/// <remarks>
/// Maps stay where they are: after the first calls keys travel, and descriptors of a few hundred bytes each. When a key's map was evicted
/// between two calls, everything is asked once more with images in place of keys; keys that the caller gave are the caller's to replace. Names
/// of weights are looked up by each call that brings an image, so every answer is held against the others' weights.
/// </remarks>
internal sealed class ImageMatcher(FeatureCalls calls, FeatureSource? source, FeatureSource? target, FeatureSpec? spec)
{
    /// <summary>A match counts as visible when the way there and back ends within so many token steps.</summary>
    public const double VisibleTokenSteps = 1.5;

    private readonly MatchedImage sourceImage = MatchedImage.Of(source, spec), targetImage = MatchedImage.Of(target, spec);

    /// <summary>For each position the best one in the target, checked by going back.</summary>
    public Task<MatchKeypointsResponse> MatchKeypointsAsync(PointSelection? selection) => WithKeysOrContentsAsync(async withContents =>
    {
        CheckSpec();
        Task<FeatureMapReference> targetMap = calls.ReferenceAsync(targetImage, "target");
        Task<SampleDescriptorsResponse> sampling = calls.SampleAsync(sourceImage, selection, "source");
        await BothAsync(sampling, targetMap).ConfigureAwait(false);
        SampleDescriptorsResponse sampled = await sampling.ConfigureAwait(false);
        FeatureMapReference targetReference = await targetMap.ConfigureAwait(false);
        RequireSameWeights(sampled.Reference, targetReference);

        CorrelateDescriptorsResponse there = await calls.CorrelateThereAsync(sampled.Values, Target(targetReference, withContents), "target").ConfigureAwait(false);
        RequireSameWeights(sampled.Reference, there.Target);
        Candidate[] best = [.. there.Correlations.Select(c => c.Candidates[0])];
        CorrelateDescriptorsResponse back = await calls.CorrelateAsync(there.BestDescriptors, Source(sampled.Reference, withContents), withHeatmaps: false, "source").ConfigureAwait(false);
        RequireSameWeights(sampled.Reference, back.Target);

        var response = new MatchKeypointsResponse { Source = sampled.Reference, Target = targetReference };
        double visibleWithin = VisibleTokenSteps * Math.Max(sampled.Reference.Grid.StepXPx, sampled.Reference.Grid.StepYPx);
        for (int i = 0; i < best.Length; i++)
        {
            Point asked = sampled.Points[i], returned = back.Correlations[i].Candidates[0].Position;
            double cycleError = Math.Sqrt((asked.X - returned.X) * (asked.X - returned.X) + (asked.Y - returned.Y) * (asked.Y - returned.Y));
            response.Matches.Add(new KeypointMatch
            {
                Source = asked,
                Target = best[i].Position,
                Similarity = best[i].Similarity,
                CycleErrorPx = cycleError,
                Visible = cycleError <= visibleWithin,
            });
        }

        return response;
    });

    /// <summary>Nearest neighbours between grids on both images.</summary>
    /// <param name="gridStepPx">Distance between grid positions; 0 for as many as the maps have tokens.</param>
    /// <param name="maxPoints">Most positions of either grid.</param>
    public Task<MatchDenseResponse> MatchDenseAsync(double gridStepPx, bool includeOneWay, int maxPoints) => WithKeysOrContentsAsync(async withContents =>
    {
        CheckSpec();
        if (!double.IsFinite(gridStepPx) || gridStepPx < 0 || gridStepPx is > 0 and < 1) throw new FieldException("grid_step_px", $"0 or at least 1 needed, {gridStepPx} given");
        Task<FeatureMapReference> sourceMap = calls.ReferenceAsync(sourceImage, "source"), targetMap = calls.ReferenceAsync(targetImage, "target");
        await BothAsync(sourceMap, targetMap).ConfigureAwait(false);
        FeatureMapReference sourceReference = await sourceMap.ConfigureAwait(false), targetReference = await targetMap.ConfigureAwait(false);
        RequireSameWeights(sourceReference, targetReference);
        Grid sourceGrid = GridOf(sourceReference, gridStepPx, maxPoints), targetGrid = GridOf(targetReference, gridStepPx, maxPoints);

        SampleDescriptorsResponse sampled = await calls
            .SampleAsync(Source(sourceReference, withContents), new PointSelection { Grid = sourceGrid }, "source").ConfigureAwait(false);
        MatchDescriptorSetsResponse matched = await calls.MatchAsync(sampled.Values, Target(targetReference, withContents), targetGrid, includeOneWay).ConfigureAwait(false);
        RequireSameWeights(sampled.Reference, targetReference);
        RequireSameWeights(sampled.Reference, matched.Target);
        var response = new MatchDenseResponse { Source = sourceReference, Target = targetReference };
        response.Matches.Add(matched.Matches.Select(m => new DenseMatch
        {
            Source = sampled.Points[(int)m.SetIndex],
            Target = m.Position,
            Similarity = m.Similarity,
            Mutual = m.Mutual,
        }));
        return response;
    });

    /// <summary>How similar every place of the target is to one position.</summary>
    public Task<HeatmapResponse> HeatmapAsync(Point? point) => WithKeysOrContentsAsync(async _ =>
    {
        CheckSpec();
        if (point is null) throw new FieldException("point", "a position needed, none given");
        var selection = new PointSelection { Points = new PointList { Points = { point } } };
        SampleDescriptorsResponse sampled = await calls.SampleAsync(sourceImage, selection, "source", ("selection.points.points[0]", "point")).ConfigureAwait(false);
        CorrelateDescriptorsResponse correlated = await calls.CorrelateAsync(sampled.Values, targetImage, withHeatmaps: true, "target").ConfigureAwait(false);
        RequireSameWeights(sampled.Reference, correlated.Target);
        DescriptorCorrelation correlation = correlated.Correlations[0];
        return new HeatmapResponse
        {
            Png = correlation.HeatmapPng,
            Best = correlation.Candidates[0].Position,
            Similarity = correlation.Candidates[0].Similarity,
            Source = sampled.Reference,
            Target = correlated.Target,
        };
    });

    private static Grid GridOf(FeatureMapReference map, double stepPx, int maxPoints)
    {
        // A grid tiles what the network saw of the image.
        (double width, double height) = (map.Region.Width, map.Region.Height);
        double columns = stepPx == 0 ? map.Grid.Columns : Math.Max(1, Math.Round(width / stepPx)), rows = stepPx == 0 ? map.Grid.Rows : Math.Max(1, Math.Round(height / stepPx));
        if (columns * rows > maxPoints)
            throw new FieldException("grid_step_px", $"at most {maxPoints} positions an image allowed, {stepPx} makes {columns} x {rows} on {width} x {height} px");
        return new Grid { Columns = (uint)columns, Rows = (uint)rows };
    }

    // The features service gets no spec with a key, so it could not say this.
    private void CheckSpec()
    {
        if (spec?.CalculateSize() > 0 && source?.SourceCase == FeatureSource.SourceOneofCase.FeaturesKey && target?.SourceCase == FeatureSource.SourceOneofCase.FeaturesKey)
            throw new FieldException("spec", "must be absent when both sources are a features_key, whose maps have their own");
    }

    // Keys may come from anywhere. Descriptors of different weights mean different things, even when they are equally wide.
    private static void RequireSameWeights(FeatureMapReference source, FeatureMapReference target)
    {
        (ModelIdentity ours, ModelIdentity theirs) = (source.Identity, target.Identity);
        if (ours.ModelDigest != theirs.ModelDigest || ours.AdapterDigest != theirs.AdapterDigest)
            throw new WeightsDifferException($"a map by the source's {Shown(ours)} needed, one by {Shown(theirs)} given");

        static string Shown(ModelIdentity identity) => identity.Adapter.Length == 0 ? identity.Model : $"{identity.Model} with {identity.Adapter}";
    }

    // Waits for both and throws the first one's error, so that equal requests always fail alike.
    private static async Task BothAsync(Task first, Task second)
    {
        await Task.WhenAll(first, second).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await first.ConfigureAwait(false);
        await second.ConfigureAwait(false);
    }

    private async Task<T> WithKeysOrContentsAsync<T>(Func<bool, Task<T>> attempt)
    {
        bool withContents = false, haveSwapped = false;
        while (true)
        {
            try
            {
                return await attempt(withContents).ConfigureAwait(false);
            }
            catch (RpcException exception) when (!withContents && exception.IsFeaturesExpired())
            {
                withContents = true;
            }
            catch (WeightsDifferException) when (!haveSwapped && source?.SourceCase == FeatureSource.SourceOneofCase.Image && target?.SourceCase == FeatureSource.SourceOneofCase.Image)
            {
                // Another adapter took the name between two calls; the second time all of them are of the new one.
                haveSwapped = true;
            }
        }
    }

    private MatchedImage Source(FeatureMapReference reference, bool withContents) => withContents ? sourceImage : MatchedImage.Of(reference);

    private MatchedImage Target(FeatureMapReference reference, bool withContents) => withContents ? targetImage : MatchedImage.Of(reference);

    private sealed class WeightsDifferException(string description) : FieldException("target", description);
}
