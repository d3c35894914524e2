namespace CorrMesh.Geometry.Pnp;

/// <summary>Poses that samples gave, each better than those before it.</summary>
internal sealed class SampledPoses
{
    private const int Most = 6;

    // A rival explains at least this share of what the best pose does.
    private const double RivalShare = 0.6;

    private readonly List<(RigidPose Pose, float Cost)> poses = [];

    public int Count => poses.Count;

    public void Add(in RigidPose pose, float cost) => poses.Add((pose, cost));

    /// <summary>The best of those that explain about as much as the best does, each place once.</summary>
    /// <param name="points">How many there are: the cost of a pose that explains none.</param>
    /// <param name="areOne">Whether two are the same place.</param>
    public List<RigidPose> Rivals(int points, Func<RigidPose, RigidPose, bool> areOne)
    {
        List<RigidPose> rivals = [];
        float best = poses.Count == 0 ? 0 : poses.Min(sampled => sampled.Cost);
        foreach ((RigidPose pose, float cost) in poses.OrderBy(sampled => sampled.Cost))
        {
            if (rivals.Count == Most || points - cost < RivalShare * (points - best)) break;
            if (!rivals.Exists(other => areOne(other, pose))) rivals.Add(pose);
        }
        return rivals;
    }
}
