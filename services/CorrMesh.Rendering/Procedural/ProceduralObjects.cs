using CorrMesh.Geometry;
using CorrMesh.Rendering.Meshes;

namespace CorrMesh.Rendering.Procedural;

/// <summary>An object made from a seed.</summary>
/// <param name="Mesh">In the unit box, z up.</param>
/// <param name="Shape">Its family, one of <see cref="ProceduralObjects.Shapes"/>.</param>
/// <param name="Material">Its family, one of <see cref="ProceduralObjects.Materials"/>.</param>
/// <param name="IsShapeSymmetric">A rotation other than none maps the shape onto itself.</param>
/// <param name="IsSymmetric">A rotation does, and the material shows no difference: correspondences are ambiguous.</param>
public sealed record ProceduralObject(TriangleMesh Mesh, string Shape, string Material, bool IsShapeSymmetric, bool IsSymmetric);

/// <summary>Any number of objects, each from its seed alone: a stand-in for a collection of models.</summary>
/// <remarks>Families have names, so that an evaluation can keep some out of training. The names and what a seed gives are part of recipes: new families are added, old ones stay.</remarks>
public static class ProceduralObjects
{
    /// <summary>Every family of shapes.</summary>
    public static IReadOnlyList<string> Shapes { get; } = [.. ShapeFamilies.All.Keys];

    /// <summary>Every family of materials.</summary>
    public static IReadOnlyList<string> Materials { get; } = [.. MaterialFamilies.All.Keys];

    /// <summary>Families with little to see: one colour, or slow changes.</summary>
    public static IReadOnlyList<string> LowTextureMaterials { get; } = MaterialFamilies.Of(MaterialKind.LowTexture);

    /// <summary>Families whose pattern looks the same at many places.</summary>
    public static IReadOnlyList<string> RepeatedMaterials { get; } = MaterialFamilies.Of(MaterialKind.Repeated);

    /// <summary>Makes the object of a seed.</summary>
    /// <param name="seed">Any number.</param>
    /// <param name="shapes">Families to draw from; all when null.</param>
    /// <param name="materials">Families to draw from; all when null.</param>
    /// <exception cref="ArgumentException">An empty list, or a name that is no family.</exception>
    public static ProceduralObject Make(ulong seed, IReadOnlyList<string>? shapes = null, IReadOnlyList<string>? materials = null)
    {
        // A stream for each draw: what a shape draws changes nothing in the material.
        string shape = Pick(shapes ?? Shapes, Shapes, "shape", new SeededRandom(seed, 1));
        string material = Pick(materials ?? Materials, Materials, "material", new SeededRandom(seed, 2));
        var builder = new SolidBuilder();
        bool isShapeSymmetric = ShapeFamilies.All[shape](builder, new SeededRandom(seed, 3));
        var random = new SeededRandom(seed, 4);
        (MaterialKind Kind, Func<SeededRandom, Material> Make) family = MaterialFamilies.All[material];
        Material[] slots = [family.Make(random), family.Make(random)];
        TriangleMesh mesh = builder.Build(slot => slots[slot] with { Name = material }).ToUnitBox();
        return new ProceduralObject(mesh, shape, material, isShapeSymmetric, isShapeSymmetric && material == MaterialFamilies.Plain);
    }

    private static string Pick(IReadOnlyList<string> from, IReadOnlyList<string> known, string what, SeededRandom random)
    {
        if (from.Count == 0) throw new ArgumentException($"{what} families: at least 1 needed, 0 given");
        if (from.FirstOrDefault(name => !known.Contains(name)) is { } other) throw new ArgumentException($"{what} family: one of {string.Join(", ", known)} needed, '{other}' given");
        return from[random.Below(from.Count)];
    }
}
