using CorrMesh.Geometry.Pnp;
using CorrMesh.Hosting.Errors;
using CorrMesh.Hosting.Options;
using CorrMesh.Pose.Objects;
using CorrMesh.Pose.Pnp;
using CorrMesh.Pose.Symmetries;
using CorrMesh.Protos.Common.V1;
using CorrMesh.Protos.Features.V1;
using Grpc.Core;
using RigidPose = CorrMesh.Geometry.RigidPose;

namespace CorrMesh.Pose.Estimation;

/// <summary>Finds objects: looks for one in the whole picture first, then places it by a close look at where it was found.</summary>
internal sealed class PoseEstimator(FeatureService.FeatureServiceClient features, ObjectStore store, SolverQueue queue, MeshLimits limits)
{
    /// <summary>A pose is taken to be right from here on.</summary>
    public const double Sure = 0.5;

    // Pictures of the object that a close look is compared with: those around where it is seen from.
    private const int NearPictures = 3;

    // In tokens: pairs farther than this from their projections never count.
    private const double LargestErrorTokens = 0.9;

    private const double LeastErrorPixels = 3;

    // A close look is taken again when it finds the object turned by more than this from where it was expected.
    private const double SurpriseDegrees = 12;

    // Parts of the picture in which a small object is looked for, as shares of its sides and of the room about them: larger ones first, from the middle outwards.
    private static readonly (double Share, double X, double Y)[] Parts =
    [
        (0.6, 0.5, 0.5), (0.6, 0, 0), (0.6, 1, 0), (0.6, 0, 1), (0.6, 1, 1),
        (0.4, 0.5, 0.5), (0.4, 0.5, 0), (0.4, 0, 0.5), (0.4, 1, 0.5), (0.4, 0.5, 1), (0.4, 0, 0), (0.4, 1, 0), (0.4, 0, 1), (0.4, 1, 1),
    ];

    private static readonly (string, string)[] Names = [("spec.region_of_interest", "region_of_interest"), ("source.image", "image"), ("source", "image"), ("target.image", "image"), ("target", "image")];

    /// <summary>The object anywhere in the picture.</summary>
    /// <param name="scene">The picture.</param>
    /// <param name="manifest">The object.</param>
    /// <param name="maps">Maps of the whole picture that are there already, by the spec that made them.</param>
    /// <param name="inParts">Look into parts of the picture, too, when the whole does not do.</param>
    public async Task<FoundPose> FindAsync(PoseScene scene, ObjectManifest manifest, Dictionary<string, FeatureMapReference> maps, bool inParts, PoseClock clock, CancellationToken cancellation)
    {
        ObjectModel model = await LoadAsync(manifest).ConfigureAwait(false);
        FeatureSpec spec = SpecOf(manifest);
        var calls = new MapCalls(features, spec, Names, cancellation);
        string key = $"{spec.Model} {spec.Adapter} {spec.Tokens}";
        if (!maps.TryGetValue(key, out FeatureMapReference? map))
            maps[key] = map = await clock.FeaturesAsync(() => ExtractAsync(calls, scene, manifest, scene.Region, 0)).ConfigureAwait(false);
        FoundPose wide = await LookAsync(scene, calls, map, scene.Region, 0, RowSelection.All(model.Wide), isClose: false, manifest, clock, cancellation).ConfigureAwait(false);
        FoundPose best = await CloserAsync(scene, manifest, wide, clock, cancellation).ConfigureAwait(false);
        if (best.Confidence >= Sure || !inParts) return best;
        foreach ((double share, double x, double y) in Parts)
        {
            if (PartOf(scene.WholeOrRegion, share, x, y) is not { } part) break;
            FeatureMapReference partMap = await clock.FeaturesAsync(() => ExtractAsync(calls, scene, manifest, part, 0)).ConfigureAwait(false);
            FoundPose seen = await LookAsync(scene, calls, partMap, part, 0, RowSelection.All(model.Wide), isClose: false, manifest, clock, cancellation).ConfigureAwait(false);
            FoundPose found = await CloserAsync(scene, manifest, seen, clock, cancellation).ConfigureAwait(false);
            if (found.Confidence > best.Confidence) best = found;
            if (best.Confidence >= Sure) break;
        }
        return best;
    }

    /// <summary>The object about where it is expected.</summary>
    /// <returns>Nothing when it is not in the picture there.</returns>
    public async Task<FoundPose> FollowAsync(PoseScene scene, ObjectManifest manifest, RigidPose expected, PoseClock clock, CancellationToken cancellation)
    {
        ObjectModel model = await LoadAsync(manifest).ConfigureAwait(false);
        var calls = new MapCalls(features, SpecOf(manifest), Names, cancellation);
        Box box = manifest.ToBox();
        SymmetrySet symmetries = manifest.ToSymmetries();
        FoundPose found = FoundPose.Nothing;
        // Where the object is, and which side it shows, is known better after a first look.
        for (int look = 0; look < 2; look++)
        {
            ObjectRegion? region = ObjectRegion.Of(ObjectRegion.Corners(box.Least, box.Greatest), expected, scene.Camera, scene.Width, scene.Height, ObjectRegion.Close, manifest.Tokens, limits.MinTokens);
            if (region is null) return found;
            RowSelection rows = model.CloseTo(expected, NearPictures, box.Middle, symmetries).Thinned(limits.Points);
            if (rows.Count == 0) return found;
            FeatureMapReference map = await clock.FeaturesAsync(() => ExtractAsync(calls, scene, manifest, region.Pixels, region.Tokens)).ConfigureAwait(false);
            FoundPose seen = await LookAsync(scene, calls, map, region.Pixels, region.Tokens, rows, isClose: true, manifest, clock, cancellation).ConfigureAwait(false);
            if (seen.Confidence > found.Confidence || found.Result.Best is null) found = seen;
            if (seen.Result.Best is not { } best || best.ObjectToCamera.AngleTo(expected) <= SurpriseDegrees) break;
            expected = best.ObjectToCamera;
        }
        return found;
    }

