using CorrMesh.Geometry;

namespace CorrMesh.Training.Finetuning;

/// <summary>Posed views of one object in two parts.</summary>
/// <param name="Training">Positions of those to train on, ascending.</param>
/// <param name="Unseen">Positions of those to measure with, ascending.</param>
public sealed record ViewSplit(IReadOnlyList<int> Training, IReadOnlyList<int> Unseen)
{
    /// <summary>Fewest views that can be split: half of them are trained on, half measured with.</summary>
    public const int FewestViews = 6;

    private const int FewestUnseen = 3, MostUnseen = 12, Share = 4;

    /// <summary>Sets a quarter of the views aside, 3 to 12, spread over the object and still near enough to one another to make pairs.</summary>
    /// <remarks>The first is the one in the middle of the order; each further one is the view farthest from those that were taken before, among the views within the angle of one of them.</remarks>
    /// <param name="poses">Object to camera, at least <see cref="FewestViews"/>.</param>
    /// <param name="maxAngle">Views turned further against each other make no pair, degrees.</param>
    /// <exception cref="ArgumentException">Too few views, or too few within the angle of each other.</exception>
    public static ViewSplit Of(IReadOnlyList<RigidPose> poses, double maxAngle)
    {
        ArgumentNullException.ThrowIfNull(poses);
        if (poses.Count < FewestViews) throw new ArgumentException($"at least {FewestViews} that show the object with depth needed, {poses.Count} given", nameof(poses));
        int count = Math.Clamp(poses.Count / Share, FewestUnseen, MostUnseen);
        var unseen = new List<int> { poses.Count / 2 };
        double[] nearest = [.. poses.Select(pose => pose.AngleTo(poses[unseen[0]]))];
        while (unseen.Count < count)
        {
            int next = -1;
            for (int i = 0; i < poses.Count; i++)
                if (!unseen.Contains(i) && nearest[i] <= maxAngle && (next < 0 || nearest[i] > nearest[next])) next = i;
            if (next < 0) break;
            unseen.Add(next);
            for (int i = 0; i < poses.Count; i++) nearest[i] = Math.Min(nearest[i], poses[i].AngleTo(poses[next]));
        }
        if (unseen.Count < FewestUnseen)
            throw new ArgumentException($"at least {FewestUnseen} within {maxAngle} degrees of each other needed to measure with, {unseen.Count} given", nameof(poses));
        return new ViewSplit([.. Enumerable.Range(0, poses.Count).Except(unseen)], [.. unseen.Order()]);
    }
}
