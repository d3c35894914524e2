using System.Globalization;
using System.Numerics;
using System.Text.Json;

namespace CorrMesh.Evaluation.Pairs;

/// <summary>Frames of the turned box: a pixel's point on the mesh in one frame, seen again in another.</summary>
/// <remarks>Poses and mesh are pseudo ground truth, good to about 4 mm; fingers before the box are not modelled.</remarks>
internal static class BoxVideo
{
    /// <summary>Source and target frames, 22 to 66 frames apart, spread over the clip.</summary>
    private static readonly (int Source, int Target)[] Frames = [(0, 22), (66, 110), (132, 198), (220, 242), (286, 330), (352, 418)];

    public static IEnumerable<PairCase> Pairs()
    {
        JsonElement poses = RealPairs.Json("data/box/poses.json");
        var lens = Lens.Read(poses.GetProperty("intrinsics"));
        var mesh = Triangle.ReadPly(SharedData.Path("data/box/box.ply"));
        var views = poses.GetProperty("frames").EnumerateArray().ToArray();
        foreach ((int sourceIndex, int targetIndex) in Frames)
        {
            var source = Pose.Read(Find(views, sourceIndex));
            var target = Pose.Read(Find(views, targetIndex));
            yield return PairCase.FromGrid(
                RealPairs.Picture($"data/box/frames/{sourceIndex:D4}.jpg"),
                RealPairs.Picture($"data/box/frames/{targetIndex:D4}.jpg"),
                (x, y) => Follow(lens, mesh, source, target, x, y));
        }
    }

    private static (double X, double Y)? Follow(Lens lens, Triangle[] mesh, Pose source, Pose target, float x, float y)
    {
        // All in the object frame, centimetres.
        Vector3 from = source.Centre, along = source.ToObject(lens.Ray(x, y));
        float distance = Nearest(mesh, from, along);
        if (!float.IsFinite(distance)) return null;
        Vector3 point = from + distance * along, camera = target.ToCamera(point);
        if (camera.Z <= 0) return null;
        // Seen from the target when nothing of the mesh is nearer than the point, but for rounding.
        Vector3 sight = point - target.Centre;
        if (Nearest(mesh, target.Centre, sight) < 1 - 1e-3f) return null;
        return lens.Project(camera);
    }

    private static float Nearest(Triangle[] mesh, Vector3 from, Vector3 along) => mesh.Min(triangle => triangle.Intersect(from, along));

    private static JsonElement Find(JsonElement[] frames, int index)
    {
        int at = Array.FindIndex(frames, frame => frame.GetProperty("index").GetInt32() == index);
        return at >= 0 ? frames[at] : throw new InvalidDataException($"poses.json: frame {index} is missing");
    }

    private sealed record Lens(double Focal, double CentreX, double CentreY, double K1)
    {
        public static Lens Read(JsonElement intrinsics) => new(
            intrinsics.GetProperty("fx").GetDouble(),
            intrinsics.GetProperty("cx").GetDouble(),
            intrinsics.GetProperty("cy").GetDouble(),
            intrinsics.GetProperty("k1").GetDouble());

        /// <summary>Direction of a pixel in the camera frame, z = 1.</summary>
        public Vector3 Ray(double x, double y)
        {
            double distortedX = (x - CentreX) / Focal, distortedY = (y - CentreY) / Focal, u = distortedX, v = distortedY;
            // The distortion is weak (k1 -0.06), so this fixed point settles to 1e-9 within ten rounds.
            for (int round = 0; round < 10; round++)
            {
                double factor = 1 + K1 * (u * u + v * v);
                (u, v) = (distortedX / factor, distortedY / factor);
            }
            return new Vector3((float)u, (float)v, 1);
        }

        public (double X, double Y) Project(Vector3 point)
        {
            double u = point.X / point.Z, v = point.Y / point.Z, factor = 1 + K1 * (u * u + v * v);
            return (Focal * factor * u + CentreX, Focal * factor * v + CentreY);
        }
    }

    /// <summary>Object to camera: x_camera = rotation * x_object + translation.</summary>
    private sealed record Pose(Vector3 Row0, Vector3 Row1, Vector3 Row2, Vector3 Translation)
    {
        public Vector3 Centre => -ToObject(Translation);

        public static Pose Read(JsonElement frame)
        {
            float[] r = [.. RealPairs.Numbers(frame.GetProperty("R")).Select(value => (float)value)];
            float[] t = [.. RealPairs.Numbers(frame.GetProperty("t")).Select(value => (float)value)];
            return new Pose(new Vector3(r[0], r[1], r[2]), new Vector3(r[3], r[4], r[5]), new Vector3(r[6], r[7], r[8]), new Vector3(t[0], t[1], t[2]));
        }

        public Vector3 ToCamera(Vector3 point) => new Vector3(Vector3.Dot(Row0, point), Vector3.Dot(Row1, point), Vector3.Dot(Row2, point)) + Translation;

        /// <summary>Turns a camera direction into the object frame.</summary>
        public Vector3 ToObject(Vector3 direction) => direction.X * Row0 + direction.Y * Row1 + direction.Z * Row2;
    }

    private readonly record struct Triangle(Vector3 A, Vector3 B, Vector3 C)
    {
        public static Triangle[] ReadPly(string path)
        {
            string[] lines = File.ReadAllLines(path);
            int header = Array.IndexOf(lines, "end_header") + 1;
            int vertices = Count("element vertex "), faces = Count("element face ");
            Vector3[] points = [.. lines.Skip(header).Take(vertices).Select(line => Split(line)).Select(v => new Vector3(v[0], v[1], v[2]))];
            return [.. lines.Skip(header + vertices).Take(faces).Select(line => Split(line)).Select(f => new Triangle(points[(int)f[1]], points[(int)f[2]], points[(int)f[3]]))];

            int Count(string label) => int.Parse(lines.First(line => line.StartsWith(label, StringComparison.Ordinal))[label.Length..], CultureInfo.InvariantCulture);
            static float[] Split(string line) =>
                [.. line.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(number => float.Parse(number, CultureInfo.InvariantCulture))];
        }

        /// <summary>Multiples of the direction to the hit, or infinity (Möller and Trumbore 1997, from either side).</summary>
        public float Intersect(Vector3 from, Vector3 along)
        {
            Vector3 edge1 = B - A, edge2 = C - A, across = Vector3.Cross(along, edge2);
            float determinant = Vector3.Dot(edge1, across);
            if (MathF.Abs(determinant) < 1e-9f) return float.PositiveInfinity;
            Vector3 offset = from - A, turned = Vector3.Cross(offset, edge1);
            float u = Vector3.Dot(offset, across) / determinant, v = Vector3.Dot(along, turned) / determinant, t = Vector3.Dot(edge2, turned) / determinant;
            return u >= -1e-6f && v >= -1e-6f && u + v <= 1 + 1e-6f && t > 1e-6f ? t : float.PositiveInfinity;
        }
    }
}
