using CorrMesh.Geometry.TwoView;
using CorrMesh.Hosting.Errors;
using CorrMesh.Hosting.Images;
using CorrMesh.Pose.Estimation;
using CorrMesh.Pose.Pnp;
using CorrMesh.Protos.Common.V1;
using CorrMesh.Protos.Features.V1;
using CorrMesh.Protos.Matching.V1;
using CorrMesh.Protos.Pose.V1;
using Grpc.Core;

namespace CorrMesh.Pose.Relative;

/// <summary>The motion of the camera between two pictures: places of the first are found in the second, and the motion that most of them allow.</summary>
internal sealed class RelativeEstimator(FeatureService.FeatureServiceClient features, MatchingService.MatchingServiceClient matching, ImageReader images, SolverQueue queue)
{
    // Places of the first picture along its longer side.
    private const int Places = 48;

    // In tokens of the coarser map: pairs farther than this from their lines never count.
    private const double LargestErrorTokens = 0.9;

    private const double LeastErrorPixels = 3;

    private static readonly (string, string)[] SourceNames = [("source.image", "source"), ("source", "source")], TargetNames = [("source.image", "target"), ("source", "target")];

    public async Task<EstimateRelativePoseResponse> EstimateAsync(EstimateRelativePoseRequest request, CancellationToken cancellation)
    {
        var clock = new PoseClock();
        (int width, int height) = images.Size(request.Source, "source");
        images.Size(request.Target, "target");
        LensCamera sourceCamera = PoseWire.ReadCamera(request.SourceCamera, "source_camera");
        LensCamera targetCamera = request.TargetCamera is null ? sourceCamera : PoseWire.ReadCamera(request.TargetCamera, "target_camera");
        float[]? depth = request.SourceDepth is null ? null : DepthMap.Read(request.SourceDepth, width, height, "source_depth");
        (FeatureMapReference sourceMap, FeatureMapReference targetMap) = await clock.FeaturesAsync(async () => (
            await ExtractAsync(request.Source, request.Spec, SourceNames, cancellation).ConfigureAwait(false),
            await ExtractAsync(request.Target, request.Spec, TargetNames, cancellation).ConfigureAwait(false))).ConfigureAwait(false);
        double side = Places / (double)Math.Max(width, height);
        var selection = new PointSelection { Grid = new Grid { Columns = (uint)Math.Max(1, Math.Round(side * width)), Rows = (uint)Math.Max(1, Math.Round(side * height)) } };
        KeypointMatch[] matches = await clock.MatchingAsync(() => MatchAsync(request, sourceMap, targetMap, selection, cancellation)).ConfigureAwait(false);

        double[] from = new double[2 * matches.Length], to = new double[2 * matches.Length], scores = new double[matches.Length];
        for (int i = 0; i < matches.Length; i++)
        {
            (from[2 * i], from[2 * i + 1], to[2 * i], to[2 * i + 1]) = (matches[i].Source.X, matches[i].Source.Y, matches[i].Target.X, matches[i].Target.Y);
            scores[i] = matches[i].Similarity;
        }
        double token = new[] { sourceMap.Grid.StepXPx, sourceMap.Grid.StepYPx, targetMap.Grid.StepXPx, targetMap.Grid.StepYPx }.Max();
        double[] straightFrom = sourceCamera.Straighten(from), straightTo = targetCamera.Straighten(to);
        var options = new RelativePoseOptions { MaxErrorPixels = Math.Max(LeastErrorPixels, LargestErrorTokens * token), Seed = request.Seed };
        RelativePoseResult result = await clock.SolverAsync(() => queue.RunAsync(
            () => RelativePoseSolver.Solve(straightFrom, straightTo, sourceCamera.Pinhole, targetCamera.Pinhole, options, scores), null, cancellation)).ConfigureAwait(false);
        var response = new EstimateRelativePoseResponse { Status = Status(result.Status), Matches = (uint)matches.Length, Inliers = (uint)result.Inliers.Length, NoisePx = result.NoisePixels };
        TranslationLength? length = depth is null || result is not { Status: RelativePoseStatus.Solved, Best: { } best } ? null : LengthOf(result, best, from, straightFrom, straightTo, depth, width, height, sourceCamera, targetCamera);
        response.Metric = length is { Count: > 0 };
        if (result.Best is { } likeliest) response.Best = Write(likeliest, response.Metric ? length : null);
        response.Alternatives.AddRange(result.Alternatives.Select(other => Write(other, response.Metric ? length : null)));
        response.Timings = clock.ToTimings();
        return response;
    }

