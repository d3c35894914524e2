using System.Numerics;

namespace CorrMesh.Rendering.Meshes;

/// <summary>A point of a surface that is about to be coloured.</summary>
/// <param name="Position">In the object frame.</param>
/// <param name="Normal">Unit, in the object frame.</param>
/// <param name="TextureCoordinate">u right, v down; zero where the mesh has none.</param>
/// <param name="AlongX">How the texture coordinate changes from one pixel to the next on the right.</param>
/// <param name="AlongY">The same, downwards.</param>
/// <param name="Footprint">About how much of the surface a pixel covers, in the object's unit.</param>
public readonly record struct SurfacePoint(Vector3 Position, Vector3 Normal, Vector2 TextureCoordinate, Vector2 AlongX, Vector2 AlongY, float Footprint);

/// <summary>Colours points of a surface. Instances are shared between threads and give the same answer each time.</summary>
public interface ISurfaceColour
{
    /// <summary>Linear RGB, 0 to 1.</summary>
    Vector3 At(in SurfacePoint point);
}

/// <summary>What a surface is made of.</summary>
public sealed record Material
{
    public string Name { get; init; } = "";

    /// <summary>Linear RGB, 0 to 1; multiplies <see cref="Pattern"/> and the vertex colours.</summary>
    public Vector3 BaseColour { get; init; } = Vector3.One;

    /// <summary>A texture or a procedural pattern; null for none.</summary>
    public ISurfaceColour? Pattern { get; init; }

    /// <summary>0 (a sharp highlight) to 1 (none).</summary>
    public float Roughness { get; init; } = 1;

    /// <summary>0, or up to 1 where highlights take the colour of the material and little light is scattered.</summary>
    public float Metallic { get; init; }
}
