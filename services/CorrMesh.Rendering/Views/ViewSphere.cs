using System.Numerics;
using CorrMesh.Geometry;

namespace CorrMesh.Rendering.Views;

/// <summary>Cameras around an object at the origin, as object-to-camera poses.</summary>
public static class ViewSphere
{
    /// <summary>The paper's distance for an object in the unit box, metres.</summary>
    public const double Distance = 2;

    /// <summary>The paper's 42 places: corners and edge middles of an icosahedron, the corners first.</summary>
    /// <param name="up">What shows upwards in the pictures.</param>
    /// <param name="distance">Metres.</param>
    public static RigidPose[] Icosphere(Vector3 up, double distance = Distance)
    {
        // A corner at each pole of z, two rings of five at heights ± 1/√5; turned as the paper's.
        var corners = new List<(double X, double Y, double Z)> { (0, 0, -1) };
        double ring = 2 / Math.Sqrt(5), height = 1 / Math.Sqrt(5);
        for (int i = 0; i < 5; i++) corners.Add(Ring(i, 0.1, -height));
        for (int i = 0; i < 5; i++) corners.Add(Ring(i, 0.0, height));
        corners.Add((0, 0, 1));
        var places = new List<(double X, double Y, double Z)>(corners);
        for (int i = 0; i < corners.Count; i++)
            for (int j = i + 1; j < corners.Count; j++)
            {
                // Neighbours see each other under arctan 2, cosine 1/√5.
                double cosine = corners[i].X * corners[j].X + corners[i].Y * corners[j].Y + corners[i].Z * corners[j].Z;
                if (Math.Abs(cosine - height) < 1e-6) places.Add((corners[i].X + corners[j].X, corners[i].Y + corners[j].Y, corners[i].Z + corners[j].Z));
            }
        return [.. places.Select(place => Looking(place, distance, up, 0))];

        (double X, double Y, double Z) Ring(int i, double turns, double z)
        {
            double angle = 2 * Math.PI * (i / 5.0 + turns);
            return (ring * Math.Cos(angle), ring * Math.Sin(angle), z);
        }
    }

    /// <summary>Places drawn evenly over the sphere.</summary>
    /// <param name="random">Decides.</param>
    /// <param name="count">How many.</param>
    /// <param name="up">What shows upwards in the pictures.</param>
    /// <param name="nearest">Least distance, metres.</param>
    /// <param name="farthest">Greatest distance, metres.</param>
    /// <param name="roll">Greatest turn about the optical axis to either side, radians.</param>
    public static RigidPose[] Draw(SeededRandom random, int count, Vector3 up, double nearest = Distance, double farthest = Distance, double roll = 0)
    {
        ArgumentNullException.ThrowIfNull(random);
        if (count < 0) throw new ArgumentOutOfRangeException(nameof(count), count, $"count: at least 0 needed, {count} given");
        if (!(nearest > 0 && farthest >= nearest && double.IsFinite(farthest))) throw new ArgumentException($"distance: 0 < nearest <= farthest needed, {nearest} and {farthest} given");
        var poses = new RigidPose[count];
        for (int i = 0; i < count; i++)
        {
            // Even over the sphere: height is uniform (Archimedes).
            double z = random.Range(-1, 1), around = random.Range(0, MathF.Tau), level = Math.Sqrt(1 - z * z);
            double distance = nearest + (farthest - nearest) * random.Unit();
            poses[i] = Looking((level * Math.Cos(around), level * Math.Sin(around), z), distance, up, roll * random.Range(-1, 1));
        }
        return poses;
    }

    /// <summary>A camera that looks at the origin.</summary>
    /// <param name="place">Its direction from the origin, of any length but 0.</param>
    /// <param name="distance">Metres.</param>
    /// <param name="up">What shows upwards in the picture.</param>
    /// <param name="roll">Turn about the optical axis, radians.</param>
    public static RigidPose Looking((double X, double Y, double Z) place, double distance, Vector3 up, double roll)
    {
        double scale = distance / Math.Sqrt(place.X * place.X + place.Y * place.Y + place.Z * place.Z);
        RigidPose pose = RigidPose.LookAt((place.X * scale, place.Y * scale, place.Z * scale), (0, 0, 0), (up.X, up.Y, up.Z));
        (double sine, double cosine) = Math.SinCos(roll);
        return roll == 0 ? pose : new RigidPose(cosine, -sine, 0, 0, sine, cosine, 0, 0, 0, 0, 1, 0) * pose;
    }
}
