using System.Numerics;
using CorrMesh.Rendering.Meshes;

namespace CorrMesh.Pose.Symmetries;

/// <summary>Points spread evenly over a mesh, with what can be seen there.</summary>
/// <remarks>
/// The centroid of the surface is at the origin and the diameter is 1. Normals and colours are means over a small neighbourhood, so that grain finer
/// than that is not told apart. A normal's side means nothing: meshes wind either way. The same mesh gives the same points.
/// </remarks>
internal sealed class SurfaceCloud
{
    private const double Spacing = 0.0055;
    private const int Fewest = 12_000, Most = 100_000;
    private const float Grain = 0.025f;

    private SurfaceCloud(Vector3 centre, float diameter, float step, float roughness, Vector3[] points, Vector3[] normals, Vector3[] colours) =>
        (Centre, Diameter, Step, Roughness, Points, Normals, Colours) = (centre, diameter, step, roughness, points, normals, colours);

    /// <summary>The centroid of the surface, the mesh's frame.</summary>
    public Vector3 Centre { get; }

    /// <summary>In the mesh's unit.</summary>
    public float Diameter { get; }

    /// <summary>About how far a point is from the next, in diameters.</summary>
    public float Step { get; }

    /// <summary>Mean angle between the surface's normals and those of their neighbourhood, degrees: a scan's noise, which curvature is not.</summary>
    public float Roughness { get; }

    /// <summary>[N].</summary>
    public Vector3[] Points { get; }

    /// <summary>[N] unit vectors on either side.</summary>
    public Vector3[] Normals { get; }

    /// <summary>[N] sRGB, 0 to 1.</summary>
    public Vector3[] Colours { get; }

    /// <returns>Null for a mesh without area.</returns>
    public static SurfaceCloud? Of(TriangleMesh mesh)
    {
        (Vector3 least, Vector3 greatest) = mesh.Bounds();
        float box = (greatest - least).Length();
        if (!(box > 0) || !float.IsFinite(box)) return null;
        // In doubles of the box's size: neither small nor large units lose the area.
        var places = Array.ConvertAll(mesh.Positions, position => (position - least) / box);
        var until = new double[mesh.FaceCount];
        double area = 0;
        for (int face = 0; face < until.Length; face++)
        {
            Vector3 a = places[mesh.Indices[3 * face]];
            until[face] = area += Vector3.Cross(places[mesh.Indices[3 * face + 1]] - a, places[mesh.Indices[3 * face + 2]] - a).Length() / 2;
        }
        if (!(area > 0)) return null;
        float diameter = Extent(places, mesh.Indices);
        int count = (int)Math.Clamp(area / (diameter * diameter * Spacing * Spacing), Fewest, Most);
        float step = (float)Math.Sqrt(area / count);

        (Vector3[] points, Vector3[] normals, Vector3[] colours) = (new Vector3[count], new Vector3[count], new Vector3[count]);
        int part = 0;
        Vector3 sum = Vector3.Zero;
        for (int i = 0, face = 0; i < count; i++)
        {
            while (face < until.Length - 1 && until[face] <= (i + 0.5) * area / count) face++;
            while (3 * face >= mesh.Parts[part].FirstIndex + mesh.Parts[part].IndexCount) part++;
            // Roberts's R2 sequence: even within a large face too, and folded at the diagonal.
            float u = (float)(i * 0.7548776662466927 % 1), v = (float)(i * 0.5698402909980532 % 1);
            if (u + v > 1) (u, v) = (1 - u, 1 - v);
            Vector3 a = places[mesh.Indices[3 * face]], b = places[mesh.Indices[3 * face + 1]] - a, c = places[mesh.Indices[3 * face + 2]] - a;
            points[i] = a + u * b + v * c;
            sum += points[i] / count;
            Vector3 across = Vector3.Cross(b, c);
            normals[i] = across.Length() is > 0 and var length ? across / length : mesh.Normals[mesh.Indices[3 * face]];
            colours[i] = Colour(mesh, mesh.Parts[part].Material, 3 * face, u, v, normals[i], step * box / 2);
        }
        for (int i = 0; i < count; i++) points[i] = (points[i] - sum) / diameter;
        step /= diameter;
        float roughness = Smooth(points, ref normals, ref colours, MathF.Max(Grain, 2 * step));
        return new SurfaceCloud(least + box * sum, box * diameter, step, roughness, points, normals, colours);
    }

