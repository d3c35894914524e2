using System.Numerics;

namespace CorrMesh.Pose.Symmetries;

/// <summary>Looks for the axes of symmetry of a surface.</summary>
/// <param name="cloud">The surface.</param>
/// <param name="cancellation">Looked at between candidates.</param>
internal sealed class SymmetrySearch(SurfaceCloud cloud, CancellationToken cancellation)
{
    private const int MostOrder = 24;

    // Turned by the largest multiple below half a turn, an axis shows best where it is. The first few are those of finite groups with several axes.
    private static readonly int[] Primes = [2, 3, 5, 7, 11, 13, 17, 19, 23];
    private static readonly int[] SearchedPrimes = [2, 3, 5, 7];

    // Below this share of the larger, the difference of two principal moments says too little about their directions.
    private const double CloseMoments = 0.15;

    // Radians.
    private const float SameAxis = 0.06f, Basin = 0.12f;

    // Diameters, in the mean, after the coarse steps.
    private const float HopelessDistance = 0.015f;

    private readonly SurfaceComparison surface = new(cloud);

    /// <summary>The rotations of a finite group without the identity, or axes about which any turn will do, with one rotation that turns a lone axis over.</summary>
    public (List<Rotation> Discrete, List<RotationAxis> Continuous) Run()
    {
        (Vector3[] principal, double[] moments) = SurfaceDirections.Principal(cloud, _ => 1);
        var axes = new List<RotationAxis>();
        foreach (Vector3 direction in principal) Try(axes, direction, Primes);
        if (!axes.Any(axis => axis.Order == 0))
        {
            bool isFirst = moments[0] - moments[1] < CloseMoments * moments[0], isSecond = moments[1] - moments[2] < CloseMoments * moments[1];
            // A round thing may still show by its colours where its axes are.
            if (isFirst || isSecond)
                foreach (Vector3 direction in SurfaceDirections.OfColours(cloud)) Try(axes, direction, SearchedPrimes);
            if (isFirst && isSecond)
                foreach (int prime in SearchedPrimes) Look(axes, SurfaceDirections.HalfSphere(320), prime, 0.2f);
            else if (isFirst || isSecond)
                Look(axes, SurfaceDirections.Fan(isFirst ? principal[2] : principal[0], 180), 2, 0.1f);
        }
        RotationAxis[] continuous = [.. axes.Where(axis => axis.Order == 0).OrderBy(axis => axis.Excess)];
        if (continuous.Length > 1) return ([], [.. continuous]);
        return continuous.Length == 1 ? (Flip(continuous[0], axes), [continuous[0]]) : (Group(axes), []);
    }

    // The axes of symmetry near a direction.
    private void Try(List<RotationAxis> axes, Vector3 direction, IEnumerable<int> primes)
    {
        foreach (int prime in primes)
        {
            cancellation.ThrowIfCancellationRequested();
            double angle = prime == 2 ? Math.PI : 2 * Math.PI * (prime / 2) / prime;
            if (Refine(direction, angle) is not { } found || axes.Any(axis => MathF.Abs(Vector3.Dot(axis.Direction, found.Direction)) > MathF.Cos(SameAxis))) continue;
            if (OrderOf(found) is { } axis) axes.Add(axis);
        }
    }

    // Every direction by a glance, then the best of each neighbourhood.
    private void Look(List<RotationAxis> axes, IEnumerable<Vector3> directions, int prime, float apart)
    {
        const int most = 16;
        double angle = prime == 2 ? Math.PI : 2 * Math.PI * (prime / 2) / prime;
        var tried = new List<Vector3>();
        foreach ((Vector3 direction, _) in directions.Select(way => (way, surface.Glance(Quaternion.CreateFromAxisAngle(way, (float)angle)))).OrderBy(entry => entry.Item2))
        {
            if (tried.Count == most || axes.Count(axis => axis.Order == 0) > 1) return;
            if (tried.Any(other => MathF.Abs(Vector3.Dot(other, direction)) > MathF.Cos(apart))) continue;
            tried.Add(direction);
            Try(axes, direction, [prime]);
        }
    }

    private RotationAxis? OrderOf(RotationAxis axis)
    {
        float worst = 0;
        // Golden angles: no order below the last count fits them all.
        const int turns = 13;
        for (int i = 1; i <= turns && worst <= 1; i++) worst = MathF.Max(worst, surface.Excess(axis.By(i * Math.PI * (3 - Math.Sqrt(5)))));
        if (worst <= 1) return axis with { Order = 0, Excess = worst };
        for (int order = MostOrder; order > 1; order--)
            if (surface.Excess(axis.By(2 * Math.PI / order)) is <= 1 and var excess) return axis with { Order = order, Excess = excess };
        return null;
    }

