using System.Numerics;

namespace CorrMesh.Pose.Symmetries;

/// <summary>A rotation about a point of a surface that is centred and has a diameter of 1.</summary>
internal readonly record struct Rotation(Quaternion Turn, Vector3 Through)
{
    public Vector3 Shift => Through - Vector3.Transform(Through, Turn);

    /// <summary>The angle between two rotations, radians.</summary>
    public static float Between(Quaternion one, Quaternion other) => 2 * MathF.Acos(MathF.Min(MathF.Abs(Quaternion.Dot(one, other)), 1));

    /// <summary>The point that motions move least; of several, the one nearest the centroid.</summary>
    public static Vector3 FixedPoint(IEnumerable<(Quaternion Turn, Vector3 Shift)> motions)
    {
        var system = new double[3, 4];
        foreach ((Quaternion turn, Vector3 shift) in motions)
        {
            Vector3[] columns = [.. new[] { Vector3.UnitX, Vector3.UnitY, Vector3.UnitZ }.Select(unit => unit - Vector3.Transform(unit, turn))];
            for (int r = 0; r < 3; r++)
            {
                for (int c = 0; c < 3; c++) system[r, c] += Vector3.Dot(columns[r], columns[c]);
                system[r, 3] += Vector3.Dot(columns[r], shift);
            }
        }
        for (int i = 0; i < 3; i++) system[i, i] += 1e-6;
        double[] point = SmallSystem.Solve(system);
        return new Vector3((float)point[0], (float)point[1], (float)point[2]);
    }
}

/// <summary>An axis of symmetry.</summary>
/// <param name="Order">By what part of a full turn it may be turned; 0: by any.</param>
/// <param name="Excess">How near the best of its rotations comes to what is allowed.</param>
internal readonly record struct RotationAxis(Vector3 Direction, Vector3 Through, int Order, float Excess)
{
    public Rotation By(double angle) => new(Quaternion.CreateFromAxisAngle(Direction, (float)angle), Through);
}
