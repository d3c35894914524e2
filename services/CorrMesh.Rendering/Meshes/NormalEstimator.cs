using System.Numerics;

namespace CorrMesh.Rendering.Meshes;

/// <summary>Vertex normals where a file has none.</summary>
internal static class NormalEstimator
{
    /// <summary>Unit normals: the given ones, and for missing or vanishing ones the mean of the faces at that place.</summary>
    /// <remarks>
    /// Faces weigh in by their angle at the vertex (Thürmer and Wüthrich 1998), so that cutting a polygon otherwise changes nothing. Vertices
    /// at one place share their normal: where files split a vertex for its texture coordinates, the light shows no seam.
    /// </remarks>
    public static Vector3[] Complete(Vector3[] positions, int[] indices, Vector3[]? given)
    {
        var normals = new Vector3[positions.Length];
        bool isComplete = given is not null;
        for (int i = 0; i < normals.Length && given is not null; i++)
        {
            normals[i] = Unit(given[i]);
            isComplete &= normals[i] != Vector3.Zero;
        }
        if (isComplete) return normals;

        var places = new Dictionary<Vector3, int>(positions.Length);
        var place = new int[positions.Length];
        for (int i = 0; i < place.Length; i++)
        {
            if (!places.TryGetValue(positions[i], out place[i])) places.Add(positions[i], place[i] = places.Count);
        }
        var sums = new Vector3[places.Count];
        for (int face = 0; face < indices.Length; face += 3)
        {
            Vector3 a = positions[indices[face]], b = positions[indices[face + 1]], c = positions[indices[face + 2]];
            Vector3 normal = Unit(Vector3.Cross(b - a, c - a));
            sums[place[indices[face]]] += Angle(b - a, c - a) * normal;
            sums[place[indices[face + 1]]] += Angle(c - b, a - b) * normal;
            sums[place[indices[face + 2]]] += Angle(a - c, b - c) * normal;
        }
        for (int i = 0; i < normals.Length; i++)
        {
            if (normals[i] != Vector3.Zero) continue;
            Vector3 mean = Unit(sums[place[i]]);
            normals[i] = mean != Vector3.Zero ? mean : Vector3.UnitZ;
        }
        return normals;
    }

    // Scaled first: the squares of very small or large lengths would vanish or overflow.
    private static Vector3 Unit(Vector3 v)
    {
        float greatest = MathF.Max(MathF.Abs(v.X), MathF.Max(MathF.Abs(v.Y), MathF.Abs(v.Z)));
        if (!(greatest > 0) || !float.IsFinite(greatest)) return Vector3.Zero;
        v /= greatest;
        return v / v.Length();
    }

    private static float Angle(Vector3 left, Vector3 right)
    {
        Vector3 a = Unit(left), b = Unit(right);
        return MathF.Acos(Math.Clamp(Vector3.Dot(a, b), -1, 1));
    }
}
