using CorrMesh.Geometry;
using CorrMesh.Pose.Estimation;
using CorrMesh.Pose.Objects;
using CorrMesh.Protos.Features.V1;
using CorrMesh.Protos.Pose.V1;

namespace CorrMesh.Pose.Streams;

/// <summary>One object of a stream from frame to frame: looked for closely where it is expected, and in the whole picture when that does not settle where it is.</summary>
internal sealed class ObjectTracker(PoseEstimator estimator, ObjectManifest manifest)
{
    private readonly ObjectTrack track = new(manifest.ToSymmetries());

    public ObjectManifest Manifest => manifest;

    /// <summary>The object in the next frame.</summary>
    public async Task<(FoundPose Found, TrackEvent Event, bool Guided)> NextAsync(PoseScene scene, Dictionary<string, FeatureMapReference> maps, PoseClock clock, CancellationToken cancellation)
    {
        FoundPose followed = track.Expected is { } expected ? await estimator.FollowAsync(scene, manifest, expected, clock, cancellation).ConfigureAwait(false) : FoundPose.Nothing;
        FoundPose anywhere = track.Settles(followed) ? FoundPose.Nothing : await estimator.FindAsync(scene, manifest, maps, inParts: false, clock, cancellation).ConfigureAwait(false);
        return track.Take(followed, anywhere);
    }
}
