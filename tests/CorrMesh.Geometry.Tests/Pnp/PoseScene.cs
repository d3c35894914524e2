using CorrMesh.Geometry;
using CorrMesh.Geometry.Pnp;

namespace CorrMesh.Geometry.Tests.Pnp;

/// <summary>A seeded object before a camera: points, where they are seen, and the truth.</summary>
internal sealed record PoseScene(double[] ObjectPoints, double[] ImagePoints, PinholeCamera Camera, RigidPose Truth, bool[] IsInlier)
{
    /// <summary>Points in a box about the object's origin, half a metre before a camera of 900 px focal length; noise in both axes; outliers anywhere in the picture.</summary>
    /// <param name="depth">Of the object's box across its front, as a share of its 0.2 m; 0 for a flat one.</param>
    public static PoseScene Draw(string name, int count, double noisePixels, double outlierShare = 0, double depth = 1, double distance = 0.5)
    {
        var random = new SeededRandom(Seed(name), 1);
        var camera = new PinholeCamera(1280, 960, 900, 910, 640, 480);
        RigidPose truth = RandomPose(random) with { X = random.Range(-0.1f, 0.1f) * distance, Y = random.Range(-0.1f, 0.1f) * distance, Z = distance };
        double[] objectPoints = new double[3 * count], imagePoints = new double[2 * count];
        bool[] isInlier = new bool[count];
        for (int i = 0; i < count; i++)
        {
            (double X, double Y, double Z) p = (random.Range(-0.1f, 0.1f), random.Range(-0.1f, 0.1f), depth * random.Range(-0.1f, 0.1f));
            (objectPoints[3 * i], objectPoints[3 * i + 1], objectPoints[3 * i + 2]) = p;
            (double x, double y) = camera.Project(truth.Apply(p));
            isInlier[i] = i >= outlierShare * count;
            (imagePoints[2 * i], imagePoints[2 * i + 1]) = isInlier[i]
                ? (x + noisePixels * random.Normal(), y + noisePixels * random.Normal())
                : (random.Range(0, 1280), random.Range(0, 960));
        }
        return new PoseScene(objectPoints, imagePoints, camera, truth, isInlier);
    }

    public PnpResult Solve(PnpOptions? options = null) => PnpSolver.Solve(ObjectPoints, ImagePoints, Camera, options);

    public static RigidPose RandomPose(SeededRandom random)
    {
        double x = random.Normal(), y = random.Normal(), z = random.Normal(), w = random.Normal(), norm = Math.Sqrt(x * x + y * y + z * z + w * w);
        (x, y, z, w) = (x / norm, y / norm, z / norm, w / norm);
        return RigidPose.FromQuaternion(x, y, z, w);
    }

    /// <summary>Degrees, and the unit of the translations.</summary>
    public static (double Degrees, double Distance) Error(RigidPose a, RigidPose b) =>
        (a.AngleTo(b), Math.Sqrt((a.X - b.X) * (a.X - b.X) + (a.Y - b.Y) * (a.Y - b.Y) + (a.Z - b.Z) * (a.Z - b.Z)));

    private static ulong Seed(string name)
    {
        ulong hash = 14695981039346656037;
        foreach (char letter in name) hash = (hash ^ letter) * 1099511628211;
        return hash;
    }
}
