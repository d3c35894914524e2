using CorrMesh.Geometry;
using CorrMesh.Geometry.Pnp;
using CorrMesh.Pose.Estimation;
using CorrMesh.Pose.Objects;
using CorrMesh.Pose.Symmetries;
using CorrMesh.Protos.Pose.V1;

namespace CorrMesh.Pose.Streams;

/// <summary>What is known of one object from the frames before, and which of the poses found in the next frame goes on from there.</summary>
/// <remarks>
/// Objects do not turn over between two frames. A pose that is turned far from the frame before is therefore not taken at once, however sure: sides of an
/// object that look nearly alike give such poses. It is taken once the object has not been seen surely for <see cref="Patience"/> frames in a way that goes on.
/// Of poses that look alike it keeps to the one that is turned least from where the object was last seen.
/// </remarks>
internal sealed class ObjectTrack(SymmetrySet symmetries)
{
    /// <summary>Below it an object that was seen counts as lost; it is found from <see cref="PoseEstimator.Sure"/> on, so that it does not flicker.</summary>
    public const double StillThere = 0.2;

    /// <summary>Frames without a sure pose that goes on, until any sure pose will do.</summary>
    public const int Patience = 5;

    /// <summary>A pose that is turned by more than this from the frame before does not go on from it.</summary>
    public const double LeapDegrees = 60;

    // Poses that the matches cannot tell apart: the one goes on that is nearer to where the object was by more than this.
    private const double TurnedDegrees = 20;

    // A motion that turns by more than this is not expected once more.
    private const double SteadyDegrees = 30;

    private RigidPose? seen, last, beforeLast;
    private bool isThere;
    private int unsure;

    /// <summary>Where the object should be in the next frame if it moves as it did; null when anything may be expected.</summary>
    public RigidPose? Expected => (beforeLast, last) is ({ } before, { } at) ? Onward(before, at) : last;

    /// <summary>Whether a pose leaves nothing to look for.</summary>
    public bool Settles(FoundPose found) => found.Confidence >= PoseEstimator.Sure && GoesOn(Kept(found));

    /// <summary>Takes the next frame's poses.</summary>
    /// <param name="followed">About where the object was expected; <see cref="FoundPose.Nothing"/> when nothing was.</param>
    /// <param name="anywhere">In the whole picture; <see cref="FoundPose.Nothing"/> when that was not looked at.</param>
    /// <returns>The one that goes on, without a pose when none does; what became of the object; and whether the pose is the followed one.</returns>
    public (FoundPose Found, TrackEvent Event, bool Followed) Take(FoundPose followed, FoundPose anywhere)
    {
        Candidate[] poses = [.. new Candidate[] { new(Kept(followed), true), new(Kept(anywhere), false) }.Where(pose => pose.Pose.Result.Best is not null).OrderByDescending(pose => pose.Pose.Confidence)];
        // A pose that does not go on is none.
        FoundPose none = anywhere.Matches > 0 ? anywhere : followed;
        if (none.Result.Best is not null) none = none with { Result = PnpResult.Failed(PnpStatus.NoConsensus, none.Result.Samples), Confidence = 0 };
        Candidate next = Surest(goesOn: true);
        bool isSure = next.Pose.Confidence >= PoseEstimator.Sure, isNew = false;
        unsure = isSure ? 0 : unsure + 1;
        if (unsure > Patience && Surest(goesOn: false) is { Pose.Confidence: >= PoseEstimator.Sure } other) (next, isNew, unsure) = (other, true, 0);

        bool wasThere = isThere, wasSeen = seen is not null;
        isThere = isSure || isNew || (wasThere && next.Pose.Confidence >= StillThere);
        if (isThere)
        {
            (beforeLast, last) = (isNew || !wasThere ? null : last, next.Pose.Result.Best!.ObjectToCamera);
            seen = last;
        }
        else
        {
            beforeLast = null;
            if (unsure > Patience) last = null;
        }
        TrackEvent happened = (wasThere, isThere) switch
        {
            (false, true) => wasSeen ? TrackEvent.Refound : TrackEvent.Found,
            (true, false) => TrackEvent.Lost,
            _ => isNew ? TrackEvent.Refound : TrackEvent.Unspecified,
        };
        return (next.Pose, happened, next.IsFollowed && isThere);

        Candidate Surest(bool goesOn) => poses.FirstOrDefault(pose => GoesOn(pose.Pose) == goesOn, new Candidate(none, false));
    }

    private bool GoesOn(FoundPose found) => found.Result.Best is { } best && (last is not { } at || best.ObjectToCamera.AngleTo(at) <= LeapDegrees || best.ObjectToCamera.AngleTo(Expected!.Value) <= LeapDegrees);

    // Of poses that look alike, or that the matches cannot tell apart, the nearest.
    private FoundPose Kept(FoundPose found)
    {
        if (seen is not { } before || found.Result.Best is not { } best) return found;
        PnpPose nearest = found.Result.Alternatives.Append(best).MinBy(Turned)!;
        PnpPose kept = Turned(best) - Turned(nearest) > TurnedDegrees ? nearest : best;
        return found with
        {
            Result = found.Result with
            {
                Best = kept with { ObjectToCamera = symmetries.Nearest(kept.ObjectToCamera, before) },
                Alternatives = kept == best ? found.Result.Alternatives : [best, .. found.Result.Alternatives.Where(pose => pose != kept)],
            },
        };

        double Turned(PnpPose pose) => symmetries.Nearest(pose.ObjectToCamera, before).AngleTo(before);
    }

    // The last motion once more.
    private static RigidPose Onward(RigidPose before, RigidPose at)
    {
        RigidPose motion = at * before.Inverse();
        if (motion.AngleTo(RigidPose.Identity) > SteadyDegrees) return at;
        RigidPose next = motion * at;
        return next.Z > 0 ? next : at;
    }

    private readonly record struct Candidate(FoundPose Pose, bool IsFollowed);
}