    private async Task<FeatureMapReference> ExtractAsync(Image image, FeatureSpec? spec, (string, string)[] names, CancellationToken cancellation) =>
        (await features.ExtractFeaturesAsync(new ExtractFeaturesRequest { Source = new FeatureSource { Image = image }, Spec = spec }, cancellationToken: cancellation).RenamedAsync(names).ConfigureAwait(false)).Reference;

    // By the maps' keys; by the pictures when one has gone meanwhile.
    private async Task<KeypointMatch[]> MatchAsync(EstimateRelativePoseRequest request, FeatureMapReference source, FeatureMapReference target, PointSelection selection, CancellationToken cancellation)
    {
        var call = new MatchKeypointsRequest { Source = new FeatureSource { FeaturesKey = source.FeaturesKey }, Target = new FeatureSource { FeaturesKey = target.FeaturesKey }, Selection = selection };
        MatchKeypointsResponse response;
        try
        {
            response = await matching.MatchKeypointsAsync(call, cancellationToken: cancellation);
        }
        catch (RpcException exception) when (exception.IsFeaturesExpired())
        {
            (call.Source, call.Target, call.Spec) = (new FeatureSource { Image = request.Source }, new FeatureSource { Image = request.Target }, request.Spec);
            response = await matching.MatchKeypointsAsync(call, cancellationToken: cancellation);
        }
        return [.. response.Matches.Where(match => match.Visible)];
    }

    private static TranslationLength LengthOf(
        RelativePoseResult result, RelativePose best, double[] seen, double[] from, double[] to, float[] depth, int width, int height, LensCamera sourceCamera, LensCamera targetCamera)
    {
        int count = result.Inliers.Length;
        double[] sourcePoints = new double[2 * count], targetPoints = new double[2 * count], depths = new double[count];
        for (int i = 0; i < count; i++)
        {
            int pair = result.Inliers[i], x = Math.Clamp((int)Math.Round(seen[2 * pair]), 0, width - 1), y = Math.Clamp((int)Math.Round(seen[2 * pair + 1]), 0, height - 1);
            from.AsSpan(2 * pair, 2).CopyTo(sourcePoints.AsSpan(2 * i));
            to.AsSpan(2 * pair, 2).CopyTo(targetPoints.AsSpan(2 * i));
            depths[i] = depth[y * width + x];
        }
        return RelativePoseSolver.Length(sourcePoints, depths, targetPoints, sourceCamera.Pinhole, targetCamera.Pinhole, best.SourceToTarget);
    }

    private static RelativePoseEstimate Write(RelativePose pose, TranslationLength? length)
    {
        double scale = length?.Length ?? 1;
        Geometry.RigidPose motion = pose.SourceToTarget;
        var estimate = new RelativePoseEstimate
        {
            SourceToTarget = PoseWire.Write(motion with { X = scale * motion.X, Y = scale * motion.Y, Z = scale * motion.Z }),
            LogLikelihood = pose.LogLikelihood,
            LengthDeviation = length is { } known && double.IsFinite(known.StandardDeviation) ? known.StandardDeviation : 0,
        };
        estimate.Covariance.AddRange(pose.Covariance);
        return estimate;
    }

    private static PoseStatus Status(RelativePoseStatus status) => status switch
    {
        RelativePoseStatus.Solved => PoseStatus.Solved,
        RelativePoseStatus.TooFewPairs => PoseStatus.TooFewPoints,
        RelativePoseStatus.Degenerate => PoseStatus.Degenerate,
        RelativePoseStatus.NoBaseline => PoseStatus.NoBaseline,
        _ => PoseStatus.NoConsensus,
    };
}