    private static Vector3 Colour(TriangleMesh mesh, Material material, int corner, float u, float v, Vector3 normal, float footprint)
    {
        (int i0, int i1, int i2) = (mesh.Indices[corner], mesh.Indices[corner + 1], mesh.Indices[corner + 2]);
        Vector3 p0 = mesh.Positions[i0], p1 = mesh.Positions[i1] - p0, p2 = mesh.Positions[i2] - p0, albedo = material.BaseColour;
        if (mesh.Colours.Length > 0) albedo *= (1 - u - v) * mesh.Colours[i0] + u * mesh.Colours[i1] + v * mesh.Colours[i2];
        if (material.Pattern is { } pattern)
        {
            Vector2 at = Vector2.Zero, along = Vector2.Zero, aside = Vector2.Zero;
            if (mesh.TextureCoordinates.Length > 0)
            {
                Vector2 t0 = mesh.TextureCoordinates[i0], t1 = mesh.TextureCoordinates[i1] - t0, t2 = mesh.TextureCoordinates[i2] - t0;
                float length = p1.Length(), shift = Vector3.Dot(p1, p2) / length, height = (p2 - shift / length * p1).Length();
                (at, along, aside) = (t0 + u * t1 + v * t2, footprint / length * t1, footprint / height * (t2 - shift / length * t1));
            }
            albedo *= pattern.At(new SurfacePoint(p0 + u * p1 + v * p2, normal, at, along, aside, footprint));
        }
        return new Vector3(Srgb.FromLinear(albedo.X), Srgb.FromLinear(albedo.Y), Srgb.FromLinear(albedo.Z)) / 255;
    }

    private static float Smooth(Vector3[] points, ref Vector3[] normals, ref Vector3[] colours, float radius)
    {
        var grid = new PointGrid(points, normals, radius);
        var near = new List<int>();
        float roughness = 0;
        (Vector3[] rawNormals, Vector3[] rawColours) = (normals, colours);
        (normals, colours) = (new Vector3[points.Length], new Vector3[points.Length]);
        for (int i = 0; i < points.Length; i++)
        {
            near.Clear();
            grid.Within(points[i], near);
            Vector3 normal = Vector3.Zero, colour = Vector3.Zero;
            foreach (int other in near)
            {
                colour += rawColours[other];
                // Not over sharp edges: their sides have no order to be added in.
                if (Vector3.Dot(rawNormals[i], rawNormals[other]) is var cosine && MathF.Abs(cosine) > 0.35f) normal += MathF.Sign(cosine) * rawNormals[other];
            }
            (normals[i], colours[i]) = (Vector3.Normalize(normal), colour / near.Count);
            roughness += float.RadiansToDegrees(MathF.Acos(MathF.Min(MathF.Abs(Vector3.Dot(normals[i], rawNormals[i])), 1))) / points.Length;
        }
        return roughness;
    }

    // From the farthest point to the farthest from it, a few times: the true pair nearly always.
    private static float Extent(Vector3[] places, int[] indices)
    {
        float most = 0;
        Vector3 from = places[indices[0]];
        for (int i = 0; i < 6; i++)
        {
            (Vector3 start, float farthest) = (from, -1);
            foreach (int index in indices)
                if (Vector3.DistanceSquared(places[index], start) is var distance && distance > farthest) (farthest, from) = (distance, places[index]);
            most = MathF.Max(most, MathF.Sqrt(farthest));
        }
        return most;
    }
}
