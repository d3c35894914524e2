using System.Numerics;

namespace CorrMesh.Pose.Symmetries;

/// <summary>Sets of rotations that hold what any two of them make together.</summary>
internal static class RotationGroup
{
    /// <summary>More than this are as good as an axis.</summary>
    public const int Most = 64;

    /// <summary>Radians: rotations that differ by less are one.</summary>
    public const float Same = 0.045f;

    /// <summary>Every product, the identity first; null when there are too many.</summary>
    public static Quaternion[]? Closed(List<Quaternion> turns)
    {
        for (int i = 1; i < turns.Count; i++)
            for (int j = 1; j <= i; j++)
                foreach (Quaternion made in new[] { turns[i] * turns[j], turns[j] * turns[i] })
                {
                    if (turns.Any(turn => Rotation.Between(turn, made) < Same)) continue;
                    if (turns.Count > Most) return null;
                    turns.Add(made);
                }
        // Each becomes the mean of the products that should equal it: near a group, that leads to one (Grove, Karcher and Ruh 1974).
        Quaternion[] group = [.. turns];
        for (int round = 0; round < 3; round++) group = [.. group.Select(turn => Mean(turn, group))];
        group[0] = Quaternion.Identity;
        return group;
    }

    private static Quaternion Mean(Quaternion turn, Quaternion[] group)
    {
        var sum = new Quaternion(0, 0, 0, 0);
        foreach (Quaternion left in group)
        {
            Quaternion rest = Quaternion.Conjugate(left) * turn, made = left * group.MinBy(other => Rotation.Between(other, rest));
            sum = Quaternion.Dot(made, turn) < 0 ? sum - made : sum + made;
        }
        return Quaternion.Normalize(sum);
    }
}