    // A rotation that turns a continuous axis over; all others are turns of it.
    private List<Rotation> Flip(RotationAxis axis, List<RotationAxis> axes)
    {
        var across = axes.Where(other => MathF.Abs(Vector3.Dot(other.Direction, axis.Direction)) < Basin).OrderBy(other => other.Excess).ToList();
        if (across.Count == 0) Try(across, SurfaceDirections.Across(axis.Direction), [2]);
        foreach (RotationAxis other in across)
        {
            Vector3 direction = Vector3.Normalize(other.Direction - Vector3.Dot(other.Direction, axis.Direction) * axis.Direction);
            Vector3 through = axis.Through + Vector3.Dot(other.Through - axis.Through, axis.Direction) * axis.Direction;
            var flip = new Rotation(Quaternion.CreateFromAxisAngle(direction, MathF.PI), through);
            if (surface.Excess(flip) <= 1) return [flip];
        }
        return [];
    }

    // The largest set that holds together, best axes first.
    private List<Rotation> Group(List<RotationAxis> axes)
    {
        List<Rotation> makers = [], group = [];
        foreach (RotationAxis axis in axes.OrderByDescending(axis => axis.Order).ThenBy(axis => axis.Excess))
        {
            cancellation.ThrowIfCancellationRequested();
            Rotation maker = axis.By(2 * Math.PI / axis.Order);
            if (group.Any(other => Rotation.Between(other.Turn, maker.Turn) < RotationGroup.Same)) continue;
            Vector3 centre = Rotation.FixedPoint(makers.Append(maker).Select(rotation => (rotation.Turn, rotation.Shift)));
            if (RotationGroup.Closed([Quaternion.Identity, .. group.Select(other => other.Turn), maker.Turn]) is not { } turns) continue;
            List<Rotation> larger = [.. turns.Skip(1).Select(turn => new Rotation(turn, centre))];
            if (larger.Any(rotation => surface.Excess(rotation) > 1)) continue;
            (group, makers) = (larger, [.. makers, maker]);
        }
        return group;
    }

    // The axis near a direction about which a turn fits best; null when none does.
    private RotationAxis? Refine(Vector3 direction, double angle)
    {
        Quaternion turn = Quaternion.CreateFromAxisAngle(direction, (float)angle);
        Vector3 shift = Vector3.Zero;
        const int rounds = 12, coarseRounds = 7;
        for (int round = 0; round < rounds; round++)
            if (surface.Register(ref turn, ref shift, round < coarseRounds) >= (round < coarseRounds - 1 ? float.PositiveInfinity : HopelessDistance)) return null;
        if (turn.X * direction.X + turn.Y * direction.Y + turn.Z * direction.Z < 0) turn = -turn;
        var way = new Vector3(turn.X, turn.Y, turn.Z);
        if (Math.Abs(2 * Math.Atan2(way.Length(), turn.W) - angle) > Basin) return null;
        way = Vector3.Normalize(way);
        // (1 - R) c = t holds for every point of the axis: the one nearest the centroid.
        Vector3 through = Rotation.FixedPoint([(turn, shift)]);
        var axis = new RotationAxis(way, through - Vector3.Dot(through, way) * way, 2, 0);
        float excess = surface.Excess(axis.By(angle));
        return excess <= 1 ? axis : excess < 6 ? Match(axis, angle) : null;
    }

    // Shape alone may leave open where colours repeat: small steps to where they do best.
    private RotationAxis? Match(RotationAxis axis, double angle)
    {
        Unlikeness least = Of(axis);
        if (MathF.Max(least.Distance / surface.Allowed.Distance, least.Angle / surface.Allowed.Angle) > 1) return null;
        for (float step = 0.03f; step > 0.004f;)
        {
            Vector3 x = SurfaceDirections.Across(axis.Direction), y = Vector3.Cross(axis.Direction, x);
            var (near, seen) = new[] { x, -x, y, -y }.Select(way => axis with { Direction = Vector3.Normalize(axis.Direction + step * way) }).Select(moved => (moved, Of(moved))).MinBy(entry => entry.Item2.Colour);
            if (seen.Colour < least.Colour && seen.Distance < surface.Allowed.Distance) (axis, least) = (near, seen);
            else step /= 2;
        }
        return surface.Excess(axis.By(angle)) <= 1 ? axis : null;

        Unlikeness Of(RotationAxis moved) => surface.Roughly(moved.By(angle));
    }
}