    private async Task<FoundPose> CloserAsync(PoseScene scene, ObjectManifest manifest, FoundPose wide, PoseClock clock, CancellationToken cancellation)
    {
        if (wide.Result.Best is not { } best) return wide;
        FoundPose close = await FollowAsync(scene, manifest, best.ObjectToCamera, clock, cancellation).ConfigureAwait(false);
        return close.Result.Best is null ? wide : close;
    }

    private async Task<FoundPose> LookAsync(
        PoseScene scene, MapCalls calls, FeatureMapReference map, Rectangle? region, uint tokens, RowSelection rows, bool isClose, ObjectManifest manifest, PoseClock clock, CancellationToken cancellation)
    {
        MatchDescriptorSetsResponse matched = await clock.MatchingAsync(() => calls.MatchAsync(map, scene.Content, region, tokens, rows.Descriptors, rows.Channels)).ConfigureAwait(false);
        int count = matched.Matches.Count;
        int[] pairs = new int[count];
        double[] objectPoints = new double[3 * count], imagePoints = new double[2 * count], scores = new double[count];
        for (int i = 0; i < count; i++)
        {
            SetMatch match = matched.Matches[i];
            pairs[i] = rows.Rows[match.SetIndex];
            for (int axis = 0; axis < 3; axis++) objectPoints[3 * i + axis] = rows.Points[3 * (int)match.SetIndex + axis];
            (imagePoints[2 * i], imagePoints[2 * i + 1], scores[i]) = (match.Position.X, match.Position.Y, match.Similarity);
        }
        var options = new PnpOptions { MaxErrorPixels = Math.Max(LeastErrorPixels, LargestErrorTokens * Math.Max(map.Grid.StepXPx, map.Grid.StepYPx)), Seed = scene.Seed };
        var call = new PnpCall(objectPoints, imagePoints, scores, scene.Camera, options);
        PnpResult result = await clock.SolverAsync(() => queue.RunAsync(call.Solve, null, cancellation)).ConfigureAwait(false);
        if (scene.DepthMetres is { } depth && result.Best is { } best) result = result with { Best = WithDepth(best, result, call, scene, depth) };
        return new FoundPose(result, call, pairs, isClose, PoseConfidence.Of(result, count, scene.Camera.Pinhole.FocalX, manifest.DiameterMetres));
    }

    private static PnpPose WithDepth(PnpPose best, PnpResult result, PnpCall call, PoseScene scene, float[] depth)
    {
        double[] points = new double[3 * result.Inliers.Length], metres = new double[result.Inliers.Length];
        for (int i = 0; i < metres.Length; i++)
        {
            int pair = result.Inliers[i], x = (int)Math.Round(call.ImagePoints[2 * pair]), y = (int)Math.Round(call.ImagePoints[2 * pair + 1]);
            call.ObjectPoints.AsSpan(3 * pair, 3).CopyTo(points.AsSpan(3 * i));
            if (x >= 0 && y >= 0 && x < scene.Width && y < scene.Height) metres[i] = depth[y * scene.Width + x];
        }
        return DepthRefinement.Refine(best, points, metres);
    }

    private static FeatureSpec SpecOf(ObjectManifest manifest) => new()
    {
        Model = manifest.Model,
        Adapter = manifest.Adapter.Length == 0 ? "" : $"{manifest.Adapter}@sha256:{manifest.AdapterDigest}",
        Tokens = (uint)manifest.Tokens,
    };

    private static Rectangle? PartOf(Rectangle whole, double share, double x, double y)
    {
        uint width = (uint)(share * whole.Width), height = (uint)(share * whole.Height);
        return width < 32 || height < 32 ? null : new Rectangle { X = whole.X + (uint)(x * (whole.Width - width)), Y = whole.Y + (uint)(y * (whole.Height - height)), Width = width, Height = height };
    }

    private static async Task<FeatureMapReference> ExtractAsync(MapCalls calls, PoseScene scene, ObjectManifest manifest, Rectangle? region, uint tokens)
    {
        try
        {
            FeatureMapReference map = await calls.ExtractAsync(scene.Content, region, tokens).ConfigureAwait(false);
            if (map.Identity.ModelDigest != manifest.ModelDigest || map.Identity.AdapterDigest != manifest.AdapterDigest) throw Stale(manifest);
            return map;
        }
        catch (RpcException exception) when (exception.StatusCode == StatusCode.NotFound)
        {
            throw Stale(manifest);
        }
    }

    private static RpcException Stale(ObjectManifest manifest) => RpcErrors.Of(
        StatusCode.FailedPrecondition, "OBJECT_STALE",
        $"object: '{manifest.Id}' was made with {manifest.Model}{(manifest.Adapter.Length == 0 ? "" : $" and {manifest.Adapter}")} as they no longer are; delete it and make it again");

    // From disk the first time.
    private Task<ObjectModel> LoadAsync(ObjectManifest manifest) => Task.Run(() => store.Load(manifest));
}
