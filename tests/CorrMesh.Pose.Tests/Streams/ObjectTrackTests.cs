using CorrMesh.Geometry;
using CorrMesh.Geometry.Pnp;
using CorrMesh.Pose.Estimation;
using CorrMesh.Pose.Streams;
using CorrMesh.Pose.Symmetries;
using CorrMesh.Protos.Pose.V1;
using Xunit;

namespace CorrMesh.Pose.Tests.Streams;

/// <summary>Which pose goes on from the frames before, by poses made for the purpose.</summary>
public sealed class ObjectTrackTests
{
    private static readonly RigidPose HalfTurn = Turn(180);

    [Fact]
    public void Expected_SteadyMotion_GoesOn()
    {
        ObjectTrack track = Following(0, 4);
        track.Take(Seen(8), FoundPose.Nothing);

        Assert.Equal(12, track.Expected!.Value.AngleTo(Pose(0)), 6);
    }

    // A leap that was taken says nothing of what comes next.
    [Fact]
    public void Expected_AfterALeap_IsWhereTheObjectIs()
    {
        ObjectTrack track = Following(0);
        for (int i = 0; i <= ObjectTrack.Patience; i++) track.Take(FoundPose.Nothing, Seen(120));

        Assert.Equal(120, track.Expected!.Value.AngleTo(Pose(0)), 6);
    }

    // Goal: a side that looks nearly alike does not turn the object over. Method: the true pose is unsure for a while, another one is surer, then the true one is sure again.
    [Fact]
    public void Take_UnsureForAWhile_KeepsToThePoseThatGoesOn()
    {
        ObjectTrack track = Following(0);
        for (int i = 0; i < ObjectTrack.Patience; i++)
        {
            (FoundPose found, TrackEvent happened, bool followed) = track.Take(Seen(i, 0.3), Seen(150, 0.95));
            Assert.Equal((i, TrackEvent.Unspecified, true), ((int)Math.Round(Degrees(found)), happened, followed));
        }

        Assert.True(track.Settles(Seen(6)));
        Assert.Equal(TrackEvent.Unspecified, track.Take(Seen(6), FoundPose.Nothing).Event);
    }

    [Fact]
    public void Take_UnsureForLong_TakesTheSurePose()
    {
        ObjectTrack track = Following(0);
        for (int i = 0; i < ObjectTrack.Patience; i++) track.Take(Seen(0, 0.3), Seen(150, 0.95));
        (FoundPose found, TrackEvent happened, bool followed) = track.Take(Seen(0, 0.3), Seen(150, 0.95));

        Assert.Equal((150, TrackEvent.Refound, false), ((int)Math.Round(Degrees(found)), happened, followed));
    }

    // However sure the look at where it was expected is of it.
    [Fact]
    public void Settles_FollowedPoseTurnedOver_IsNotEnough()
    {
        ObjectTrack track = Following(0);

        Assert.True(track.Settles(Seen(50)));
        Assert.False(track.Settles(Seen(150)));
        Assert.False(track.Settles(Seen(0, 0.4)));
        (FoundPose found, TrackEvent happened, _) = track.Take(Seen(150), FoundPose.Nothing);
        Assert.Equal((PnpStatus.NoConsensus, 4, 0, TrackEvent.Lost), (found.Result.Status, found.Matches, found.Confidence, happened));
    }

    [Fact]
    public void Take_GoneAndBack_IsLostAndFoundAgain()
    {
        var track = new ObjectTrack(SymmetrySet.None);
        Assert.Null(track.Expected);
        Assert.Equal(TrackEvent.Unspecified, track.Take(FoundPose.Nothing, Seen(0, 0.4)).Event);
        Assert.Equal(TrackEvent.Found, track.Take(FoundPose.Nothing, Seen(0)).Event);
        Assert.Equal(TrackEvent.Lost, track.Take(Seen(0, 0.1), FoundPose.Nothing).Event);
        Assert.Equal(TrackEvent.Unspecified, track.Take(Seen(0, 0.3), FoundPose.Nothing).Event);   // no longer seen until it is sure
        Assert.Equal(TrackEvent.Refound, track.Take(FoundPose.Nothing, Seen(20)).Event);
    }

    [Fact]
    public void Take_GoneForLong_IsFoundAnyWayRound()
    {
        ObjectTrack track = Following(0);
        for (int i = 0; i <= ObjectTrack.Patience; i++)
        {
            Assert.NotNull(track.Expected);
            track.Take(FoundPose.Nothing, FoundPose.Nothing);
        }

        Assert.Null(track.Expected);
        Assert.Equal(TrackEvent.Refound, track.Take(FoundPose.Nothing, Seen(150)).Event);
    }

    // Goal: declared symmetries never show. Method: an object with a half turn, seen the other way round, also after it had been lost.
    [Fact]
    public void Take_SymmetricObject_StaysTheSameWayRound()
    {
        var track = new ObjectTrack(new SymmetrySet([HalfTurn], []));
        track.Take(FoundPose.Nothing, Seen(0));
        Assert.Equal(3, Degrees(track.Take(Seen(183), FoundPose.Nothing).Found), 6);
        for (int i = 0; i <= ObjectTrack.Patience; i++) track.Take(FoundPose.Nothing, FoundPose.Nothing);
        Assert.Equal(10, Degrees(track.Take(FoundPose.Nothing, Seen(190)).Found), 6);
    }

    [Fact]
    public void Take_ContinuousAxis_TurnsAsLittleAsItCan()
    {
        var track = new ObjectTrack(new SymmetrySet([], [new Metrics.SymmetryAxis((0, 1, 0), (0, 0, 0))]));
        track.Take(FoundPose.Nothing, Seen(0));

        Assert.InRange(Degrees(track.Take(Seen(97), FoundPose.Nothing).Found), 0, 1);
    }

    [Theory]
    [InlineData(40, 5, 5)]      // an alternative that is much nearer goes on
    [InlineData(12, 5, 12)]     // one that is a little nearer does not
    public void Take_PosesThatTheMatchesCannotTellApart_TheNearerGoesOn(double best, double other, double kept)
    {
        ObjectTrack track = Following(0);
        FoundPose two = Seen(best);
        two = two with { Result = two.Result with { Alternatives = [Seen(other).Result.Best!] } };
        FoundPose found = track.Take(two, FoundPose.Nothing).Found;

        Assert.Equal(kept, Degrees(found), 6);
        Assert.Equal(best + other - kept, Pose(0).AngleTo(found.Result.Alternatives.Single().ObjectToCamera), 6);
    }

    private static ObjectTrack Following(params double[] degrees)
    {
        var track = new ObjectTrack(SymmetrySet.None);
        foreach (double turned in degrees) track.Take(track.Expected is null ? FoundPose.Nothing : Seen(turned), track.Expected is null ? Seen(turned) : FoundPose.Nothing);
        return track;
    }

    private static FoundPose Seen(double degrees, double confidence = 0.9) =>
        new(new PnpResult(PnpStatus.Solved, new PnpPose(Pose(degrees), new double[36], 1), [], [0, 1, 2, 3], 1, 3, 1), null, [0, 1, 2, 3], true, confidence);

    private static double Degrees(FoundPose found) => found.Result.Best!.ObjectToCamera.AngleTo(Pose(0));

    private static RigidPose Pose(double degrees) => Turn(degrees) with { Z = 1 };

    private static RigidPose Turn(double degrees) => RigidPose.FromQuaternion(0, Math.Sin(degrees * Math.PI / 360), 0, Math.Cos(degrees * Math.PI / 360));
}
