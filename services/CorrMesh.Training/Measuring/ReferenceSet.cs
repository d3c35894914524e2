using CorrMesh.Rendering.Meshes;
using CorrMesh.Rendering.Procedural;

namespace CorrMesh.Training.Measuring;

/// <summary>An object that an adapter was not made for.</summary>
/// <param name="Name">For reports.</param>
/// <param name="Seed">Of its views.</param>
/// <param name="Make">Makes the mesh; always the same.</param>
public sealed record ReferenceObject(string Name, int Seed, Func<TriangleMesh> Make);

/// <summary>A fixed set of objects on which adapters must not lose much.</summary>
/// <param name="Name">With its version: another set, or another way to show it, is another name, for figures of two sets cannot be compared.</param>
/// <param name="Objects">None is mapped onto itself by a rotation.</param>
public sealed record ReferenceSet(string Name, IReadOnlyList<ReferenceObject> Objects)
{
    /// <summary>Eight made objects, as different in shape and material as the families allow: each stands for one where an adapter may do harm.</summary>
    public static ReferenceSet Procedural { get; } = new(
        "procedural-1",
        [
            Made("creature", "clouds", 2_000_001), Made("carved", "print", 2_000_002), Made("stack", "patches", 2_000_003), Made("horn", "stripes", 2_000_004),
            Made("vessel", "camouflage", 2_000_005), Made("blobs", "faded", 2_000_006), Made("supershape", "mosaic", 2_000_007), Made("extrusion", "marble", 2_000_008),
        ]);

    private static ReferenceObject Made(string shape, string material, int seed) =>
        new($"{shape}-{material}-{seed}", seed, () => ProceduralObjects.Make((ulong)seed, [shape], [material]).Mesh);
}
