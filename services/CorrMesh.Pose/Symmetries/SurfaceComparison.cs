using System.Numerics;

namespace CorrMesh.Pose.Symmetries;

/// <summary>Compares a surface with itself after a motion.</summary>
internal sealed class SurfaceComparison
{
    private const int Compared = 1600, Glanced = 140, Registered = 240, CoarseCount = 1500;
    private const float Reach = 0.017f, CoarseReach = 0.1f;

    private readonly SurfaceCloud cloud;
    private readonly PointGrid fine, coarse;

    public SurfaceComparison(SurfaceCloud cloud)
    {
        this.cloud = cloud;
        fine = new PointGrid(cloud.Points, cloud.Normals, Reach);
        coarse = new PointGrid(cloud.Points, cloud.Normals, CoarseReach, Math.Max(1, cloud.Points.Length / CoarseCount));
        Vector3[] ways = [Vector3.UnitX, Vector3.UnitY, Vector3.UnitZ];
        Unlikeness sum = default;
        foreach (Vector3 way in ways)
        {
            sum = sum.Plus(Compare(Quaternion.Identity, Unlikeness.FarDistance / 2 * way, Compared));
            sum = sum.Plus(Compare(Quaternion.CreateFromAxisAngle(way, Unlikeness.FarDistance), Vector3.Zero, Compared));
        }
        // What noise turns a normal by differs from place to place, however little the object moves.
        sum = sum.Times(1f / 6) with { Angle = sum.Angle / 6 + cloud.Roughness, Turned = sum.Turned / 6 + cloud.Roughness / 100 };
        Allowed = Unlikeness.Allowed.Plus(sum.AtMost(Unlikeness.Allowed));
    }

    /// <summary>Where a surface still counts as like itself.</summary>
    public Unlikeness Allowed { get; }

    /// <summary>More than 1 when the surface looks different once it is turned so; a first look decides clear cases.</summary>
    public float Excess(Rotation rotation)
    {
        float first = Compare(rotation.Turn, rotation.Shift, Glanced).Over(Allowed);
        return first > 2.5f ? first : Compare(rotation.Turn, rotation.Shift, Compared).Over(Allowed);
    }

    /// <summary>A rough look at a turn about the centroid: small where it may be a symmetry.</summary>
    public float Glance(Quaternion turn)
    {
        float sum = 0;
        for (int i = 0; i < Glanced; i++)
        {
            int at = Pick(i);
            Vector3 point = Vector3.Transform(cloud.Points[at], turn), normal = Vector3.Transform(cloud.Normals[at], turn);
            int near = coarse.Nearest(point, normal, CoarseReach);
            Vector3 tone = near < 0 ? default : Vector3.Abs(cloud.Colours[at] - cloud.Colours[near]);
            sum += near < 0 ? CoarseReach : CoarseReach / 4 * MathF.Max(tone.X, MathF.Max(tone.Y, tone.Z)) + MathF.Abs(Vector3.Dot(point - cloud.Points[near], cloud.Normals[near])) + CoarseReach / 4 * (1 - MathF.Abs(Vector3.Dot(normal, cloud.Normals[near])));
        }
        return sum;
    }

    /// <summary>How unlike itself it looks once it is turned so, by a look that is good enough to compare turns by.</summary>
    public Unlikeness Roughly(Rotation rotation) => Compare(rotation.Turn, rotation.Shift, Registered);

    /// <summary>One step of registering the moved surface with itself.</summary>
    /// <returns>How far off it was in the mean; infinite when most of it is far away.</returns>
    public float Register(ref Quaternion turn, ref Vector3 shift, bool isCoarse)
    {
        (PointGrid grid, float reach, float scale) = isCoarse ? (coarse, CoarseReach, 0.03f) : (fine, Reach, 0.006f);
        var system = new double[6, 7];
        Span<double> row = stackalloc double[7];
        int matched = 0;
        float sum = 0;
        for (int i = 0; i < Registered; i++)
        {
            int at = Pick(i);
            Vector3 point = Vector3.Transform(cloud.Points[at], turn) + shift;
            int near = grid.Nearest(point, Vector3.Transform(cloud.Normals[at], turn), reach);
            if (near < 0) continue;
            matched++;
            Vector3 normal = cloud.Normals[near], arm = Vector3.Cross(point, normal);
            float off = Vector3.Dot(normal, cloud.Points[near] - point), weight = 1 / (1 + off * off / (scale * scale));
            sum += MathF.Abs(off);
            (row[0], row[1], row[2], row[3], row[4], row[5], row[6]) = (arm.X, arm.Y, arm.Z, normal.X, normal.Y, normal.Z, off);
            for (int r = 0; r < 6; r++)
                for (int c = 0; c < 7; c++) system[r, c] += weight * row[r] * row[c];
        }
        if (2 * matched < Registered) return float.PositiveInfinity;
        // Along an axis of a round thing nothing holds: stay.
        for (int i = 0; i < 6; i++) system[i, i] += 1e-3 * matched;
        double[] step = SmallSystem.Solve(system);
        var about = new Vector3((float)step[0], (float)step[1], (float)step[2]);
        Quaternion more = about.Length() is > 0 and var size ? Quaternion.CreateFromAxisAngle(about / size, size) : Quaternion.Identity;
        shift = Vector3.Transform(shift, more) + new Vector3((float)step[3], (float)step[4], (float)step[5]);
        turn = Quaternion.Normalize(more * turn);
        return sum / matched;
    }

    private Unlikeness Compare(Quaternion turn, Vector3 shift, int count)
    {
        (float distance, float angle, float colour, int far, int turned, int other, int matched) = (0, 0, 0, 0, 0, 0, 0);
        for (int i = 0; i < count; i++)
        {
            int at = Pick(i);
            Vector3 point = Vector3.Transform(cloud.Points[at], turn) + shift, normal = Vector3.Transform(cloud.Normals[at], turn);
            int near = fine.Nearest(point, normal, Reach);
            if (near < 0)
            {
                distance += Reach;
                far++;
                continue;
            }
            matched++;
            Vector3 apart = point - cloud.Points[near];
            float off = Vector3.Dot(apart, cloud.Normals[near]), along = MathF.Max(MathF.Sqrt(MathF.Max(apart.LengthSquared() - off * off, 0)) - 2 * cloud.Step, 0);
            float length = MathF.Sqrt(off * off + along * along), degrees = float.RadiansToDegrees(MathF.Acos(MathF.Min(MathF.Abs(Vector3.Dot(normal, cloud.Normals[near])), 1)));
            Vector3 difference = Vector3.Abs(cloud.Colours[at] - cloud.Colours[near]);
            float tone = MathF.Max(difference.X, MathF.Max(difference.Y, difference.Z));
            (distance, angle, colour) = (distance + length, angle + degrees, colour + tone);
            if (length > Unlikeness.FarDistance) far++;
            if (degrees > Unlikeness.TurnedAngle) turned++;
            if (tone > Unlikeness.OtherColour) other++;
        }
        float all = count, seen = Math.Max(matched, 1);
        return new Unlikeness(distance / all, angle / seen, colour / seen, far / all, turned / seen, other / seen);
    }

    // Any first few of the points lie evenly over the surface.
    private int Pick(int i) => (int)(i * 0.6180339887498949 % 1 * cloud.Points.Length);
}
