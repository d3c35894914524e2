using System.Numerics;
using CorrMesh.Geometry;
using CorrMesh.Rendering.Meshes;

namespace CorrMesh.Rendering.Raster;

/// <summary>The light that a point of a triangle sends to the camera.</summary>
internal sealed class Shader
{
    private readonly TriangleMesh mesh;
    private readonly Lighting lighting;
    private readonly RigidPose objectToCamera;
    private readonly MeshPart[] partOf;
    private readonly Vector3 row1, row2, row3;

    public Shader(TriangleMesh mesh, Lighting lighting, RigidPose objectToCamera)
    {
        (this.mesh, this.lighting, this.objectToCamera) = (mesh, lighting, objectToCamera);
        RigidPose p = objectToCamera;
        (row1, row2, row3) = (new Vector3((float)p.R11, (float)p.R12, (float)p.R13), new Vector3((float)p.R21, (float)p.R22, (float)p.R23), new Vector3((float)p.R31, (float)p.R32, (float)p.R33));
        partOf = new MeshPart[mesh.Parts.Count];
        for (int i = 0; i < partOf.Length; i++) partOf[i] = mesh.Parts[i];
    }

    /// <summary>Linear RGB of a triangle at a pixel position that it covers.</summary>
    public Vector3 Shade(in ProjectedTriangle triangle, double x, double y)
    {
        double w0 = triangle.A0 * x + triangle.B0 * y + triangle.C0, w1 = triangle.A1 * x + triangle.B1 * y + triangle.C1, w2 = triangle.A2 * x + triangle.B2 * y + triangle.C2;
        // A mean of covered samples can lie a little outside in rounding.
        (w0, w1, w2) = (Math.Max(w0, 0), Math.Max(w1, 0), Math.Max(w2, 0));
        double sum = w0 + w1 + w2;
        if (!(sum > 0)) return Vector3.Zero;
        float b0 = (float)(w0 / sum), b1 = (float)(w1 / sum), b2 = (float)(w2 / sum);
        int corner = 3 * triangle.Face;
        int i0 = mesh.Indices[corner], i1 = mesh.Indices[corner + 1], i2 = mesh.Indices[corner + 2];
        MeshPart part = PartAt(corner);
        Vector3 p0 = mesh.Positions[i0], p1 = mesh.Positions[i1], p2 = mesh.Positions[i2];
        Vector3 position = b0 * p0 + b1 * p1 + b2 * p2;
        Vector3 inCamera = ToCamera(position);
        Vector3 towardsEye = Vector3.Normalize(-inCamera);

        Vector3 plane = Vector3.Normalize(Vector3.Cross(p1 - p0, p2 - p0));
        if (!float.IsFinite(plane.X)) plane = mesh.Normals[i0];
        if (Vector3.Dot(Rotate(plane), towardsEye) < 0) plane = -plane;   // either winding: the seen side is the outer one
        Vector3 normal = plane;
        if (!part.IsFlat)
        {
            Vector3 smooth = b0 * mesh.Normals[i0] + b1 * mesh.Normals[i1] + b2 * mesh.Normals[i2];
            float length = smooth.Length();
            if (length > 1e-6f) normal = smooth / (Vector3.Dot(smooth, plane) < 0 ? -length : length);
        }

        Material material = part.Material;
        Vector3 albedo = material.BaseColour;
        if (mesh.Colours.Length > 0) albedo *= b0 * mesh.Colours[i0] + b1 * mesh.Colours[i1] + b2 * mesh.Colours[i2];
        if (material.Pattern is { } pattern)
        {
            // β' = (w' - β Σw') / Σw for each direction of the picture.
            var alongX = Derivative(triangle.A0, triangle.A1, triangle.A2, b0, b1, b2, sum);
            var alongY = Derivative(triangle.B0, triangle.B1, triangle.B2, b0, b1, b2, sum);
            float footprint = MathF.Sqrt(MathF.Max(Mix(alongX, p0, p1, p2).LengthSquared(), Mix(alongY, p0, p1, p2).LengthSquared()));
            Vector2 at = Vector2.Zero, atX = Vector2.Zero, atY = Vector2.Zero;
            if (mesh.TextureCoordinates.Length > 0)
            {
                Vector2 t0 = mesh.TextureCoordinates[i0], t1 = mesh.TextureCoordinates[i1], t2 = mesh.TextureCoordinates[i2];
                (at, atX, atY) = (b0 * t0 + b1 * t1 + b2 * t2, alongX.X * t0 + alongX.Y * t1 + alongX.Z * t2, alongY.X * t0 + alongY.Y * t1 + alongY.Z * t2);
            }
            albedo *= pattern.At(new SurfacePoint(position, normal, at, atX, atY, footprint));
        }
        return Reflect(material, albedo, inCamera, Rotate(normal), towardsEye);
    }

    // Lambert for the scattered light; Blinn and Phong's highlight, normalised, with Schlick's Fresnel term at normal incidence.
    private Vector3 Reflect(Material material, Vector3 albedo, Vector3 position, Vector3 normal, Vector3 towardsEye)
    {
        Vector3 scattered = albedo * (1 - material.Metallic), mirrored = Vector3.Lerp(new Vector3(0.04f), albedo, material.Metallic);
        bool isGlossy = material.Roughness < 0.99f || material.Metallic > 0;
        float alpha = MathF.Max(material.Roughness * material.Roughness, 0.02f), exponent = 2 / (alpha * alpha) - 2;
        Vector3 light = scattered * lighting.Ambient + mirrored * lighting.Ambient * material.Metallic;
        foreach (Light lamp in lighting.Lights)
        {
            Vector3 towards = lamp.IsPoint ? lamp.Place - position : -lamp.Place;
            float distance2 = lamp.IsPoint ? towards.LengthSquared() : 1;
            if (lamp.IsPoint) towards /= MathF.Sqrt(MathF.Max(distance2, 1e-12f));
            float facing = Vector3.Dot(normal, towards);
            if (!(facing > 0)) continue;
            Vector3 arriving = lamp.Colour * (facing / MathF.Max(distance2, 1e-4f));
            light += arriving * scattered;
            if (!isGlossy) continue;
            float half = MathF.Max(Vector3.Dot(normal, Vector3.Normalize(towards + towardsEye)), 0);
            light += arriving * mirrored * ((exponent + 8) / 8 * MathF.Pow(half, exponent));
        }
        return light;
    }

    private static Vector3 Derivative(double d0, double d1, double d2, float b0, float b1, float b2, double sum)
    {
        double whole = d0 + d1 + d2;
        return new Vector3((float)((d0 - b0 * whole) / sum), (float)((d1 - b1 * whole) / sum), (float)((d2 - b2 * whole) / sum));
    }

    private static Vector3 Mix(Vector3 weights, Vector3 a, Vector3 b, Vector3 c) => weights.X * a + weights.Y * b + weights.Z * c;

    private Vector3 Rotate(Vector3 v) => new(Vector3.Dot(row1, v), Vector3.Dot(row2, v), Vector3.Dot(row3, v));

    private Vector3 ToCamera(Vector3 v) => Rotate(v) + new Vector3((float)objectToCamera.X, (float)objectToCamera.Y, (float)objectToCamera.Z);

    private MeshPart PartAt(int index)
    {
        int low = 0, high = partOf.Length - 1;
        while (low < high)
        {
            int middle = (low + high + 1) / 2;
            if (partOf[middle].FirstIndex <= index) low = middle;
            else high = middle - 1;
        }
        return partOf[low];
    }
}
